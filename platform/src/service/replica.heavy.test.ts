import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { examineReplica, readStatement, type RoutedDatabase, writeStatement } from '../database/index.ts';
import { silentLog } from '../kernel/index.ts';
import { memoryKeyValue } from '../keyvalue/index.ts';
import { createMetrics, type Metrics } from '../telemetry/index.ts';
import { type ReplicatedPair, startReplicatedPair } from '../testing/replicated-pair.ts';
import type { AnyService } from './define.ts';
import { openServiceDatabase, replicaChecks } from './open-database.ts';

const whereIs = readStatement<[], { replica: boolean }>('test.where', 'select pg_is_in_recovery() as replica');
const keep = writeStatement<[value: number], never>('test.keep', 'insert into kept values ($1)');
const eventually = { timeout: 10_000, interval: 20 };
const lending = { face: { name: 'lending' } } as AnyService;

let pair: ReplicatedPair;
let database: RoutedDatabase;
let metrics: Metrics;

/** The role that a service works as: nothing but its tables. */
const asService = (url: string): string => url.replace(/\/\/[^@]*@/, '//lending_app:lending_app@');

beforeAll(async () => {
  pair = await startReplicatedPair();
  await pair.primary.run('create table kept (value integer not null)');
  await pair.primary.run("create role lending_app login password 'lending_app'");
  await pair.primary.run('grant select, insert on kept to lending_app');
  await pair.caughtUp();
});
afterAll(() => pair.close());
afterEach(async () => {
  await database.close();
  await metrics.close();
});

/** `url` of the replica, where there is one; `isShared`: as if other processes served the same callers. */
function open({ url, isShared = false }: { readonly url?: string; readonly isShared?: boolean } = {}): void {
  metrics = createMetrics({ service: 'lending' });
  const parts = { metrics, log: silentLog, sharedStore: isShared ? memoryKeyValue() : undefined };
  const replica = url === undefined ? {} : { replicaUrl: asService(url) };
  const config = { DATABASE_REPLICA_LAG_MAX_MS: 400 };
  const placed = { service: lending, config, applicationUrl: asService(pair.primary.url), ...replica };
  database = openServiceDatabase(placed, parts);
}

const readsReplica = (): Promise<void> =>
  vi.waitFor(async () => {
    expect((await database.reader(['ana']).run(whereIs, [])).rows).toEqual([{ replica: true }]);
  }, eventually);

/** What the part `replica` of /ready shows beside its latency. */
async function partShown(): Promise<unknown> {
  const [part] = replicaChecks(database);
  expect(part).toMatchObject({ name: 'replica', isEssential: false });
  return part?.check();
}

describe("a service's database", () => {
  it('shows at /ready and /metrics where reads go and how far the replica is behind', async () => {
    open({ url: pair.replica.url });
    await readsReplica();
    await database.writer(['ana']).runAlone(keep, [1]);
    await vi.waitFor(async () => {
      expect(await partShown()).toEqual({ lag_ms: 0, lag_bytes: 0 });
    }, eventually);
    const { text } = await metrics.exposition();
    expect(text).toMatch(/quinta_database_replica_lag_seconds\{service="lending"\} 0(\.0\d*)?\n/);
    expect(text).toMatch(/quinta_database_reads_total\{service="lending",server="replica",reason="current"\} [1-9]/);
    await pair.replica.run('select pg_wal_replay_pause()');
    await database.writer(['ana']).runAlone(keep, [2]);
    await vi.waitFor(async () => {
      const lag = { lag_ms: expect.any(Number) as number, lag_bytes: expect.any(Number) as number };
      expect(await partShown()).toEqual({ status: 'down', state: 'behind', ...lag });
    }, eventually);
    await pair.replica.run('select pg_wal_replay_resume()');
  });

  it('reads the primary where no replica is configured, and shows none', async () => {
    open();
    expect((await database.reader(['ana']).run(whereIs, [])).rows).toEqual([{ replica: false }]);
    expect(replicaChecks(database)).toEqual([]);
    expect((await metrics.exposition()).text).not.toContain('replica');
  });

  it('trusts a store that processes share only when the window has passed since the start', async () => {
    open({ url: pair.replica.url, isShared: true });
    await readsReplica();
    const { text } = await metrics.exposition();
    expect(text).toContain('server="primary",reason="unknown_writes"');
  });
});

it('tells an operator whether a server is a replica of this primary', async () => {
  open();
  const [primary, replica] = [asService(pair.primary.url), asService(pair.replica.url)];
  expect(await examineReplica(primary, replica)).toEqual({ kind: 'replica', lagBytes: expect.any(Number) as number });
  expect(await examineReplica(primary, primary)).toMatchObject({
    kind: 'foreign',
    reason: expect.stringContaining('not in recovery') as string,
  });
  const other = await startReplicatedPair();
  try {
    expect(await examineReplica(primary, other.replica.url)).toMatchObject({
      reason: expect.stringContaining('another system') as string,
    });
  } finally {
    await other.close();
  }
  expect(await examineReplica(primary, other.replica.url)).toMatchObject({ kind: 'unreachable' });
});
