import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Vale } from '../src/vale/vale.ts';
import { auditOfResource } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { expectProblem } from './problem-body.ts';
import { countOf } from './sql.ts';
import { atOnce, newVale, statuses } from './vouchers.ts';

type Clerk = 'admin' | 'cajero';

let world: MexaWorld;
const ids: Partial<Record<Clerk, number>> = {};
beforeAll(async () => {
  world = await openMexaWorld();
  for (const role of ['admin', 'cajero'] as const) {
    ids[role] = (await world.api('/auth/me', { token: world.tokens[role] })).json<{ id: number }>().id;
  }
});
afterAll(() => world.close());

const redeem = (id: number, key?: string, role: Clerk = 'cajero'): Promise<HttpAnswer> =>
  world.api(`/vales/${id}/redeem`, {
    method: 'POST',
    token: world.tokens[role],
    headers: key ? { 'idempotency-key': key } : {},
  });

const voidIt = (id: number, reason: unknown = 'Repetido', key?: string): Promise<HttpAnswer> =>
  world.api(`/vales/${id}/void`, {
    token: world.tokens.admin,
    body: { reason },
    headers: key ? { 'idempotency-key': key } : {},
  });

const remove = (id: number, query = '', key?: string): Promise<HttpAnswer> =>
  world.api(`/vales/${id}${query}`, {
    method: 'DELETE',
    token: world.tokens.admin,
    headers: key ? { 'idempotency-key': key } : {},
  });

describe('redeeming', () => {
  test('says when and by whom, and whoever comes second hears that with a 409', async () => {
    const drawn = await newVale(world);
    const vale = (await redeem(drawn.id)).json<Vale>();
    expect(vale).toEqual({
      ...drawn,
      state: 'redeemed',
      redeemed_at: expect.stringMatching(/Z$/) as string,
      redeemed_by: ids.cajero,
    });
    const problem = expectProblem(await redeem(drawn.id, undefined, 'admin'), 409, 'voucher_already_redeemed');
    expect(problem).toMatchObject({ redeemed_at: vale.redeemed_at, redeemed_by: ids.cajero });
    expect(problem.detail).toBe(
      `Voucher ${vale.id} cannot be redeemed: it was redeemed at ${vale.redeemed_at} by user ${ids.cajero}.`,
    );
  });

  test.each(['payment-1', randomUUID()])(
    'again by the same person with the same key %s is the first answer',
    async (key) => {
      const { id } = await newVale(world);
      const first = await redeem(id, key);
      expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([200, null]);
      const again = await redeem(id, key);
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
      expect(again.json()).toEqual(first.json());
      expectProblem(await redeem(id, `${key}x`), 409, 'voucher_already_redeemed');
      expectProblem(await redeem(id), 409, 'voucher_already_redeemed');
      expectProblem(await redeem(id, key, 'admin'), 409, 'voucher_already_redeemed');
      expect((await auditOfResource(world, 'vale', id)).map(({ action }) => action)).toEqual(['create', 'redeem']);
    },
  );

  test('again under the same X-Request-ID is the first answer as well', async () => {
    const { id } = await newVale(world);
    const request = { method: 'POST', token: world.tokens.cajero, headers: { 'x-request-id': randomUUID() } };
    const answers = [await world.api(`/vales/${id}/redeem`, request), await world.api(`/vales/${id}/redeem`, request)];
    expect(answers.map(({ status, headers }) => [status, headers.get('idempotency-replayed')])).toEqual([
      [200, null],
      [200, 'true'],
    ]);
  });

  test('one voucher with the key of another redeems it too: a key stands for one voucher', async () => {
    const [one, other] = [await newVale(world), await newVale(world)];
    const key = randomUUID();
    expect((await redeem(one.id, key)).json()).toMatchObject({ id: one.id });
    expect((await redeem(other.id, key)).json()).toMatchObject({ id: other.id, state: 'redeemed' });
  });

  test.each([0, -1, 2147483648, 'x', '1.5'])('the voucher %s is no voucher', async (id) => {
    const answer = await world.api(`/vales/${id}/redeem`, { method: 'POST', token: world.tokens.cajero });
    expect(expectProblem(answer, 422, 'validation_failed').errors?.[0]?.loc).toEqual(['path', 'id']);
  });

  test('a voucher that is not there is a 404', async () => {
    expect(expectProblem(await redeem(2147483647), 404, 'voucher_not_found').detail).toBe(
      'There is no voucher 2147483647.',
    );
  });
});

describe('voiding', () => {
  test.each(['Repetido', 'x'.repeat(255), '🧤', "'; drop table vales"])('keeps the reason %j', async (reason) => {
    const drawn = await newVale(world);
    expect((await voidIt(drawn.id, reason)).json()).toEqual({
      ...drawn,
      state: 'void',
      voided_at: expect.stringMatching(/Z$/) as string,
      voided_by: ids.admin,
      void_reason: reason,
    });
  });

  test.each([
    ['no reason', {}],
    ['an empty reason', { reason: '' }],
    ['a reason of 256 characters', { reason: 'x'.repeat(256) }],
    ['a reason with a NUL', { reason: 'a\u0000' }],
    ['a reason that is null', { reason: null }],
  ])('with %s is refused', async (_, body) => {
    const { id } = await newVale(world);
    const answer = await world.api(`/vales/${id}/void`, { token: world.tokens.admin, body });
    expect(expectProblem(answer, 422, 'validation_failed').errors?.[0]?.loc).toEqual(['body', 'reason']);
    expect((await world.api(`/vales/${id}`, { token: world.tokens.admin })).json()).toMatchObject({ state: 'issued' });
  });

  test('twice with the same key is once; with another it is a 409 that says by whom', async () => {
    const { id } = await newVale(world);
    const first = await voidIt(id, 'a', 'k');
    const again = await voidIt(id, 'a', 'k');
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    expect(again.json()).toEqual(first.json());
    const problem = expectProblem(await voidIt(id, 'a', 'l'), 409, 'voucher_already_void');
    expect(problem).toMatchObject({ voided_at: first.json<Vale>().voided_at, voided_by: ids.admin });
  });

  test('what was redeemed, and redeeming what is void, is a 409', async () => {
    const [redeemed, voided] = [await newVale(world), await newVale(world)];
    await redeem(redeemed.id);
    await voidIt(voided.id);
    expect(expectProblem(await voidIt(redeemed.id), 409, 'voucher_already_redeemed').detail).toContain(
      'cannot be voided',
    );
    expectProblem(await remove(redeemed.id), 409, 'voucher_already_redeemed');
    expect(expectProblem(await redeem(voided.id), 409, 'voucher_already_void').detail).toContain('cannot be redeemed');
  });

  test.each([
    ['', 'Deleted'],
    ['?reason=Prueba', 'Prueba'],
  ])('is what DELETE%s does, with a reason', async (query, reason) => {
    const { id } = await newVale(world);
    const answer = await remove(id, query, 'once');
    expect(answer.json()).toMatchObject({ id, state: 'void', void_reason: reason, voided_by: ids.admin });
    expect((await remove(id, query, 'once')).headers.get('idempotency-replayed')).toBe('true');
    expectProblem(await remove(id), 409, 'voucher_already_void');
    expect(await countOf(world.owner, 'vales where id = $1', [id])).toBe(1);
  });
});

describe('a race', () => {
  test('of two hundred redeems has one winner, and 199 hear when and by whom', async () => {
    const { id } = await newVale(world);
    const answers = await atOnce(200, (place) => redeem(id, undefined, place % 2 === 0 ? 'cajero' : 'admin'));
    expect(statuses(answers)).toEqual({ 200: 1, 409: 199 });
    const winner = answers.find(({ status }) => status === 200)?.json<Vale>();
    for (const answer of answers.filter(({ status }) => status === 409)) {
      expect(answer.json()).toMatchObject({ redeemed_at: winner?.redeemed_at, redeemed_by: winner?.redeemed_by });
    }
    expect(await countOf(world.owner, "audit_logs where action = 'redeem' and resource_id = $1", [id])).toBe(1);
  });

  test('of fifty redeems with one key is redeemed once and heard of fifty times', async () => {
    const { id } = await newVale(world);
    const answers = await atOnce(50, () => redeem(id, 'the-same'));
    expect(statuses(answers)).toEqual({ 200: 50 });
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(await countOf(world.owner, "audit_logs where action = 'redeem' and resource_id = $1", [id])).toBe(1);
  });

  test('of redeem against void ends in one of them, twenty times over', async () => {
    for (let round = 0; round < 20; round++) {
      const { id } = await newVale(world);
      const answers = await Promise.all([redeem(id), voidIt(id), redeem(id), remove(id)]);
      expect(statuses(answers)).toEqual({ 200: 1, 409: 3 });
      const actions = (await auditOfResource(world, 'vale', id)).map(({ action }) => action);
      const { state } = (await world.api(`/vales/${id}`, { token: world.tokens.admin })).json<Vale>();
      expect(actions).toEqual(['create', state === 'void' ? 'void' : 'redeem']);
    }
  });
});

describe('the description', () => {
  const describeIt = (id: number, body: unknown): Promise<HttpAnswer> =>
    world.api(`/vales/${id}`, { method: 'PATCH', token: world.tokens.cajero, body });

  test('is all that changes, and the audit has before and after', async () => {
    const drawn = await newVale(world, { description: 'Casco' });
    expect((await describeIt(drawn.id, { description: 'Casco rojo' })).json()).toEqual({
      ...drawn,
      description: 'Casco rojo',
    });
    const [, row] = await auditOfResource(world, 'vale', drawn.id);
    expect(row).toMatchObject({
      action: 'update',
      user_id: ids.cajero,
      old_values: { description: 'Casco' },
      new_values: { description: 'Casco rojo' },
    });
    const history = (await world.api(`/vales/${drawn.id}/history`, { token: world.tokens.cajero })).json<{
      history: { changes: unknown }[];
    }>();
    expect(history.history[1]?.changes).toEqual([{ field: 'description', old: 'Casco', new: 'Casco rojo' }]);
  });

  test('that stays as it was leaves no audit row', async () => {
    const { id } = await newVale(world, { description: null });
    expect((await describeIt(id, { description: null })).status).toBe(200);
    expect((await describeIt(id, { description: 'a' })).status).toBe(200);
    expect((await describeIt(id, { description: 'a' })).status).toBe(200);
    expect((await auditOfResource(world, 'vale', id)).map(({ action }) => action)).toEqual(['create', 'update']);
  });

  test.each<[string, object, (string | number)[]]>([
    ['amount', { description: 'x', amount: '1.00' }, ['body', 'amount']],
    ['state', { description: 'x', state: 'redeemed' }, ['body', 'state']],
    ['user_id', { description: 'x', user_id: 1 }, ['body', 'user_id']],
    ['id', { description: 'x', id: 1 }, ['body', 'id']],
    ['nothing', {}, ['body', 'description']],
    ['a long text', { description: 'x'.repeat(256) }, ['body', 'description']],
  ])('is refused together with %s', async (_, body, loc) => {
    const drawn = await newVale(world);
    expect(expectProblem(await describeIt(drawn.id, body), 422, 'validation_failed').errors?.[0]?.loc).toEqual(loc);
    expect((await world.api(`/vales/${drawn.id}`, { token: world.tokens.admin })).json()).toEqual(drawn);
  });

  test('of no voucher is a 404', async () => {
    expect(expectProblem(await describeIt(2147483647, { description: 'x' }), 404, 'voucher_not_found').status).toBe(
      404,
    );
  });
});

test('voiding with the key of another reason is a 422, and the first reason stays', async () => {
  const { id } = await newVale(world);
  const headers = { 'idempotency-key': 'shelf-7' };
  const voidWith = (reason: string) =>
    world.api(`/vales/${id}/void`, { token: world.tokens.admin, headers, body: { reason } });
  expect((await voidWith('torn')).status).toBe(200);
  expect((await voidWith('torn')).headers.get('idempotency-replayed')).toBe('true');
  const other = await voidWith('lost');
  expect([other.status, other.json()['code']]).toEqual([422, 'idempotency_key_reused']);
});
