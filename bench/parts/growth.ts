import type { BarReading } from '../figures/bars.ts';
import { shortNumber } from '../figures/numbers.ts';
import { mexaContestant } from '../contestants/mexa.ts';
import type { Running } from '../contestants/contestant.ts';
import { countRows, loadUntil, type RowCounts } from '../load/bulk-rows.ts';
import type { LoadOrder } from '../load/http-load.ts';
import type { Table } from '../report/table.ts';
import { measure, type Measurement, untilSealed } from '../rounds/measure.ts';
import { query } from '../stage/sql.ts';
import type { BenchDatabase } from '../stage/stage.ts';
import type { Bench, Part, Section } from './part.ts';
import { readingKinds } from './reading-kinds.ts';
import { connections } from './throughput.ts';

const firstSize = 1_000;
const barSize = 10_000_000;
/** Below it, what a measurement draws is as much as there was: it gets a database of its own. */
const lastingSize = 100_000;
/** A few clerks and auditors at once, each of whom waits for an answer. */
const readers = 4;
const readSecondsMax = 3;
const sealTimeoutMs = 3_600_000;
/** What MEXA lets one statement take, and so what a search that failed took at least. */
const statementTimeoutMs = 10_000;

export const growth: Part = {
  name: 'growth',
  suite: 'mexa',
  about: 'drawing and reading as the tables grow',
  run: async (bench) => {
    const sizes = sizesUpTo(bench.options.rowsMax, bench.options.isQuick);
    const measured: SizeResult[] = [];
    await withMexa(bench, 'growth', async (running, database) => {
      for (const size of sizes) measured.push(await measureSize(bench, running, { database, size, sizes }));
    });
    return sectionOf(measured);
  },
};

/** What was measured at one size. */
export interface SizeResult {
  readonly size: number;
  readonly counts: RowCounts;
  readonly reads: readonly ReadResult[];
  readonly draws: Measurement;
}

export interface ReadResult {
  readonly kind: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  /** Answers that were no success. */
  readonly failed: number;
}

/** Powers of ten from a thousand on; of a quick run the last alone. */
export function sizesUpTo(rowsMax: number, isQuick: boolean): readonly number[] {
  const sizes: number[] = [];
  for (let size = firstSize; size < rowsMax; size *= 10) sizes.push(size);
  return isQuick ? [rowsMax] : [...sizes, rowsMax];
}

interface Growing {
  readonly database: BenchDatabase;
  readonly size: number;
  readonly sizes: readonly number[];
}

async function measureSize(bench: Bench, running: Running, growing: Growing): Promise<SizeResult> {
  const { database, size, sizes } = growing;
  const { stage } = bench;
  const ofTotal = sizes.at(-1) ?? size;
  await fill(bench, running, database, { target: size, ofTotal });
  const counts = await countRows(database);
  stage.say(`  ${shortNumber(counts.vales)} vouchers, ${shortNumber(counts.audits)} audit rows`);
  const reads: ReadResult[] = [];
  for (const kind of await readingKinds(database)) {
    const seconds = Math.min(bench.options.seconds, readSecondsMax);
    const stream = { kind: 'reads', label: kind.name, paths: kind.paths, tokens: [stage.adminToken] } as const;
    const load = await running.load({ connections: readers, seconds, stream });
    const perSecond = load.completed / load.durationSeconds;
    reads.push({ kind: kind.name, p50Ms: load.p50Ms, p99Ms: load.p99Ms, perSecond, failed: load.notOk + load.broken });
    stage.say(`  ${kind.name.padEnd(28)} p99 ${shortNumber(load.p99Ms)} ms${load.notOk > 0 ? ', some failed' : ''}`);
  }
  const draws =
    size >= lastingSize
      ? await draw(bench, running, database)
      : await withMexa(bench, 'growth_small', async (small, smallDatabase) => {
          await fill(bench, small, smallDatabase, { target: size, ofTotal });
          return draw(bench, small, smallDatabase);
        });
  stage.say(`  drawing: ${shortNumber(draws.requestsPerSecond)}/s, p99 ${shortNumber(draws.p99Ms)} ms`);
  return { size, counts, reads, draws };
}

/** Loads, and brings the tables into the state that autovacuum and the sealer bring them to with time. */
async function fill(
  { stage }: Bench,
  running: Running,
  database: BenchDatabase,
  wanted: { readonly target: number; readonly ofTotal: number },
): Promise<void> {
  await loadUntil(stage, database, wanted);
  for (const table of ['vales', 'audit_logs']) await query(database.sql, `vacuum (analyze) ${table}`);
  await untilSealed(stage, running, sealTimeoutMs);
  await query(stage.admin, 'checkpoint');
}

async function draw(bench: Bench, running: Running, database: BenchDatabase): Promise<Measurement> {
  const { seconds, warmUpSeconds } = bench.options;
  const slot = { name: 'growth', title: 'MEXA', running, database };
  await measure(bench.stage, { ...slot, order: drawing(warmUpSeconds) });
  return measure(bench.stage, { ...slot, order: drawing(seconds) });
}

function drawing(seconds: number): LoadOrder {
  return { connections, seconds, stream: { kind: 'draws', isMixed: false } };
}

async function withMexa<T>(
  { stage, generator }: Bench,
  name: string,
  work: (running: Running, database: BenchDatabase) => Promise<T>,
): Promise<T> {
  const database = await stage.makeDatabase(name);
  try {
    const running = await mexaContestant({ name: `mexa-${name}` }).start({ stage, generator, database });
    try {
      return await work(running, database);
    } finally {
      await running.stop();
    }
  } finally {
    await database.drop();
  }
}

export function sectionOf(measured: readonly SizeResult[]): Section {
  return {
    title: 'Growth',
    text: [
      `MEXA, one process, on tables that were filled in bulk: vouchers over two years, seven in ten redeemed, each step ` +
        `with its audit row. Drawing at ${connections} connections; reading at ${readers}, each page with up to 100 rows. ` +
        'Every search of the audit writes an audit row of its own.',
    ],
    tables: [drawTable(measured), readTable(measured)],
    readings: [readingBar(measured)],
    leftOut: [],
    faults: measured.flatMap(({ draws }) => draws.faults),
    data: measured,
  };
}

function drawTable(measured: readonly SizeResult[]): Table {
  const reference = measured[0]?.draws.requestsPerSecond ?? NaN;
  return {
    head: ['drawing, vouchers', 'audit rows', 'a second', 'times the first', 'p99 ms', 'PostgreSQL µs', 'WAL bytes'],
    rows: measured.map(({ size, counts, draws }) => [
      shortNumber(size),
      shortNumber(counts.audits),
      shortNumber(draws.requestsPerSecond),
      shortNumber(draws.requestsPerSecond / reference),
      shortNumber(draws.p99Ms),
      shortNumber(draws.databaseCpuUs ?? NaN),
      shortNumber(draws.walBytes ?? NaN),
    ]),
  };
}

function readTable(measured: readonly SizeResult[]): Table {
  const kinds = measured[0]?.reads.map(({ kind }) => kind) ?? [];
  return {
    head: ['reading, p99 ms at', ...measured.map(({ size }) => shortNumber(size))],
    rows: kinds.map((kind) => [
      kind,
      ...measured.map(({ reads }) => {
        const read = reads.find((one) => one.kind === kind);
        if (read === undefined) return '–';
        return read.failed > 0 ? `failed: ${read.failed}` : shortNumber(read.p99Ms);
      }),
    ]),
  };
}

function readingBar(measured: readonly SizeResult[]): BarReading {
  const last = measured.at(-1);
  if (!last) return { bar: 'reading', measured: undefined };
  const worst = worstOf(last.reads);
  const remark = `at ${shortNumber(last.size)} vouchers the slowest was "${worst.kind}": ${shortNumber(worst.p99Ms)} ms`;
  const { p99Ms } = worst;
  const spread = { median: p99Ms, min: p99Ms, max: p99Ms };
  return { bar: 'reading', measured: last.size >= barSize ? spread : undefined, remark };
}

/** One that failed took as long as a statement may. */
function worstOf(reads: readonly ReadResult[]): { readonly kind: string; readonly p99Ms: number } {
  const costs = reads.map(({ kind, p99Ms, failed }) => ({ kind, p99Ms: failed > 0 ? statementTimeoutMs : p99Ms }));
  return costs.reduce((worst, one) => (one.p99Ms > worst.p99Ms ? one : worst), { kind: '', p99Ms: 0 });
}
