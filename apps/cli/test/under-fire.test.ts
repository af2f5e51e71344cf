import { randomUUID } from 'node:crypto';
import { call } from '@quinta/platform/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiOf, type Burst, demoPassword, openBurst, signIn, tally } from './clients.ts';
import { expectNothingRuns, openPlace, type Place, type Server } from './place.ts';
import { embeddedUrl, onDatabase, rowsOf } from './rows.ts';

const concurrent = 1_000;
const socketsMax = 250;
let place: Place;
let server: Server;
let token: string;
let url: string;
const burst: Burst = openBurst(socketsMax);

beforeAll(async () => {
  place = openPlace();
  server = await place.start(['start', 'mexa', '--workers', '4']);
  url = await embeddedUrl(place, '--admin');
  token = await signIn(apiOf(server), 'cajero.demo', demoPassword(place));
});
afterAll(async () => {
  burst.close();
  await place.close();
});

async function countOf(sql: string, params: readonly unknown[]): Promise<number> {
  const [row] = await onDatabase(url, (database) => rowsOf<{ count: string }>(database, sql, params));
  return Number(row?.count);
}

const draws = 'select count(*) as count from vales where request_id = $1';
const audited =
  "select count(*) as count from audit_logs a join vales v on v.id = a.resource_id and a.resource_type = 'vale' " +
  'where v.request_id = $1 and a.action = $2';

test('1,000 concurrent draws of one request_id on four processes: one row, one 201, no fault', async () => {
  const requestId = randomUUID();
  const body = { amount: '125.50', description: 'Safety gloves', request_id: requestId };
  const heard = await Promise.all(
    Array.from({ length: concurrent }, () => burst.post(`${apiOf(server)}/vales`, token, body)),
  );
  const { 201: drawn, 200: replayed = 0, 409: running = 0, ...others } = tally(heard);
  expect({ drawn, others }).toEqual({ drawn: 1, others: {} });
  expect(replayed + running).toBe(concurrent - 1);
  const ids = new Set(
    heard.filter(({ status }) => status < 300).map(({ text }) => (JSON.parse(text) as { id: number }).id),
  );
  expect(ids.size).toBe(1);
  expect(await countOf(draws, [requestId])).toBe(1);
  expect(await countOf(audited, [requestId, 'create'])).toBe(1);
});

test('1,000 concurrent redeems of one voucher on four processes: one 200, the rest 409', async () => {
  const requestId = randomUUID();
  const drawn = await call(`${apiOf(server)}/vales`, { token, body: { amount: '9.99', request_id: requestId } });
  const { id } = drawn.json<{ id: number }>();
  const heard = await Promise.all(
    Array.from({ length: concurrent }, () => burst.post(`${apiOf(server)}/vales/${id}/redeem`, token)),
  );
  expect(tally(heard)).toEqual({ 200: 1, 409: concurrent - 1 });
  const refusals = new Set(
    heard.filter(({ status }) => status === 409).map(({ text }) => (JSON.parse(text) as { code: string }).code),
  );
  expect([...refusals]).toEqual(['voucher_already_redeemed']);
  expect(await countOf(audited, [requestId, 'redeem'])).toBe(1);
  expect(await server.stop()).toMatchObject({ status: 0 });
  await expectNothingRuns(place, server);
});
