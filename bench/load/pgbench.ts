import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { percentileOf } from '../figures/statistics.ts';
import { surroundings } from '../stage/quinta.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';
import type { LoadResult } from './http-load.ts';

/** The two ways in which pgbench draws a voucher, and how it takes a payment, as files beside this one. */
export type PgbenchScript = 'transaction' | 'one-statement' | 'payment';

export interface PgbenchOrder {
  readonly script: PgbenchScript;
  readonly clients: number;
  /** What the script knows besides. */
  readonly variables?: Readonly<Record<string, number>>;
  /** For a time, or a number of transactions a client. */
  readonly until: { readonly seconds: number } | { readonly transactions: number };
}

const graceMs = 60_000;
const threadsMax = 2;
/** Of the latencies, which pgbench writes one by one, this share is kept: all of them would slow it down. */
const sampledShare = 0.1;

/** Runs pgbench on a database: statements prepared once a connection, over the Unix socket. */
export async function runPgbench(stage: Stage, database: BenchDatabase, order: PgbenchOrder): Promise<LoadResult> {
  const { clients, until, variables = {} } = order;
  const isTimed = 'seconds' in until;
  const prefix = `pgbench-${database.name}`;
  const script = fileURLToPath(new URL(`pgbench-${order.script}.sql`, import.meta.url));
  const args = ['--no-vacuum', '--protocol=prepared', `--file=${script}`, `--client=${clients}`];
  const length = isTimed ? [`--time=${until.seconds}`] : [`--transactions=${until.transactions}`];
  const defined = Object.entries(variables).map(([name, value]) => `--define=${name}=${value}`);
  const log = ['--log', `--log-prefix=${prefix}`, ...(isTimed ? [`--sampling-rate=${sampledShare}`] : [])];
  const output = await stage.children.run(
    'pgbench',
    [...args, `--jobs=${Math.min(threadsMax, clients)}`, ...length, ...defined, ...log],
    {
      env: { ...surroundings(), ...connectionVariables(stage, database) },
      cwd: stage.folder,
      timeoutMs: (isTimed ? until.seconds * 1_000 : 0) + graceMs,
    },
  );
  const latenciesMs = takeLatencies(stage.folder, prefix);
  return {
    ...parsePgbench(output),
    p50Ms: percentileOf(latenciesMs, 0.5),
    p99Ms: percentileOf(latenciesMs, 0.99),
  };
}

function connectionVariables(stage: Stage, database: BenchDatabase): Record<string, string> {
  const [, user = '', password = ''] = /^\w+:\/\/([^:]+):([^@]+)@/.exec(database.applicationUrl) ?? [];
  return { PGHOST: stage.socketFolder, PGUSER: user, PGPASSWORD: password, PGDATABASE: database.name };
}

/** What pgbench 15 and newer print at the end. Throws where the figures are missing. */
export function parsePgbench(output: string): Pick<LoadResult, 'completed' | 'durationSeconds' | 'notOk' | 'broken'> {
  const numberAfter = (label: RegExp): number => Number(label.exec(output)?.[1] ?? NaN);
  const completed = numberAfter(/^number of transactions actually processed: (\d+)/m);
  const rate = numberAfter(/^tps = ([\d.]+)/m);
  if (!Number.isFinite(completed + rate)) throw new Error(`pgbench has not told its figures: ${output.slice(-500)}`);
  const failed = numberAfter(/^number of failed transactions: (\d+)/m);
  return { completed, durationSeconds: completed / rate, notOk: Number.isFinite(failed) ? failed : 0, broken: 0 };
}

/** One line a transaction: client, number, microseconds, … */
export function parseLatencies(log: string): number[] {
  return log
    .split('\n')
    .map((line) => Number(line.split(' ')[2]) / 1_000)
    .filter((latencyMs) => Number.isFinite(latencyMs));
}

function takeLatencies(folder: string, prefix: string): number[] {
  const files = readdirSync(folder).filter((name) => name.startsWith(`${prefix}.`));
  return files.flatMap((name) => {
    const file = path.join(folder, name);
    const latenciesMs = parseLatencies(readFileSync(file, 'utf8'));
    rmSync(file);
    return latenciesMs;
  });
}
