import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ReplicatedPair, startReplicatedPair } from '../../testing/replicated-pair.ts';
import { type Db, readStatement } from '../contract.ts';
import { openDatabase } from '../open.ts';
import { find, keep } from './test/routed-statements.ts';
import { eventually, inRotation, keptTable, openRouted, type Routed } from './test/routed-world.ts';
import { withoutReplica } from './with-replica.ts';

let pair: ReplicatedPair;
let routed: Routed;

beforeAll(async () => {
  pair = await startReplicatedPair();
  await pair.primary.run(keptTable);
});
afterAll(() => pair.close());
afterEach(async () => {
  await routed.database.close();
  await pair.replica.run('select pg_wal_replay_resume()');
  await pair.caughtUp();
});

async function open(): Promise<Routed> {
  routed = openRouted(pair, { lagMaxMs: 10_000, connectionsMax: 1 });
  await inRotation(routed);
  return routed;
}

const change = (key: string, value: number): Promise<unknown> =>
  pair.primary.run(`insert into kept values ('${key}', ${value}) on conflict (key) do update set value = ${value}`);
const valueOf = async (db: Db, key: string): Promise<number | undefined> => (await db.run(find, [key])).rows[0]?.value;

describe('a snapshot', () => {
  it('is one state of the replica, whatever is replayed meanwhile', async () => {
    await change('one', 1);
    await pair.caughtUp();
    const { database, routes } = await open();
    const seen = await database.reader(['ana']).snapshot(async (db) => {
      const before = await valueOf(db, 'one');
      await change('one', 2);
      await pair.caughtUp();
      return [before, await valueOf(db, 'one')];
    });
    expect(seen).toEqual([1, 1]);
    expect(routes.at(-1)).toEqual({ server: 'replica', reason: 'current' });
    // The connection, of which there is one, is out of that state again.
    expect(await valueOf(database.reader(['ana']), 'one')).toBe(2);
    expect(routes.at(-1)).toEqual({ server: 'replica', reason: 'current' });
  });

  it('is of the primary where the caller has written what the replica lacks, and is one state there too', async () => {
    const { database, routes } = await open();
    await pair.replica.run('select pg_wal_replay_pause()');
    await database.writer(['ana']).runAlone(keep, ['own', 1]);
    const reader = database.reader(['ana']);
    const seen = await reader.snapshot(async (db) => {
      const before = await valueOf(db, 'own');
      await change('own', 2);
      return [before, await valueOf(db, 'own')];
    });
    expect(seen).toEqual([1, 1]);
    expect(routes.at(-1)).toEqual({ server: 'primary', reason: 'own_write' });
    expect(await valueOf(reader, 'own')).toBe(2);
  });

  it('that its own work refuses is refused once, and leaves nothing behind', async () => {
    const { database, routes } = await open();
    let runs = 0;
    const refused = database.reader(['ana']).snapshot(async (db) => {
      runs += 1;
      await valueOf(db, 'refused');
      throw new Error('There is none');
    });
    await expect(refused).rejects.toThrow('There is none');
    expect(runs).toBe(1);
    await change('refused', 1);
    await pair.caughtUp();
    expect(await valueOf(database.reader(['ana']), 'refused')).toBe(1);
    expect(routes.at(-1)).toEqual({ server: 'replica', reason: 'current' });
  });

  it('that the replica fails in the middle is read anew on the primary', async () => {
    await change('conflict', 1);
    await pair.caughtUp();
    const { database, routes } = await open();
    const slowThere = readStatement<[], { replica: boolean }>(
      'test.conflict',
      'select pg_is_in_recovery() as replica, case when pg_is_in_recovery() then pg_sleep(30) end from kept limit 1',
    );
    const reading = database.reader(['ana']).snapshot(async (db) => {
      await valueOf(db, 'conflict');
      return (await db.run(slowThere, [])).rows;
    });
    const isReading = "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and wait_event = 'PgSleep'";
    await vi.waitFor(async () => expect(await pair.replica.run(isReading)).toHaveLength(1), eventually);
    await pair.primary.run('alter table kept add column if not exists more integer');
    expect(await reading).toMatchObject([{ replica: false }]);
    expect(routes.at(-1)).toEqual({ server: 'primary', reason: 'retried' });
    await inRotation(routed);
  });

  it('is of the primary where there is no replica, and refuses to write on one', async () => {
    const { database } = await open();
    const disguised = readStatement<[], never>('test.disguised', "insert into kept values ('disguised', 1)");
    const writing = database.reader(['ana']).snapshot((db) => db.run(disguised, []));
    await expect(writing).rejects.toMatchObject({ code: '25006' });
    const alone = withoutReplica(openDatabase({ url: pair.primary.url }));
    await change('alone', 1);
    expect(await alone.reader(['ana']).snapshot((db) => valueOf(db, 'alone'))).toBe(1);
    await alone.close();
  });
});
