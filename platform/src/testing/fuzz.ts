import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { answerFaults } from './fuzz-answer.ts';
import { operationsOf } from './fuzz-operations.ts';
import { type FuzzRequest, requestsFor } from './fuzz-requests.ts';
import type { JsonSchema } from './fuzz-schema.ts';
import { createSender, type FuzzAnswer, type NoAnswer } from './fuzz-send.ts';

export interface FuzzOptions {
  /** Where `/openapi.json` lies: `http://127.0.0.1:5000`, or with the prefix of a service. */
  readonly baseUrl: string;
  readonly roles: readonly string[];
  /** A good access token of a role; asked again once the last one was refused, as after a sign-out. */
  tokenOf(role: string): Promise<string>;
  /** Default QUINTA_FUZZ_SEED, else chance; it is printed. The same seed makes the same requests. */
  readonly seed?: number;
  /** How many requests each operation gets. Default QUINTA_FUZZ_REQUESTS, else what makes about 1,500 in all. */
  readonly requestsPerOperation?: number;
}

export interface FuzzReport {
  readonly seed: number;
  readonly requestCount: number;
  /** The operations of the document, by their ids. */
  readonly operations: readonly string[];
  /** Each fault once, with the first request that showed it and how to see it again. */
  readonly faults: readonly string[];
  /** How often each operation answered each status: `{'vale.issue': {201: 40, 422: 12}}`. */
  readonly statuses: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const requestsDefault = 1_500;
const roundMax = 50;
const atOnce = 8;
const shownMax = 400;

/** Tokens that are none. */
const garbageTokens = [
  'Bearer',
  'Bearer ',
  'Bearer x',
  'Bearer a.b.c',
  'Bearer eyJhbGciOiJub25lIn0.e30.',
  'Basic YTpi',
  `Bearer ${'a'.repeat(5_000)}`,
  'bearer\tx',
  'Bearer \u00e9',
];

/**
 * Sends random, boundary and hostile requests to every operation that a service documents, as every role and as
 * strangers, and checks each answer against the document. What it asks is decided by its seed alone.
 */
export async function fuzzService(options: FuzzOptions): Promise<FuzzReport> {
  const document = (await (await fetch(`${options.baseUrl}/openapi.json`)).json()) as JsonSchema;
  const operations = operationsOf(document);
  const seed = options.seed ?? Number(process.env['QUINTA_FUZZ_SEED'] ?? randomInt(2 ** 31));
  const perOperation =
    options.requestsPerOperation ??
    Number(process.env['QUINTA_FUZZ_REQUESTS'] ?? Math.ceil(requestsDefault / operations.length));
  process.stderr.write(`Fuzzing ${options.baseUrl}: ${operations.length} operations, QUINTA_FUZZ_SEED=${seed}\n`);
  const api = { operations, document, roles: options.roles };
  const arbitraries = operations.map((operation) => requestsFor(operation, api));
  const run = createRun(options, document, seed);
  // In rounds, so that a long run never holds all its requests at once.
  for (let sent = 0, round = 0; sent < perOperation; sent += roundMax, round++) {
    const count = Math.min(roundMax, perOperation - sent);
    const requests = arbitraries.flatMap((arbitrary, place) =>
      fc.sample(arbitrary, { seed: seed + round * 1_000 + place, numRuns: count }),
    );
    await sendAll(
      fc.sample(fc.shuffledSubarray(requests, { minLength: requests.length }), { seed, numRuns: 1 })[0] ?? [],
      run,
    );
  }
  run.close();
  return {
    seed,
    requestCount: run.count(),
    operations: operations.map(({ id }) => id),
    faults: [...run.faults.values()],
    statuses: run.statuses,
  };
}

interface Run {
  readonly faults: Map<string, string>;
  readonly statuses: Record<string, Record<string, number>>;
  ask(request: FuzzRequest, place: number): Promise<void>;
  count(): number;
  close(): void;
}

async function sendAll(requests: readonly FuzzRequest[], run: Run): Promise<void> {
  const queue = requests.entries();
  const worker = async (): Promise<void> => {
    for (const [place, request] of queue) await run.ask(request, place);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function createRun(options: FuzzOptions, document: JsonSchema, seed: number): Run {
  const sender = createSender(options.baseUrl);
  const tokens = createTokens(options);
  const faults = new Map<string, string>();
  const statuses: Run['statuses'] = {};
  let count = 0;
  return {
    faults,
    statuses,
    ask: async (request, place) => {
      const token = await tokens.headerOf(request.actor, place);
      const answer = await sender.send(request, token);
      count += 1;
      if (answer.kind === 'answer') {
        const byStatus = (statuses[request.operation?.id ?? 'undocumented'] ??= {});
        byStatus[answer.status] = (byStatus[answer.status] ?? 0) + 1;
        if (answer.status === 401) tokens.forget(request.actor, token);
      }
      for (const fault of answerFaults(request, answer, document)) {
        if (!faults.has(fault)) {
          faults.set(fault, `${request.madeFor} ${fault}\n${shown(request, answer)}\n  QUINTA_FUZZ_SEED=${seed}`);
        }
      }
    },
    count: () => count,
    close: () => sender.close(),
  };
}

/** One token a role, kept until it is refused. */
function createTokens(options: FuzzOptions): {
  headerOf(actor: string, place: number): Promise<string | undefined>;
  forget(actor: string, header: string | undefined): void;
} {
  const held = new Map<string, Promise<string>>();
  const current = new Map<string, string>();
  return {
    headerOf: async (actor, place) => {
      if (actor === 'nobody') return undefined;
      if (actor === 'garbage') return garbageTokens[place % garbageTokens.length];
      const asked = held.get(actor) ?? options.tokenOf(actor).then((token) => `Bearer ${token}`);
      held.set(actor, asked);
      const header = await asked;
      current.set(actor, header);
      return header;
    },
    forget: (actor, header) => {
      // Another request may have been given a newer token already.
      if (header !== undefined && current.get(actor) === header) held.delete(actor);
    },
  };
}

function shown(request: FuzzRequest, answer: FuzzAnswer | NoAnswer): string {
  const { method, target, actor, headers, body } = request;
  const sent = body.bytes === undefined ? '' : `\n  ${body.contentType}: ${cut(body.bytes.toString('utf8'))}`;
  const got = answer.kind === 'answer' ? `${answer.status} ${cut(answer.text)}` : `${answer.kind}: ${answer.reason}`;
  return `  ${method} ${cut(target)} as ${actor} ${cut(JSON.stringify(headers))}${sent}\n  -> ${got}`;
}

function cut(text: string): string {
  const line = JSON.stringify(text).slice(1, -1);
  return line.length > shownMax ? `${line.slice(0, shownMax)}… (${line.length})` : line;
}
