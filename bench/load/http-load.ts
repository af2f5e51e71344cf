import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { weightedMeanOf } from '../figures/statistics.ts';
import { ensurePeers, peersFolder } from '../stage/peers.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Stage } from '../stage/stage.ts';
import type { Variables } from '../stage/children.ts';

/** What a server gets to do for a while. */
export interface LoadOrder {
  readonly connections: number;
  /** Whole seconds, 1 at least: wrk knows no others. */
  readonly seconds: number;
  readonly stream: LoadStream;
}

/**
 * Vouchers to draw, 1 % of them to be refused and 5 % repeated where `isMixed`; or paths by chance, to read, or to send
 * one body to.
 */
export type LoadStream =
  | { readonly kind: 'draws'; readonly isMixed: boolean }
  | ({ readonly kind: 'reads'; readonly label: string; readonly paths: readonly string[] } & Readers)
  | ({
      readonly kind: 'posts';
      readonly label: string;
      readonly paths: readonly string[];
      readonly body: string;
    } & Readers);

/** Who asks: by chance one of these tokens (nobody where there are none) and, where a proxy is trusted, an address that nobody has had. */
interface Readers {
  readonly tokens: readonly string[];
  readonly isForwarded?: boolean;
}

/** What came of it. */
export interface LoadResult {
  /** Answers, whatever their status. */
  readonly completed: number;
  readonly durationSeconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers of another status than 2xx and 3xx. */
  readonly notOk: number;
  /** Connections that failed or were cut, and answers that never came. */
  readonly broken: number;
}

/** Which program sends the requests. */
export type LoadGenerator = 'wrk' | 'autocannon';

const graceMs = 30_000;
const wrkScript = fileURLToPath(new URL('wrk.lua', import.meta.url));

/** `wrk` where it is installed; else autocannon, which costs a multiple of it. Throws where neither can be had. */
export async function findLoadGenerator(stage: Stage): Promise<LoadGenerator> {
  try {
    await stage.children.run('sh', ['-c', 'command -v wrk'], { env: surroundings(), timeoutMs: 10_000 });
    return 'wrk';
  } catch {
    stage.signal.throwIfAborted();
    stage.say(
      'wrk is not installed: autocannon sends the requests, which costs more, so fast contestants stand too low',
    );
    await ensurePeers();
    return 'autocannon';
  }
}

let sequence = 0;

/** Loads the addresses at once, each with its part of the connections. */
export async function loadHttp(
  stage: Stage,
  generator: LoadGenerator,
  addresses: readonly string[],
  order: LoadOrder,
): Promise<LoadResult> {
  const connections = Math.max(1, Math.floor(order.connections / addresses.length));
  // Files that all of them read are written before the first one starts.
  const shared = variablesOf(stage, order.stream);
  const results = await Promise.all(
    addresses.map((address) => {
      sequence += 1;
      const env = { ...shared, BENCH_SEQUENCE: String(sequence) };
      const [command, args] = commandOf(generator, address, { ...order, connections });
      return stage.children.run(command, args, { env, timeoutMs: order.seconds * 1_000 + graceMs });
    }),
  );
  return mergedLoad(results.map(parseLoad));
}

function commandOf(generator: LoadGenerator, address: string, order: LoadOrder): [string, string[]] {
  const { connections, seconds } = order;
  if (generator === 'wrk') {
    const counts = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`];
    return ['wrk', [...counts, '--timeout', '20s', '--script', wrkScript, address]];
  }
  const script = path.join(peersFolder, 'autocannon-load.mjs');
  return [process.execPath, [script, address, String(connections), String(seconds)]];
}

function variablesOf(stage: Stage, stream: LoadStream): Variables {
  const base = surroundings();
  if (stream.kind === 'draws') {
    const tokens = fileOf(stage, 'clerk-tokens', stage.clerkTokens);
    return { ...base, BENCH_TOKENS: tokens, BENCH_MIXED: stream.isMixed ? '1' : '0' };
  }
  return {
    ...base,
    BENCH_TOKENS: fileOf(stage, 'reader-tokens', stream.tokens),
    BENCH_FORWARDED: stream.isForwarded === true ? '1' : '0',
    BENCH_PATHS: fileOf(stage, `paths-${stream.label}`, stream.paths),
    ...(stream.kind === 'posts' ? { BENCH_BODY: stream.body } : {}),
  };
}

function fileOf(stage: Stage, name: string, lines: readonly string[]): string {
  const file = path.join(stage.folder, `${name.replaceAll(/\W/g, '-')}.txt`);
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** What both generators print as their last line. */
interface SaidLoad {
  readonly completed: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly notOk: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly timeout: number;
}

/** Reads what a generator printed. Throws where its line of figures is missing. */
export function parseLoad(output: string): LoadResult {
  const [, json] = /^BENCH (\{.*\})$/m.exec(output) ?? [];
  if (json === undefined) throw new Error(`The load generator has not told its figures: ${output.slice(-500)}`);
  const said = JSON.parse(json) as SaidLoad;
  return {
    completed: said.completed,
    durationSeconds: said.durationUs / 1_000_000,
    p50Ms: said.p50Us / 1_000,
    p99Ms: said.p99Us / 1_000,
    notOk: said.notOk,
    broken: said.connect + said.read + said.write + said.timeout,
  };
}

/** Of several generators at work at the same time, evenly: their percentiles count as often as they have answers. */
export function mergedLoad(results: readonly LoadResult[]): LoadResult {
  const sumOf = (field: 'completed' | 'notOk' | 'broken'): number =>
    results.reduce((sum, result) => sum + result[field], 0);
  const meanOf = (field: 'p50Ms' | 'p99Ms' | 'durationSeconds'): number =>
    weightedMeanOf(results.map((result) => ({ value: result[field], weight: result.completed })));
  return {
    completed: sumOf('completed'),
    notOk: sumOf('notOk'),
    broken: sumOf('broken'),
    durationSeconds: meanOf('durationSeconds'),
    p50Ms: meanOf('p50Ms'),
    p99Ms: meanOf('p99Ms'),
  };
}
