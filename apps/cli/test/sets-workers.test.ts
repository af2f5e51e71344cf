import { execFileSync } from 'node:child_process';
import { readStatement } from '@quinta/platform/database';
import { call } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { apiOf, type Burst, type Heard, openBurst, tally } from './clients.ts';
import { openPlace, patience, type Place, sendTo, type Server } from './place.ts';
import { embeddedUrl, execute, onDatabase, rowsOf } from './rows.ts';

/** Where the kills fall; QUINTA_TEST_SEED repeats a run. */
const seed = Number(process.env['QUINTA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const socketsMax = 64;
const keyCount = 120;
const clientsAKey = 4;
const attemptsMax = 200;
const impatienceMs = 3_000;

let place: Place;
let server: Server;
let token: string;
let url: string;
let burst: Burst;

beforeAll(async () => {
  place = openPlace();
  server = await place.start(['start', 'mexa', '--workers', '4']);
  url = await embeddedUrl(place, '--admin');
  token = (await place.run(['token', 'mexa', '--role', 'admin'])).stdout.trim();
  burst = openBurst(socketsMax);
});
afterAll(async () => {
  burst.close();
  await place.close();
});

function workers(): readonly number[] {
  return execFileSync('ps', ['-axo', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+([^Z]\S*)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === server.pid && match[4]?.includes('main.ts') === true)
    .map((match) => Number(match?.[1]));
}

/** What all workers count together. */
async function metrics(): Promise<(name: string, labels?: string) => number> {
  const { text } = await call(`${server.address}/metrics`);
  return (name, labels = '') =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes('operation="vale.issue"') && line.includes(labels))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const keyOf = (group: number, number: number): string =>
  `00000000-0000-4000-8000-${String(group * 100_000 + number).padStart(12, '0')}`;

const draw = (key: string, description = key): Promise<Heard> =>
  burst.post(`${apiOf(server)}/vales`, token, { amount: '2.50', description, request_id: key });

/**
 * A client that gives up early. What the primary has handed to a worker that was killed before it took it is answered by
 * nobody, and its connection stays open.
 */
async function impatient(to: string, body?: object): Promise<Heard> {
  try {
    const answer = await fetch(`${apiOf(server)}${to}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(impatienceMs),
    });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: '' };
  }
}

async function counted<Row>(sql: string, params: readonly unknown[]): Promise<readonly Row[]> {
  return onDatabase(url, (database) => rowsOf<Row>(database, sql, params));
}

describe(`vouchers on four workers (QUINTA_TEST_SEED=${seed})`, () => {
  test('are counted in sets by whichever worker is asked: commands, waits and statements, none split', async () => {
    const before = await metrics();
    const heard = await Promise.all(Array.from({ length: 300 }, (_, number) => draw(keyOf(1, number % 250))));
    expect(tally(heard)).toEqual({ 201: 250, 200: 50 });
    const after = await metrics();
    const added = (name: string, labels?: string): number => after(name, labels) - before(name, labels);
    expect(added('quinta_set_commands_sum')).toBe(300);
    const sets = added('quinta_set_commands_count');
    expect(sets).toBeLessThanOrEqual(300);
    expect(added('quinta_set_wait_seconds_count')).toBe(sets);
    expect(added('quinta_database_statement_seconds_count', 'outcome="done"')).toBe(sets);
    expect(added('quinta_set_bisected_total')).toBe(0);
  });

  test('of which one raises in SQL: the set is split, it alone fails, and the metrics tell', async () => {
    // No input can, so the rule is one that nobody knows of.
    await onDatabase(url, (owner) =>
      execute(owner, ["alter table vales add constraint ck_test_poison check (description <> 'poison')"]),
    );
    const before = await metrics();
    // Behind a lock the first set of each worker waits, and what comes meanwhile travels together.
    const drawing = await onDatabase(url, (owner) =>
      owner.transact(async (tx) => {
        await tx.run(readStatement('test.lock', 'lock table vales'), []);
        const draws = Promise.all(
          Array.from({ length: 256 }, (_, number) =>
            draw(keyOf(2, number), number % 64 === 63 ? 'poison' : `good ${number}`),
          ),
        );
        const waiting = "select 1 from pg_locks where not granted and relation = 'vales'::regclass";
        await vi.waitFor(async () => expect(await counted(waiting, [])).toHaveLength(4), patience);
        return { draws };
      }),
    );
    const heard = await drawing.draws;
    await onDatabase(url, (owner) => execute(owner, ['alter table vales drop constraint ck_test_poison']));
    expect(tally(heard)).toEqual({ 201: 252, 500: 4 });
    expect(heard.filter((_, number) => number % 64 === 63).map(({ status }) => status)).toEqual([500, 500, 500, 500]);
    const after = await metrics();
    expect(after('quinta_set_commands_sum') - before('quinta_set_commands_sum')).toBe(256);
    expect(after('quinta_set_bisected_total') - before('quinta_set_bisected_total')).toBeGreaterThan(0);
  });

  test('that many clients draw and redeem under the same keys while workers are killed: each once', async () => {
    let answered = 0;
    let lost = 0;
    const killed: number[] = [];
    const killAt = new Set([0.3, 0.6].map((share) => Math.floor(keyCount * clientsAKey * share) + (seed % 40)));
    /** A good client: tries again with its key until there is an answer. */
    const insist = async (ask: () => Promise<Heard>): Promise<Heard> => {
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const heard = await ask();
        if (heard.status !== 0 && heard.status < 500) return heard;
        lost += 1;
      }
      throw new Error(`No answer after ${attemptsMax} attempts`);
    };
    const client = async (number: number): Promise<readonly [Heard, Heard]> => {
      const key = keyOf(3, number % keyCount);
      const drawn = await insist(() => impatient('/vales', { amount: '2.50', description: key, request_id: key }));
      const { id } = JSON.parse(drawn.text) as { id: number };
      answered += 1;
      const [victim] = killAt.has(answered) ? workers().slice(answered % 3) : [];
      if (victim !== undefined) {
        sendTo(victim, 'SIGKILL');
        killed.push(victim);
      }
      return [drawn, await insist(() => impatient(`/vales/${id}/redeem`))];
    };
    const heard: (readonly [Heard, Heard])[] = [];
    const queue = Array.from({ length: keyCount * clientsAKey }, (_, number) => number).values();
    const lane = async (): Promise<void> => {
      for (const number of queue) heard.push(await client(number));
    };
    await Promise.all(Array.from({ length: socketsMax }, lane));
    expect(killed).toHaveLength(2);
    expect(lost).toBeGreaterThan(0);

    const draws = tally(heard.map(([drawn]) => drawn));
    expect(Object.keys(draws)).toEqual(['200', '201']);
    expect(draws[201]).toBeLessThanOrEqual(keyCount);
    const redeems = tally(heard.map(([, redeemed]) => redeemed));
    expect(Object.keys(redeems)).toEqual(['200', '409']);
    expect(redeems[200]).toBeLessThanOrEqual(keyCount);
    const rows = await counted<{ state: string; creates: string; redeems: string }>(
      `select v.state, count(*) filter (where a.action = 'create') as creates,
          count(*) filter (where a.action = 'redeem') as redeems
         from vales v left join audit_logs a on a.resource_type = 'vale' and a.resource_id = v.id
        where v.request_id = any($1) group by v.id`,
      [Array.from({ length: keyCount }, (_, number) => keyOf(3, number))],
    );
    expect(rows).toEqual(Array.from({ length: keyCount }, () => ({ state: 'redeemed', creates: '1', redeems: '1' })));
    await vi.waitFor(() => expect(workers()).toHaveLength(4), patience);
  });
});
