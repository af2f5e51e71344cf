import assert from 'node:assert/strict';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { KeyValueUnavailable, memoryKeyValue, serveKeyValue } from '../../keyvalue/index.ts';
import { type ReplicatedPair, startReplicatedPair } from '../../testing/replicated-pair.ts';
import { readStatement } from '../contract.ts';
import { RoutedProcess } from './test/routed-orders.ts';
import { find, keep } from './test/routed-statements.ts';
import {
  eventually,
  inRotation,
  keptTable,
  openRouted,
  type Routed,
  sumOf,
  writeAndRead,
} from './test/routed-world.ts';
import type { ReplicaOptions } from './with-replica.ts';

let pair: ReplicatedPair;
const opened: Routed[] = [];

beforeAll(async () => {
  pair = await startReplicatedPair();
  await pair.primary.run(keptTable);
  await pair.caughtUp();
});
afterAll(() => pair.close());
afterEach(async () => {
  for (const { database } of opened.splice(0)) await database.close();
  await resumeReplay();
  await pair.caughtUp();
});

const pauseReplay = (): Promise<unknown> => pair.replica.run('select pg_wal_replay_pause()');
const resumeReplay = (): Promise<unknown> => pair.replica.run('select pg_wal_replay_resume()');

function open(options: Partial<ReplicaOptions> = {}): Routed {
  const routed = openRouted(pair, options);
  opened.push(routed);
  return routed;
}

/** Some other work first, so that the replica may have looked again meanwhile or not. */
async function otherWork({ database }: Routed): Promise<void> {
  for (let left = Math.random() < 0.3 ? 0 : Math.random() * 150; left > 0; left--) await database.ping();
}

/** Pauses and resumes the replay at random times until told to stop; resolves to how often. */
function disturbReplay(routed: Routed): () => Promise<number> {
  const over = new AbortController();
  const disturbing = (async () => {
    let count = 0;
    for (; !over.signal.aborted; count++) {
      await (count % 2 === 0 ? pauseReplay() : resumeReplay());
      await otherWork(routed);
    }
    await resumeReplay();
    return count;
  })();
  return () => {
    over.abort();
    return disturbing;
  };
}

describe('a caller', () => {
  it('is read for on the replica, whose connections refuse to write', async () => {
    const routed = open();
    await inRotation(routed);
    expect(routed.routes.at(-1)).toEqual({ server: 'replica', reason: 'current' });
    const rights = readStatement<[], { default_transaction_read_only: string }>(
      'test.rights',
      'show default_transaction_read_only',
    );
    expect((await routed.database.reader([]).run(rights, [])).rows).toEqual([{ default_transaction_read_only: 'on' }]);
    const disguised = readStatement<[], never>('test.disguised', "insert into kept values ('disguised', 1)");
    await expect(routed.database.reader([]).run(disguised, [])).rejects.toMatchObject({ code: '25006' });
    expect(() => routed.database.reader([]).run(keep as never, ['plain', 1] as never)).toThrow(/only reads/);
    expect(await pair.primary.run("select * from kept where key in ('disguised', 'plain')")).toEqual([]);
  });

  it('never sees an older state than it wrote in 1,000 rounds, while the replay stops and goes on', async () => {
    const routed = open({ lagMaxMs: 10_000 });
    await inRotation(routed);
    const stopDisturbing = disturbReplay(routed);
    const callers = Array.from({ length: 20 }, (_, place) => `caller ${place}`);
    const stories = callers.map((caller) =>
      writeAndRead(
        [routed, routed],
        caller,
        (round) => round <= 50,
        () => otherWork(routed),
      ),
    );
    const { stale, fromReplica, fromPrimary } = sumOf(await Promise.all(stories));
    expect(await stopDisturbing()).toBeGreaterThan(4);
    expect(stale).toBe(0);
    expect(fromReplica).toBeGreaterThan(50);
    expect(fromPrimary).toBeGreaterThan(50);
  });

  it('reads its own write on the replica once that has it, and on the primary before', async () => {
    const routed = open({ lagMaxMs: 10_000 });
    const { database, routes } = routed;
    await inRotation(routed);
    await pauseReplay();
    await database.writer(['late', 'client:1']).runAlone(keep, ['late', 7]);
    const reader = database.reader(['client:1']);
    expect((await reader.run(find, ['late'])).rows).toEqual([{ value: 7, replica: false }]);
    expect(routes.at(-1)).toEqual({ server: 'primary', reason: 'own_write' });
    // Whoever did not write it may see an older state, and does.
    expect((await database.reader(['stranger']).run(find, ['late'])).rows).toEqual([]);
    await resumeReplay();
    await inRotation(routed, ['late']);
    expect((await database.reader(['late']).run(find, ['late'])).rows).toEqual([{ value: 7, replica: true }]);
    // A request that has seen the primary stays with it.
    expect((await reader.run(find, ['late'])).rows).toEqual([{ value: 7, replica: false }]);
  });

  it('sees what a transaction wrote before anything that follows the commit', async () => {
    const routed = open({ lagMaxMs: 10_000 });
    await inRotation(routed);
    await pauseReplay();
    const seen: unknown[] = [];
    await routed.database.writer(['tx']).transact(async (tx) => {
      await tx.run(keep, ['tx', 1]);
      tx.afterCommit(async () => {
        seen.push((await routed.database.reader(['tx']).run(find, ['tx'])).rows);
      });
    });
    expect(seen).toEqual([[{ value: 1, replica: false }]]);
  });
});

describe('a caller whose requests reach two processes', () => {
  const shared = (keyValue = memoryKeyValue()): Partial<ReplicaOptions> => ({
    lagMaxMs: 1_000,
    shared: { keyValue, scope: 'test' },
  });

  it('never sees an older state than it wrote through the other', async () => {
    const options = shared();
    const [first, second] = [open(options), open(options)];
    await Promise.all([inRotation(first, ['idle']), inRotation(second, ['idle'])]);
    const stopDisturbing = disturbReplay(first);
    const [there, back] = await Promise.all([
      writeAndRead([first, second], 'there', (round) => round <= 500),
      writeAndRead([second, first], 'back', (round) => round <= 500),
    ]);
    expect(await stopDisturbing()).toBeGreaterThan(2);
    expect([there.stale, back.stale]).toEqual([0, 0]);
    expect(second.routes).toContainEqual({ server: 'primary', reason: 'own_write' });
    await Promise.all([inRotation(first, ['back']), inRotation(second, ['there'])]);
  });

  it('never does so in 1,000 rounds through two real processes of a cluster', async () => {
    const stopServing = serveKeyValue(memoryKeyValue());
    const [first, second] = [0, 1].map(() => new RoutedProcess(pair.primary.url, pair.replica.url));
    try {
      assert(first && second);
      const undisturbed = (): Promise<void> =>
        vi.waitFor(async () => {
          expect(await first.read('nobody')).toMatchObject({ replica: true });
          expect(await second.read('nobody')).toMatchObject({ replica: true });
        }, eventually);
      await first.write('nobody', 0);
      await undisturbed();
      const stopDisturbing = disturbReplay(open());
      const stale: number[] = [];
      const story = async (
        caller: string,
        [writer, reader]: readonly [RoutedProcess, RoutedProcess],
      ): Promise<void> => {
        for (let round = 1; round <= 250; round++) {
          await writer.write(caller, round);
          if (((await reader.read(caller)).value ?? 0) < round) stale.push(round);
        }
      };
      await Promise.all([
        story('a', [first, second]),
        story('b', [second, first]),
        story('c', [first, second]),
        story('d', [second, first]),
      ]);
      expect(await stopDisturbing()).toBeGreaterThan(2);
      expect(stale).toEqual([]);
      await undisturbed();
    } finally {
      await Promise.all([first?.kill(), second?.kill()]);
      stopServing();
    }
  });

  it('hears of a write that could not be noted once the replica has it, and nobody trusts a store that was away', async () => {
    const keyValue = memoryKeyValue();
    let isAway = false;
    const watchers: ((health: { isUp: boolean }) => void)[] = [];
    const flaky = {
      ...keyValue,
      take: (...args: Parameters<typeof keyValue.take>) =>
        isAway ? Promise.reject(new KeyValueUnavailable('take', 'away')) : keyValue.take(...args),
      watchHealth: (watcher: (health: { isUp: boolean }) => void) => {
        watchers.push(watcher);
        watcher({ isUp: true });
        return () => undefined;
      },
    };
    const [first, second] = [open(shared(flaky)), open(shared(flaky))];
    await Promise.all([inRotation(first, ['a']), inRotation(second, ['a'])]);
    isAway = true;
    const story = await writeAndRead([first, second], 'away', (round) => round <= 8);
    expect(story).toEqual({ stale: 0, fromReplica: 0, fromPrimary: 8 });
    expect(second.routes.at(-1)).toEqual({ server: 'primary', reason: 'unknown_writes' });
    for (const watcher of watchers) watcher({ isUp: false });
    isAway = false;
    for (const watcher of watchers) watcher({ isUp: true });
    await second.database.reader(['b']).run(find, ['b']);
    expect(second.routes.at(-1)).toEqual({ server: 'primary', reason: 'unknown_writes' });
    await inRotation(second, ['b']);
  });

  it('waits for the replica where the note of a write fails for the writer alone', async () => {
    const keyValue = memoryKeyValue();
    const unable = { ...keyValue, take: () => Promise.reject(new KeyValueUnavailable('take', 'cut off')) };
    const [writer, reader] = [open(shared(unable)), open(shared(keyValue))];
    await inRotation(reader, ['cut']);
    const stopDisturbing = disturbReplay(reader);
    const story = await writeAndRead([writer, reader], 'cut', (round) => round <= 12);
    await stopDisturbing();
    expect(story.stale).toBe(0);
    expect(story.fromReplica).toBeGreaterThan(0);
  });
});

describe('a replica', () => {
  it('that is behind by more than the most leaves rotation, says how far, and comes back', async () => {
    const routed = open({ lagMaxMs: 300 });
    const { database, routes } = routed;
    await inRotation(routed);
    expect(database.replicaState()).toMatchObject({ status: 'current' });
    await pauseReplay();
    await pair.primary.run("insert into kept select 'bulk' || n, n from generate_series(1, 5000) n");
    await vi.waitFor(async () => {
      await database.reader([]).run(find, ['one']);
      expect(routes.at(-1)).toEqual({ server: 'primary', reason: 'behind' });
    }, eventually);
    const behind = database.replicaState();
    expect(behind).toMatchObject({ status: 'behind' });
    expect(behind?.lagMs).toBeGreaterThan(300);
    expect(behind?.lagBytes).toBeGreaterThan(100_000);
    await resumeReplay();
    await inRotation(routed);
    await vi.waitFor(() => expect(database.replicaState()).toMatchObject({ status: 'current', lagMs: 0, lagBytes: 0 }));
  });

  it('that cancels a read because of what it replays costs the read nothing: the primary answers', async () => {
    const routed = open({ lagMaxMs: 10_000 });
    await inRotation(routed);
    const slowThere = readStatement<[], { replica: boolean }>(
      'test.conflict',
      'select pg_is_in_recovery() as replica, case when pg_is_in_recovery() then pg_sleep(30) end from kept limit 1',
    );
    const reading = routed.database.reader([]).run(slowThere, []);
    const isReading = "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and wait_event = 'PgSleep'";
    await vi.waitFor(async () => expect(await pair.replica.run(isReading)).toHaveLength(1), eventually);
    await pair.primary.run('alter table kept add column if not exists more integer');
    expect((await reading).rows).toMatchObject([{ replica: false }]);
    expect(routed.routes.at(-1)).toEqual({ server: 'primary', reason: 'retried' });
    await inRotation(routed);
  });
});
