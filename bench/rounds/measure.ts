import type { Running } from '../contestants/contestant.ts';
import type { LoadOrder, LoadResult } from '../load/http-load.ts';
import { cpuMicrosecondsOf } from '../stage/proc.ts';
import { query, queryOne } from '../stage/sql.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';
import { until } from '../stage/until.ts';
import type { SetCount } from '../contestants/contestant.ts';

/** A contestant under one load. Several slots may share a contestant. */
export interface Slot {
  readonly name: string;
  readonly title: string;
  readonly running: Running;
  readonly database: BenchDatabase;
  readonly order: LoadOrder;
  readonly statements?: number | undefined;
  /** Answers that are meant not to be 2xx, as a share: the most that is no fault. */
  readonly refusedShareMax?: number;
}

/** One round of one slot; undefined where this system or contestant does not tell. */
export interface Measurement {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly completed: number;
  readonly applicationCpuUs: number | undefined;
  readonly databaseCpuUs: number | undefined;
  readonly walBytes: number | undefined;
  readonly statements: number | undefined;
  /** Vouchers in the table behind it, beyond those that were there. */
  readonly rows: number;
  /** How long work went on after the last answer: above all sealing that was behind. */
  readonly restedAfterSeconds: number;
  /** What went wrong, in sentences. */
  readonly faults: readonly string[];
}

const settleTimeoutMs = 180_000;
const sealPollMs = 250;

/** A measurement that came to nothing, so that the rounds of all slots stay side by side. */
export function failedMeasurement(fault: string): Measurement {
  return {
    requestsPerSecond: NaN,
    p50Ms: NaN,
    p99Ms: NaN,
    completed: 0,
    applicationCpuUs: undefined,
    databaseCpuUs: undefined,
    walBytes: undefined,
    statements: undefined,
    rows: 0,
    restedAfterSeconds: NaN,
    faults: [fault],
  };
}

/** Loads a slot once and looks at what it cost and what it left. */
export async function measure(stage: Stage, slot: Slot): Promise<Measurement> {
  const { running, database, order } = slot;
  running.rest();
  // Pages that were changed since a checkpoint are cheaper to log: everybody begins at the same point.
  await query(stage.admin, 'checkpoint');
  const before = await readCounters(stage, slot);
  const load = await running.load(order);
  // What is put off until after the load has its price too: CPU and WAL are read when everything is at rest.
  const rest = await settled(stage, slot);
  const after = await readCounters(stage, slot);
  const rows = running.isDurable ? await rowsBehind(database, before.lastValeId) : noRows;
  const per = (from: number | undefined, to: number | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : (to - from) / load.completed;
  return {
    requestsPerSecond: load.completed / load.durationSeconds,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    completed: load.completed,
    applicationCpuUs: per(before.applicationCpuUs, after.applicationCpuUs),
    databaseCpuUs: running.isDurable ? per(before.databaseCpuUs, after.databaseCpuUs) : undefined,
    walBytes: running.isDurable ? per(before.walBytes, after.walBytes) : undefined,
    statements: statementsOf(slot, before.sets, after.sets),
    rows: rows.vales,
    restedAfterSeconds: rest.seconds,
    faults: [...rest.faults, ...loadFaults(slot, load), ...(running.isDurable ? rowFaults(slot, load, rows) : [])],
  };
}

interface Counters {
  readonly applicationCpuUs: number | undefined;
  readonly databaseCpuUs: number | undefined;
  readonly walBytes: number;
  readonly lastValeId: number;
  readonly sets: SetCount | undefined;
}

async function readCounters(stage: Stage, { running, database }: Slot): Promise<Counters> {
  const { wal } = await queryOne<{ wal: string }>(
    stage.admin,
    "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as wal",
  );
  const { last } = await queryOne<{ last: number }>(database.sql, 'select coalesce(max(id), 0) as last from vales');
  const sets = await running.readSets?.();
  return {
    applicationCpuUs: cpuMicrosecondsOf(running.pids),
    databaseCpuUs: cpuMicrosecondsOf([stage.postmasterPid]),
    walBytes: Number(wal),
    lastValeId: last,
    sets,
  };
}

/** One statement carries a whole set; without sets the code of the contestant says it. */
function statementsOf(
  { statements }: Slot,
  before: SetCount | undefined,
  after: SetCount | undefined,
): number | undefined {
  if (!before || !after) return statements;
  return (after.sets - before.sets) / (after.commands - before.commands);
}

/** The load generator leaves while its last requests are under way, and a sealer may be behind: both come to an end. */
async function settled(
  stage: Stage,
  { running, database, title }: Slot,
): Promise<{ readonly seconds: number; readonly faults: readonly string[] }> {
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1_000;
  const bounds = { timeoutMs: settleTimeoutMs, signal: stage.signal };
  try {
    await until('its database is at rest', () => isAtRest(stage, database), bounds);
    await untilSealed(stage, running);
    return { seconds: seconds(), faults: [] };
  } catch (error) {
    stage.signal.throwIfAborted();
    return { seconds: seconds(), faults: [`${title}: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

async function isAtRest(stage: Stage, database: BenchDatabase): Promise<true | undefined> {
  const { busy } = await queryOne<{ busy: number }>(
    stage.admin,
    `select count(*)::int as busy from pg_stat_activity
      where datname = $1 and state <> 'idle' and backend_type = 'client backend'`,
    [database.name],
  );
  return busy === 0 ? true : undefined;
}

/** Resolves when no audit row waits for its seal any more; at once where nobody seals. */
export async function untilSealed(stage: Stage, running: Running, timeoutMs: number = settleTimeoutMs): Promise<void> {
  const look = async (): Promise<true | undefined> =>
    ((await running.readUnsealed?.()) ?? 0) === 0 ? true : undefined;
  // Asking costs the process that is being measured, so it is not asked often.
  await until('all audit rows are sealed', look, { timeoutMs, signal: stage.signal, pollMs: sealPollMs });
}

interface Rows {
  readonly vales: number;
  /** Vouchers with no audit row of their making, or with more than one. */
  readonly unaudited: number;
}

const noRows: Rows = { vales: 0, unaudited: 0 };

function rowsBehind(database: BenchDatabase, lastValeId: number): Promise<Rows> {
  return queryOne<Rows>(
    database.sql,
    `select count(*)::int as vales, (count(*) filter (where audits <> 1))::int as unaudited
       from (select v.id, count(a.id) as audits
               from vales v left join audit_logs a
                 on a.resource_type = 'vale' and a.action = 'create' and a.resource_id = v.id
              where v.id > $1
              group by v.id) of_vale`,
    [lastValeId],
  );
}

function loadFaults({ title, refusedShareMax = 0 }: Slot, { completed, notOk, broken }: LoadResult): string[] {
  return [
    ...(completed === 0 ? [`${title}: no request was answered`] : []),
    ...(notOk > completed * refusedShareMax ? [`${title}: ${notOk} of ${completed} answers were no success`] : []),
    ...(broken > 0 ? [`${title}: ${broken} requests had no answer`] : []),
  ];
}

/**
 * Every voucher that was acknowledged is there. Those under way when the generator left may be there besides: one a
 * connection at most. Repeated and refused requests draw none.
 */
function rowFaults({ title, order }: Slot, { completed, notOk }: LoadResult, { vales, unaudited }: Rows): string[] {
  const isMixed = order.stream.kind === 'draws' && order.stream.isMixed;
  const isReading = order.stream.kind === 'reads';
  const extra = vales - (completed - notOk);
  const isWrong = isReading ? false : isMixed ? vales === 0 : extra < 0 || extra > order.connections;
  return [
    ...(isWrong ? [`${title}: ${completed - notOk} vouchers were acknowledged and ${vales} are there`] : []),
    ...(unaudited > 0 ? [`${title}: ${unaudited} vouchers have not exactly one audit row`] : []),
  ];
}
