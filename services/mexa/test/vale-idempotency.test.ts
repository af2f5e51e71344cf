import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueMexaToken } from '../src/demo.ts';
import type { Vale } from '../src/vale/vale.ts';
import { auditOfResource } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { newPerson } from './people.ts';
import { expectProblem } from './problem-body.ts';
import { countOf } from './sql.ts';
import { atOnce, statuses } from './vouchers.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

interface Keys {
  readonly body?: string;
  readonly header?: string;
  readonly request?: string;
}

/** Draws a voucher under the keys that a client may send. */
function draw(keys: Keys, fields: object = {}, token = world.tokens.cajero): Promise<HttpAnswer> {
  return world.api('/vales', {
    token,
    headers: {
      ...(keys.header ? { 'idempotency-key': keys.header } : {}),
      ...(keys.request ? { 'x-request-id': keys.request } : {}),
    },
    body: { amount: '25.00', description: 'Casco', ...(keys.body ? { request_id: keys.body } : {}), ...fields },
  });
}

const [inBody, inHeader, ofRequest] = ['1'.repeat(8), '2'.repeat(8), '3'.repeat(8)].map(
  (head) => () => `${head}-${randomUUID().slice(9)}`,
) as [() => string, () => string, () => string];

describe('the key of a voucher', () => {
  test.each<[string, () => Keys, keyof Keys]>([
    [
      'the request_id of the body before all',
      () => ({ body: inBody(), header: inHeader(), request: ofRequest() }),
      'body',
    ],
    ['the Idempotency-Key before the X-Request-ID', () => ({ header: inHeader(), request: ofRequest() }), 'header'],
    ['the X-Request-ID where there is no other', () => ({ request: ofRequest() }), 'request'],
  ])('is %s', async (_, keysOf, winner) => {
    const keys = keysOf();
    const first = await draw(keys);
    expect(first.status).toBe(201);
    expect(first.json<Vale>().request_id).toBe(keys[winner]);
    const second = await draw(keys);
    expect(second.status).toBe(200);
    expect(second.json()).toEqual(first.json());
  });

  test('is new with each request that brings none', async () => {
    const [first, second] = [await draw({}), await draw({})];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.json<Vale>().request_id).not.toBe(second.json<Vale>().request_id);
  });

  test('counts without regard to the case of a UUID', async () => {
    const key = inBody();
    const first = await draw({ body: key });
    expect((await draw({ body: key.toUpperCase() })).json()).toEqual(first.json());
    expect((await draw({ header: key.toUpperCase() })).json()).toEqual(first.json());
  });

  test.each(['order-17', 'a', '~'.repeat(255), '{"a":1}'])('may be the header %j, which is no UUID', async (header) => {
    const first = await draw({ header });
    expect(first.status).toBe(201);
    expect(first.json<Vale>().request_id).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const again = await draw({ header });
    expect([again.status, again.json<Vale>().id]).toEqual([200, first.json<Vale>().id]);
  });

  test.each([
    ['a space', 'a b'],
    ['256 characters', 'x'.repeat(256)],
    ['a letter beyond ASCII', 'ñ'],
  ])('cannot be a header with %s', async (_, header) => {
    expect(expectProblem(await draw({ header }), 422, 'validation_failed').errors?.[0]?.loc).toEqual([
      'header',
      'idempotency-key',
    ]);
  });

  test.each(['', 'x', '1', '123e4567-e89b-12d3-a456-42661417400', '{123e4567-e89b-12d3-a456-426614174000}'])(
    'cannot be the request_id %j',
    async (id) => {
      const { errors } = expectProblem(await draw({}, { request_id: id }), 422, 'validation_failed');
      expect(errors?.[0]?.loc).toEqual(['body', 'request_id']);
    },
  );

  test('of two users is two keys, unless it is a UUID', async () => {
    const header = `order-${randomUUID()}`;
    const other = await issueMexaToken(world.mexa, { role: 'admin' });
    const [mine, theirs] = [await draw({ header }), await draw({ header }, {}, other)];
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(mine.json<Vale>().id).not.toBe(theirs.json<Vale>().id);
  });
});

describe('a replay', () => {
  test('answers with the same voucher, says so, and leaves one row and one audit row', async () => {
    const body = randomUUID();
    const first = await draw({ body });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    for (const _ of [1, 2, 3]) {
      const again = await draw({ body }, { amount: 25 });
      expect(again.status).toBe(200);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.json()).toEqual(first.json());
    }
    expect(await countOf(world.owner, 'vales where request_id = $1', [body])).toBe(1);
    expect(await auditOfResource(world, 'vale', first.json<Vale>().id)).toHaveLength(1);
  });

  test('shows the voucher as it is by now', async () => {
    const body = randomUUID();
    const { id } = (await draw({ body })).json<Vale>();
    await world.api(`/vales/${id}/redeem`, { method: 'POST', token: world.tokens.cajero });
    const again = await draw({ body });
    expect([again.status, again.json<Vale>().state]).toEqual([200, 'redeemed']);
  });

  test('finds its voucher even where its user was switched off since', async () => {
    const [body, person] = [randomUUID(), await newPerson(world)];
    expect((await draw({ body }, { user_id: person.id })).status).toBe(201);
    await world.api(`/usuarios/${person.id}`, { method: 'DELETE', token: world.tokens.admin });
    expect((await draw({ body }, { user_id: person.id })).status).toBe(200);
    expectProblem(await draw({}, { user_id: person.id }), 422, 'voucher_user_unknown');
  });

  test.each<[string, object]>([
    ['another amount', { amount: '25.01' }],
    ['another description', { description: 'Guantes' }],
    ['no description', { description: null }],
    ['another user', { user_id: 1 }],
  ])('with %s is a 422 that names the voucher', async (_, fields) => {
    const body = randomUUID();
    const first = (await draw({ body })).json<Vale>();
    const problem = expectProblem(await draw({ body }, fields), 422, 'voucher_request_reused');
    expect(problem['vale_id']).toBe(first.id);
    expect((await world.api(`/vales/${first.id}`, { token: world.tokens.cajero })).json()).toEqual(first);
  });
});

describe('two hundred at once', () => {
  test('of one request_id draw one voucher: one 201, and 199 times the same with a 200', async () => {
    const body = randomUUID();
    const answers = await atOnce(200, () => draw({ body }));
    expect(statuses(answers)).toEqual({ 200: 199, 201: 1 });
    expect(new Set(answers.map((answer) => answer.json<Vale>().id)).size).toBe(1);
    expect(await countOf(world.owner, 'vales where request_id = $1', [body])).toBe(1);
    expect(await countOf(world.owner, "audit_logs where new_values->>'request_id' = $1", [body])).toBe(1);
  });

  test('of one request_id and two amounts draw one voucher, and whoever lost hears a 422', async () => {
    const body = randomUUID();
    const answers = await atOnce(100, (place) => draw({ body }, { amount: place % 2 === 0 ? '1.00' : '2.00' }));
    expect(statuses(answers)).toEqual({ 201: 1, 200: 49, 422: 50 });
    expect(await countOf(world.owner, 'vales where request_id = $1', [body])).toBe(1);
  });

  test('of as many keys draw as many vouchers', async () => {
    const keys = Array.from({ length: 200 }, () => randomUUID());
    const answers = await atOnce(200, (place) => draw({ body: keys[place] ?? '' }));
    expect(statuses(answers)).toEqual({ 201: 200 });
    expect(await countOf(world.owner, 'vales where request_id = any($1)', [keys])).toBe(200);
  });
});

test('a retry is known by what was drawn, even after the description was changed', async () => {
  const key = randomUUID();
  const body = { amount: '4.00', description: 'as drawn', request_id: key };
  const drawn = await world.api('/vales', { token: world.tokens.cajero, body });
  const id = String(drawn.json()['id']);
  for (const description of ['once', null, 'twice']) {
    await world.api(`/vales/${id}`, { method: 'PATCH', token: world.tokens.cajero, body: { description } });
  }
  const retry = await world.api('/vales', { token: world.tokens.cajero, body });
  expect(retry.status).toBe(200);
  expect(retry.json()).toMatchObject({ id: Number(id), description: 'twice' });
  const other = await world.api('/vales', { token: world.tokens.cajero, body: { ...body, description: 'twice' } });
  expect(other.status).toBe(422);
});
