import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { LogFields } from '../../kernel/index.ts';
import { silentLog } from '../../kernel/index.ts';
import { type ReplicatedPair, startReplicatedPair } from '../../testing/replicated-pair.ts';
import { openReplicaProxy } from './test/replica-proxy.ts';
import { find } from './test/routed-statements.ts';
import {
  eventually,
  inRotation,
  keptTable,
  openRouted,
  type Routed,
  type Story,
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
});

function open(options: Partial<ReplicaOptions> = {}): Routed {
  const routed = openRouted(pair, options);
  opened.push(routed);
  return routed;
}

interface Load {
  /** Resolves when each caller has written and read twice more. */
  goesOn(): Promise<void>;
  /** Ends it; resolves to what its callers met. */
  stop(): Promise<Story>;
}

/** Ten callers who write, do some other reading, and read what they wrote, until told to stop. */
function load(routed: Routed): Load {
  const over = new AbortController();
  const rounds = Array.from({ length: 10 }, () => 0);
  const stories = rounds.map((_, place) => {
    const caller = `under load ${place}`;
    const goesOn = (round: number): boolean => {
      rounds[place] = round;
      return !over.signal.aborted;
    };
    const strangers = async (): Promise<void> => {
      for (let left = Math.random() * 80; left > 0; left--) await routed.database.reader([]).run(find, [caller]);
    };
    return writeAndRead([routed, routed], caller, goesOn, strangers);
  });
  return {
    goesOn: async () => {
      const before = [...rounds];
      const areOn = (): void => expect(rounds.every((round, place) => round > (before[place] ?? 0) + 2)).toBe(true);
      await vi.waitFor(areOn, { ...eventually, timeout: soonMs });
    },
    stop: async () => {
      over.abort();
      return sumOf(await Promise.all(stories));
    },
  };
}

/** Far less than a statement on the replica may take. */
const soonMs = 4_000;

const faults: readonly { readonly name: string; harm(): Promise<void> | void; mend(): Promise<void> | void }[] = [
  { name: 'killed and started again', harm: () => pair.replica.kill(), mend: () => pair.replica.start() },
  { name: 'paused and resumed', harm: () => pair.replica.pause(), mend: () => pair.replica.resume() },
];

it.each(faults)(
  'a replica that is $name under load fails no read and shows nobody less than they wrote',
  async (fault) => {
    // More connections than callers: nobody waits for one, which would give up first.
    const routed = open({ connectionsMax: 16 });
    await inRotation(routed);
    const running = load(routed);
    for (let round = 0; round < 2; round++) {
      await running.goesOn();
      const from = routed.routes.length;
      await fault.harm();
      await running.goesOn();
      expect(routed.routes.slice(from)).toContainEqual({ server: 'primary', reason: 'down' });
      expect(routed.database.replicaState()).toMatchObject({ status: 'down' });
      await fault.mend();
      await inRotation(routed);
    }
    const { stale, fromReplica } = await running.stop();
    expect(stale).toBe(0);
    expect(fromReplica).toBeGreaterThan(0);
  },
);

it('a connection that leads to another server than the one looked at is not read on', async () => {
  // The watcher comes first and meets the replica; whoever comes later meets the primary.
  const proxy = await openReplicaProxy((connection) => (connection === 0 ? pair.replica : pair.primary));
  const routed = open({ replicaUrl: proxy.url });
  await vi.waitFor(async () => {
    await routed.database.reader([]).run(find, ['anything']);
    expect(routed.routes.at(-1)).toEqual({ server: 'primary', reason: 'retried' });
  }, eventually);
  expect(routed.routes.filter(({ server }) => server === 'replica')).toEqual([]);
  await opened.pop()?.database.close();
  proxy.close();
});

it('connections that fall silent do not keep a replica that answers on others', async () => {
  const proxy = await openReplicaProxy(() => pair.replica);
  const routed = open({ replicaUrl: proxy.url, connectionsMax: 1 });
  await inRotation(routed);
  proxy.silence();
  const { rows } = await routed.database.reader([]).run(find, ['nobody']);
  expect(rows).toEqual([]);
  expect(routed.routes.at(-1)).toEqual({ server: 'primary', reason: 'retried' });
  await inRotation(routed, [], soonMs);
  await opened.pop()?.database.close();
  proxy.close();
});

it('a primary that is killed and started again is followed on', async () => {
  const routed = open();
  await inRotation(routed);
  await pair.primary.kill();
  // Nobody can say meanwhile what the replica lacks.
  await vi.waitFor(() => expect(routed.database.replicaState()).toMatchObject({ status: 'behind' }), eventually);
  await pair.primary.start();
  await inRotation(routed);
  expect(await writeAndRead([routed, routed], 'after', (round) => round <= 20)).toMatchObject({ stale: 0 });
});

it('a replica that is not there at a start is found later', async () => {
  await pair.replica.kill();
  const routed = open();
  expect(await writeAndRead([routed, routed], 'early', (round) => round <= 20)).toMatchObject({ fromPrimary: 20 });
  expect(routed.database.replicaState()).toMatchObject({ status: 'down' });
  await pair.replica.start();
  await inRotation(routed);
});

it('a server that is no replica of this primary is not read, and said so once, loudly', async () => {
  const said: string[] = [];
  const log = { ...silentLog, error: ({ reason }: LogFields) => void said.push(String(reason)) };
  const itself = open({ replicaUrl: pair.primary.url, log });
  await vi.waitFor(() => expect(itself.database.replicaState()).toMatchObject({ status: 'foreign' }), eventually);
  expect(await writeAndRead([itself, itself], 'self', (round) => round <= 20)).toMatchObject({ fromPrimary: 20 });
  expect(said).toEqual([expect.stringContaining('not in recovery')]);
});

/** The last, since the pair is none afterwards. */
it('a replica that is promoted under load is no longer read', async () => {
  const said: string[] = [];
  const log = { ...silentLog, error: ({ reason }: LogFields) => void said.push(String(reason)) };
  const routed = open({ log });
  await inRotation(routed);
  const running = load(routed);
  await pair.replica.run('select pg_promote()');
  await vi.waitFor(() => expect(routed.database.replicaState()).toMatchObject({ status: 'foreign' }), eventually);
  const { stale } = await running.stop();
  expect(stale).toBe(0);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/promoted/);
  await routed.database.reader([]).run(find, ['self']);
  expect(routed.routes.at(-1)).toEqual({ server: 'primary', reason: 'down' });
});
