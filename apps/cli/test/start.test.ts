import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { call } from '@quinta/platform/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { apiOf, demoPassword, signIn } from './clients.ts';
import {
  expectNothingRuns,
  isAlive,
  openPlace,
  patience,
  type Place,
  postmasterOf,
  sendTo,
  type Variables,
} from './place.ts';
import { newestMigration } from './rows.ts';

const places: Place[] = [];
function newPlace(variables?: Variables): Place {
  const place = openPlace(variables);
  places.push(place);
  return place;
}
afterEach(async () => {
  for (const place of places.splice(0)) await place.close();
});

interface ValePage {
  readonly vales: readonly { readonly request_id: string }[];
}

async function allVales(place: Place, api: string): Promise<readonly string[]> {
  const token = await signIn(api, 'auditor.demo', demoPassword(place));
  const answer = await call(`${api}/vales?limit=1000`, { token });
  expect(answer.status).toBe(200);
  return answer.json<ValePage>().vales.map((vale) => vale.request_id);
}

test('the first start on an empty folder serves and prints the page; the second finds its data and doubles nothing', async () => {
  const place = newPlace();
  const first = await place.start(['start']);
  const page = first.stderr();
  expect(page).toContain('first start only');
  expect(page).toContain('mexa/v004_create_audit_logs_table: up');
  expect(page).toMatch(/demo {8}42 vouchers, 5 users/);
  for (const link of page.match(/http:\/\/\S+[^\s)]/g) ?? []) {
    expect({ link, status: (await call(link)).status }).toEqual({ link, status: 200 });
  }
  expect(page).toContain(demoPassword(place));
  const drawn = await allVales(place, apiOf(first, '/mexa'));
  expect(drawn).toHaveLength(42);
  expect(await first.stop()).toMatchObject({ status: 0, signal: null });
  await expectNothingRuns(place, first);

  const second = await place.start(['start']);
  expect(second.stderr()).not.toContain('first start only');
  expect(second.stderr()).not.toContain(': up');
  expect(second.stderr()).toContain('demo data was there already');
  expect(await allVales(place, apiOf(second, '/mexa'))).toEqual(drawn);
  expect(await second.stop()).toMatchObject({ status: 0 });
  await expectNothingRuns(place, second);
});

test('one service alone serves at the root of its port, under MEXA_PORT before PORT', async () => {
  const place = newPlace();
  const other = newPlace();
  const shared = await other.start(['start', '--all']);
  const alone = await place.start(['start', 'mexa'], { PORT: String(shared.port), MEXA_PORT: '0' });
  expect(alone.port).not.toBe(shared.port);
  expect((await call(`${alone.address}/`)).json()).toMatchObject({ status: 'ok', service: 'MEXA Core' });
  expect((await call(`${apiOf(alone)}/vales`)).status).toBe(401);
  expect((await call(`${alone.address}/mexa/health`)).status).toBe(404);
  expect((await call(`${shared.address}/`)).text).toContain('<h1>Quinta</h1>');
  expect((await call(`${shared.address}/mexa/health`)).json()).toMatchObject({
    database: { migration: newestMigration },
  });
  // Two data folders and two ports, side by side: what one stops is not the other's.
  const voucher = { amount: '1.00', request_id: '00000000-0000-4000-8000-000000000001' };
  const token = await signIn(apiOf(alone), 'cajero.demo', demoPassword(place));
  expect((await call(`${apiOf(alone)}/vales`, { token, body: voucher })).status).toBe(201);
  expect(await alone.stop()).toMatchObject({ status: 0 });
  await expectNothingRuns(place, alone);
  const theirs = await allVales(other, apiOf(shared, '/mexa'));
  expect(theirs).toHaveLength(42);
  expect(theirs).not.toContain(voucher.request_id);
});

test('the default port of MEXA alone is 5000', async () => {
  const place = newPlace();
  const running = place.launch(['start', 'mexa'], { PORT: '' });
  // Whether it serves there or is told that somebody else does depends on the machine; both name the port.
  const named = /(answers at http:\/\/127\.0\.0\.1:|Port )5000\b/;
  await vi.waitFor(() => expect(named.test(running.stderr()) || !isAlive(running.pid)).toBe(true), patience);
  running.signal('SIGTERM');
  expect((await running.ended).stderr).toMatch(named);
  await expectNothingRuns(place, running);
});

test.each([['1'], ['2']])(
  'a second start on the same port says who holds it and exits 3 (%s processes)',
  async (workers) => {
    const place = newPlace();
    const first = await place.start(['start', 'mexa']);
    const second = await place.run(['start', 'mexa', '--workers', workers], {
      variables: { PORT: String(first.port) },
    });
    expect(second.status).toBe(3);
    const said = second.stderr.split('\n').filter((line) => line.includes(`Port ${first.port} is taken`));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(new RegExp(`taken by process ${first.pid} \\(.*main\\.ts start mexa\\)`));
    expect((await call(`${first.address}/ready`)).status).toBe(200);
    expect(await first.stop()).toMatchObject({ status: 0 });
    await expectNothingRuns(place, first);
  },
);

test('after kill -9 the next start takes over the orphan database with its data', async () => {
  const place = newPlace();
  const first = await place.start(['start', 'mexa']);
  const token = await signIn(apiOf(first), 'cajero.demo', demoPassword(place));
  const voucher = { amount: '7.50', request_id: '00000000-0000-4000-8000-000000000002' };
  expect((await call(`${apiOf(first)}/vales`, { token, body: voucher })).status).toBe(201);
  first.signal('SIGKILL');
  expect(await first.ended).toMatchObject({ signal: 'SIGKILL' });
  const orphan = postmasterOf(place.folder);
  expect(orphan).toBeDefined();

  const second = await place.start(['start', 'mexa']);
  expect(postmasterOf(place.folder)).toEqual(orphan);
  expect(await allVales(place, apiOf(second))).toContain(voucher.request_id);
  // The token of before is still good: the secret is the data folder's.
  expect((await call(`${apiOf(second)}/auth/me`, { token })).status).toBe(200);
  expect(await second.stop()).toMatchObject({ status: 0 });
  await expectNothingRuns(place, second);
});

test('while PostgreSQL is gone, clients hear 503 with Retry-After; then it is there again by itself', async () => {
  const place = newPlace();
  const server = await place.start(['start', 'mexa']);
  const api = apiOf(server);
  const token = await signIn(api, 'cajero.demo', demoPassword(place));
  const heard = new Map<number, number>();
  const waits: (string | null)[] = [];
  const stream = { isOver: false };
  // Clients that keep drawing: requests are on their way at the moment of the kill.
  const client = async (): Promise<void> => {
    while (!stream.isOver) {
      const answer = await call(`${api}/vales`, { token, body: { amount: '1.00' } });
      heard.set(answer.status, (heard.get(answer.status) ?? 0) + 1);
      if (answer.status === 503) waits.push(answer.headers.get('retry-after'));
    }
  };
  const clients = Promise.all([client(), client(), client(), client()]);
  await vi.waitFor(() => expect(heard.get(201) ?? 0).toBeGreaterThan(20), patience);
  const killed = postmasterOf(place.folder)?.pid ?? 0;
  sendTo(killed, 'SIGKILL');
  await vi.waitFor(() => expect(heard.get(503) ?? 0).toBeGreaterThan(0), patience);
  const before = heard.get(201) ?? 0;
  await vi.waitFor(() => expect(heard.get(201) ?? 0).toBeGreaterThan(before + 20), patience);
  stream.isOver = true;
  await clients;
  expect(new Set(heard.keys())).toEqual(new Set([201, 503]));
  expect(new Set(waits)).toEqual(new Set(['1']));
  expect(postmasterOf(place.folder)?.pid).not.toBe(killed);
  await vi.waitFor(async () => expect((await call(`${server.address}/ready`)).status).toBe(200), patience);
  expect(await server.stop()).toMatchObject({ status: 0 });
  await expectNothingRuns(place, server);
});

test('LOG_DIR gets the log as files, one line of JSON an event', async () => {
  const place = newPlace();
  const folder = path.join(place.folder, 'logs');
  const server = await place.start(['start', 'mexa'], { LOG_DIR: folder });
  const requestId = '018f0000-0000-7000-8000-00000000000a';
  await call(`${server.address}/health`, { headers: { 'x-request-id': requestId } });
  await server.stop();
  expect(readdirSync(folder).toSorted()).toEqual(['mexa-error.log', 'mexa.log']);
  const lines = readFileSync(path.join(folder, 'mexa.log'), 'utf8').trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const event = events.find((one) => one['request_id'] === requestId);
  expect(event).toMatchObject({ level: 'INFO', logger: 'mexa', method: 'GET', path: '/health', status_code: 200 });
  expect(existsSync(path.join(folder, 'mexa-error.log'))).toBe(true);
});
