import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { call } from '@quinta/platform/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { apiOf, demoPassword, openBurst, tally } from './clients.ts';
import {
  expectNothingRuns,
  isAlive,
  openPlace,
  patience,
  type Place,
  postmasterOf,
  sendTo,
  type Server,
} from './place.ts';
import { openSlowPost } from './slow-request.ts';

const workerCount = 4;
const answerTimeoutMs = 30_000;
let place: Place;
let server: Server;

/** One server for the tests of this file, in their order; the last ones end it. */
beforeAll(async () => {
  place = openPlace();
  server = await startWorkers();
});
afterAll(() => place.close());

function startWorkers(): Promise<Server> {
  return place.start(['start', 'mexa', '--workers', String(workerCount)], {
    LOGIN_ATTEMPTS_PER_MINUTE: '5',
    LOG_DIR: path.join(place.folder, 'logs'),
  });
}

/** A token that no sign-in was spent on. */
async function tokenOf(role: string): Promise<string> {
  return (await place.run(['token', 'mexa', '--role', role])).stdout.trim();
}

function workersOf(primary: number): readonly number[] {
  return execFileSync('ps', ['-axo', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+([^Z]\S*)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === primary && match[4]?.includes('main.ts') === true)
    .map((match) => Number(match?.[1]));
}

interface Answered {
  readonly status: number;
  readonly sentMs: number;
}

/** A request on a connection of its own, which the primary gives to the next worker. */
function get(url: string, headers: Record<string, string> = {}): Promise<Answered> {
  const sentMs = performance.now();
  return new Promise((resolve, reject) => {
    const options = { agent: false, timeout: answerTimeoutMs, headers: { ...headers, connection: 'close' } };
    const sent = request(url, options, (answer) => {
      answer.resume().once('end', () => resolve({ status: answer.statusCode ?? 0, sentMs }));
    });
    sent.once('error', reject);
    sent.once('timeout', () => sent.destroy(new Error(`No answer from ${url}`)));
    sent.end();
  });
}

test('four processes answer', async () => {
  expect(workersOf(server.pid)).toHaveLength(workerCount);
  const ids = Array.from(
    { length: 40 },
    (_, place_) => `018f0000-0000-7000-8000-0000000001${String(place_).padStart(2, '0')}`,
  );
  for (const id of ids) expect((await get(`${server.address}/health`, { 'x-request-id': id })).status).toBe(200);
  const logOf = (worker: number): string =>
    readFileSync(path.join(place.folder, 'logs', `mexa-worker-${worker}.log`), 'utf8');
  await vi.waitFor(() => {
    const answered = [1, 2, 3, 4].map((worker) => ids.filter((id) => logOf(worker).includes(id)));
    expect(answered.every((some) => some.length > 0)).toBe(true);
    expect(answered.flat().toSorted()).toEqual(ids);
  }, patience);
});

test('/metrics of any worker is the sum over all', async () => {
  const count = async (): Promise<number> => {
    const { text } = await call(`${server.address}/metrics`);
    const line = /^quinta_http_requests_total\{(?=[^}]*route="\/")(?=[^}]*status="200")[^}]*\} (\d+)$/m.exec(text);
    return Number(line?.[1] ?? 0);
  };
  const before = await count();
  await Promise.all(Array.from({ length: 60 }, () => get(`${server.address}/`)));
  await vi.waitFor(async () => expect(await count()).toBe(before + 60), patience);
  // Whichever worker is asked.
  for (let turn = 0; turn < 2 * workerCount; turn += 1) expect(await count()).toBe(before + 60);
});

test('limits hold across workers: 5 of 60 parallel sign-ins are tried', async () => {
  const burst = openBurst(60);
  const body = { username: 'nobody', password: 'not the password' };
  const heard = await Promise.all(
    Array.from({ length: 60 }, () => burst.post(`${apiOf(server)}/auth/login`, '', body)),
  );
  burst.close();
  expect(tally(heard)).toEqual({ 401: 5, 429: 55 });
});

test('a session that was ended on one worker is refused a second later on all', async () => {
  const token = await tokenOf('auditor');
  const me = (): Promise<Answered> => get(`${apiOf(server)}/auth/me`, { authorization: `Bearer ${token}` });
  for (let turn = 0; turn < 2 * workerCount; turn += 1) expect((await me()).status).toBe(200);
  expect((await call(`${apiOf(server)}/auth/logout`, { method: 'POST', token })).status).toBe(204);
  const endedMs = performance.now();
  const late: Answered[] = [];
  while (late.length < 4 * workerCount) {
    const answer = await me();
    if (answer.sentMs > endedMs + 1_000) late.push(answer);
  }
  expect(tally(late)).toEqual({ 401: 4 * workerCount });
});

test('a worker that is killed is replaced, and requests go on', async () => {
  const [victim = 0, ...others] = workersOf(server.pid);
  sendTo(victim, 'SIGKILL');
  // What the primary hands to the dead one before it hears of its end is lost; from then on nothing is.
  const told = `(process ${victim}) ended with SIGKILL: another takes its place`;
  await vi.waitFor(() => expect(server.stderr()).toContain(told), patience);
  for (let turn = 0; turn < 2 * workerCount; turn += 1) {
    expect((await get(`${server.address}/ready`)).status).toBe(200);
  }
  await vi.waitFor(() => expect(workersOf(server.pid)).toHaveLength(workerCount), patience);
  expect(workersOf(server.pid)).toEqual(expect.arrayContaining(others));
  expect(workersOf(server.pid)).not.toContain(victim);
  const successorLog = path.join(place.folder, 'logs', 'mexa-worker-5.log');
  await vi.waitFor(async () => {
    await get(`${server.address}/health`);
    expect(readFileSync(successorLog, 'utf8')).toContain('"operation":"health"');
  }, patience);
});

test('a signal to the whole process group lets requests in flight end, exits 0 and leaves no process', async () => {
  const token = await tokenOf('cajero');
  const slow = await openSlowPost(server.port, '/api/v1/vales', { token, body: { amount: '1.00' } });
  server.signalGroup('SIGTERM');
  await vi.waitFor(() => expect(server.stderr()).toContain('requests in flight end first'), patience);
  server.signalGroup('SIGTERM');
  expect(await slow.finish()).toMatch(/^HTTP\/1\.1 201 Created/m);
  const ended = await server.ended;
  expect(ended).toMatchObject({ status: 0, signal: null });
  expect(ended.stderr.split('Stopping (')[1]).not.toContain('another takes its place');
  await expectNothingRuns(place, server);
});

test('kill -9 of the primary ends the workers; the next start works; SIGTERM of the primary ends all', async () => {
  const first = await startWorkers();
  const workers = workersOf(first.pid);
  expect(workers).toHaveLength(workerCount);
  first.signal('SIGKILL');
  await vi.waitFor(() => expect(workers.filter(isAlive)).toEqual([]), patience);
  expect(postmasterOf(place.folder)).toBeDefined();
  const second = await startWorkers();
  const body = { username: 'auditor.demo', password: demoPassword(place) };
  expect((await call(`${apiOf(second)}/auth/login`, { body })).status).toBe(200);
  expect(await second.stop()).toMatchObject({ status: 0, signal: null });
  await expectNothingRuns(place, second);
});
