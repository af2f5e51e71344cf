import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Vale } from '../src/vale/vale.ts';
import { auditOf } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { newPerson } from './people.ts';
import { expectProblem } from './problem-body.ts';
import { countOf } from './sql.ts';
import { atOnce, newVale } from './vouchers.ts';

interface Batch {
  readonly issued: number;
  readonly replayed: number;
  readonly refused: number;
  readonly results: readonly {
    readonly index: number;
    readonly status: number;
    readonly vale: Vale | null;
    readonly problem: { readonly code: string; readonly detail: string; readonly errors?: { loc: unknown[] }[] } | null;
  }[];
}

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

function send(vales: unknown, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
  return world.api('/vales/batch', { token: world.tokens.cajero, headers, body: { vales } });
}

async function sent(vales: unknown, headers?: Readonly<Record<string, string>>): Promise<Batch> {
  const answer = await send(vales, headers);
  expect(answer.status).toBe(200);
  return answer.json<Batch>();
}

describe('a batch', () => {
  test('of one draws one', async () => {
    const { results, ...counts } = await sent([{ amount: '3.10', description: 'Botas' }]);
    expect(counts).toEqual({ issued: 1, replayed: 0, refused: 0 });
    expect(results).toMatchObject([
      { index: 0, status: 201, vale: { amount: '3.10', description: 'Botas' }, problem: null },
    ]);
  });

  test('of a thousand draws a thousand in their order, each with its audit row under the id of the request', async () => {
    const requestId = randomUUID();
    const vales = Array.from({ length: 1000 }, (_, place) => ({ amount: (place + 1) / 100, description: `#${place}` }));
    const { results, ...counts } = await sent(vales, { 'x-request-id': requestId });
    expect(counts).toEqual({ issued: 1000, replayed: 0, refused: 0 });
    expect(results.map(({ index, vale }) => [index, vale?.description])).toEqual(
      vales.map(({ description }, place) => [place, description]),
    );
    const ids = results.map(({ vale }) => vale?.id ?? 0);
    expect(ids).toEqual(ids.toSorted((left, right) => left - right));
    const rows = await auditOf(world, requestId);
    expect(rows.map(({ action, resource_id: id }) => [action, id])).toEqual(ids.map((id) => ['create', id]));
  });

  test.each([
    ['none', [], 'too_small'],
    ['a thousand and one', Array.from({ length: 1001 }, () => ({ amount: 1 })), 'too_big'],
    ['no list', { amount: 1 }, 'invalid_type'],
  ])('of %s is a 422 and draws nothing', async (_, vales, type) => {
    const before = await countOf(world.owner, 'vales');
    const { errors } = expectProblem(await send(vales), 422, 'validation_failed');
    expect(errors?.[0]).toMatchObject({ loc: ['body', 'vales'], type });
    expect(await countOf(world.owner, 'vales')).toBe(before);
  });

  test('gives each its own outcome: what is good is drawn, whatever stands beside it', async () => {
    const known = await newVale(world, { amount: '9.99', request_id: randomUUID() });
    const [twin, me] = [randomUUID(), known.user_id];
    const { results, ...counts } = await sent([
      { amount: '1.00' },
      { amount: '-1.00' },
      'no object',
      { amount: '2.00', user_id: 2147483647 },
      { amount: '9.99', request_id: known.request_id },
      { amount: '9.98', request_id: known.request_id },
      { amount: '3.00', request_id: twin, user_id: me },
      { amount: '3.00', request_id: twin.toUpperCase() },
      { amount: '4.00', request_id: twin },
      { amount: '5.00', monto: 1 },
      { amount: '6.00', description: 'last' },
    ]);
    expect(counts).toEqual({ issued: 3, replayed: 2, refused: 6 });
    expect(results.map(({ index, status, problem }) => [index, status, problem?.code ?? null])).toEqual([
      [0, 201, null],
      [1, 422, 'validation_failed'],
      [2, 422, 'validation_failed'],
      [3, 422, 'voucher_user_unknown'],
      [4, 200, null],
      [5, 422, 'voucher_request_reused'],
      [6, 201, null],
      [7, 200, null],
      [8, 422, 'voucher_request_reused'],
      [9, 422, 'validation_failed'],
      [10, 201, null],
    ]);
    expect(results[4]?.vale).toEqual(known);
    expect(results[7]?.vale?.id).toBe(results[6]?.vale?.id);
    expect(results.map(({ problem }) => problem?.errors?.[0]?.loc ?? null).filter(Boolean)).toEqual([
      ['body', 'vales', 1, 'amount'],
      ['body', 'vales', 2],
      ['body', 'vales', 3, 'user_id'],
      ['body', 'vales', 9, 'monto'],
    ]);
    expect(await countOf(world.owner, 'vales where request_id = $1', [twin])).toBe(1);
  });

  test('says of a twin whose first is refused what it would say of it alone', async () => {
    const [twin, person] = [randomUUID(), await newPerson(world)];
    const { results } = await sent([
      { amount: '1.00', request_id: twin, user_id: 2147483647 },
      { amount: '1.00', request_id: twin, user_id: person.id },
      { amount: '1.00', request_id: twin, user_id: person.id },
    ]);
    expect(results.map(({ status, problem }) => problem?.code ?? status)).toEqual(['voucher_user_unknown', 201, 200]);
  });
});

describe('a batch that is sent again', () => {
  test.each([
    ['an Idempotency-Key', () => ({ 'idempotency-key': `batch-${randomUUID()}` })],
    ['a UUID as Idempotency-Key', () => ({ 'idempotency-key': randomUUID() })],
    ['an X-Request-ID', () => ({ 'x-request-id': randomUUID() })],
  ])('with %s draws nothing twice', async (_, headersOf) => {
    const headers: Record<string, string> = headersOf();
    const vales = Array.from({ length: 20 }, () => ({ amount: '7.00', description: 'igual' }));
    const first = await sent(vales, headers);
    expect(first.issued).toBe(20);
    const { results, ...counts } = await sent(vales, headers);
    expect(counts).toEqual({ issued: 0, replayed: 20, refused: 0 });
    expect(results.map(({ vale }) => vale)).toEqual(first.results.map(({ vale }) => vale));
  });

  test('with the same key and another amount hears a refusal for that one alone', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    await sent([{ amount: '1' }, { amount: '2' }], headers);
    const { results } = await sent([{ amount: '1' }, { amount: '3' }], headers);
    expect(results.map(({ status }) => status)).toEqual([200, 422]);
  });

  test('twenty times at once, in any order, draws each once', async () => {
    const keys = Array.from({ length: 40 }, () => randomUUID());
    const batches = await atOnce(20, (place) => {
      const order = place % 2 === 0 ? keys : keys.toReversed();
      return sent(order.map((key) => ({ amount: '1.00', request_id: key })));
    });
    expect(batches.reduce((sum, { issued }) => sum + issued, 0)).toBe(40);
    expect(batches.reduce((sum, { refused }) => sum + refused, 0)).toBe(0);
    expect(await countOf(world.owner, 'vales where request_id = any($1)', [keys])).toBe(40);
  });
});
