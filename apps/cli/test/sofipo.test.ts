import { openDatabase, writeStatement } from '@quinta/platform/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertEnded, openPlace, type Place, type Server } from './place.ts';

let place: Place;
let server: Server;
beforeAll(async () => {
  place = openPlace();
  server = await place.start(['start', 'sofipo']);
});
afterAll(() => place.close());

/** The blocks of the README's walkthrough of the earlier system, line by line, at the root of a port of its own. */
test('the earlier system’s walkthrough runs unchanged against the service alone', async () => {
  const post = async (path: string, headers: Record<string, string>, body: string) => {
    const answer = await fetch(`${server.address}${path}`, { method: 'POST', headers, body });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const token = await post('/api/v1/auth/token', form, 'username=admin&password=string');
  expect(token).toMatchObject({ status: 200, body: { token_type: 'bearer' } });
  const headers = { authorization: `Bearer ${token.body['access_token']}`, 'content-type': 'application/json' };
  const client = await post(
    '/api/v1/clients/',
    headers,
    '{ "full_name": "Carlos Perez", "email": "carlos.perez@example.com", "rfc": "PEPJ800101HNE" }',
  );
  expect(client.status).toBe(201);
  expect((await fetch(`${server.address}/api/v1/clients/PEPJ800101HNE`)).status).toBe(200);
  const loan = await post(
    '/api/v1/loans/',
    headers,
    `{ "client_id": "${client.body['id']}", "amount": 50000.00, "interest_rate": 0.15, "term_months": 24 }`,
  );
  expect(loan).toMatchObject({ status: 201, body: { status: 'ACTIVE' } });
  const payment = await post(`/api/v1/loans/${loan.body['id']}/payments`, headers, '{ "amount": 2500.00 }');
  expect(payment).toMatchObject({ status: 201, body: { amount: '2500.00' } });
});

test('the ledger is verified, and a loan that says something else is named', async () => {
  const held = await place.run(['sofipo', 'ledger', 'verify', '--json']);
  assertEnded(held, 0);
  expect(JSON.parse(held.stdout)).toEqual({ holds: true, faults: [] });
  const { stdout: url } = await place.run(['database', 'url', 'sofipo', '--admin']);
  const owner = openDatabase({ url: url.trim(), connectionsMax: 1 });
  const spoil = writeStatement<[], { id: string }>(
    'test.spoil',
    'update loans set current_balance = current_balance - 1 where id = (select min(id::text)::uuid from loans) returning id',
  );
  const { rows } = await owner.runAlone(spoil, []);
  await owner.close();
  const spoilt = await place.run(['sofipo', 'ledger', 'verify']);
  assertEnded(spoilt, 1);
  expect(spoilt.stdout).toContain(`balance ${rows[0]?.id}`);
});

test.each(['sofipo close-day', 'sofipo ledger verify'])(
  '%s on a database without tables says what to do',
  async (words) => {
    const empty = openPlace();
    try {
      const outcome = await empty.run(words.split(' '));
      assertEnded(outcome, 1);
      expect(outcome.stderr).toContain('`quinta migrate up` brings it up to date');
      expect(outcome.stderr).not.toMatch(/should not have happened|\n {4}at /);
    } finally {
      await empty.close();
    }
  },
);
