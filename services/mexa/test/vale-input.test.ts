import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Vale } from '../src/vale/vale.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { expectProblem } from './problem-body.ts';
import { countOf, sql } from './sql.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

/** The body as JSON text, so that a number is sent as it is written. */
const draw = (body: string) => world.api('/vales', { token: world.tokens.cajero, body });

describe('an amount', () => {
  test.each([
    ['"12.50"', '12.50'],
    ['"12.5"', '12.50'],
    ['"12"', '12.00'],
    ['12.5', '12.50'],
    ['12', '12.00'],
    ['12.50', '12.50'],
    ['1.2e1', '12.00'],
    ['0.01', '0.01'],
    ['"0.01"', '0.01'],
    ['" 12.50 "', '12.50'],
    ['"\\t12.50\\n"', '12.50'],
    ['"0012.50"', '12.50'],
    ['99999999.99', '99999999.99'],
    ['"99999999.99"', '99999999.99'],
    ['99999999', '99999999.00'],
    ['0.1', '0.10'],
    ['0.29', '0.29'],
  ])('of %s is %s', async (sent, kept) => {
    const answer = await draw(`{"amount": ${sent}}`);
    expect(answer.status).toBe(201);
    const { id, amount } = answer.json<Vale>();
    expect(amount).toBe(kept);
    expect(await sql(world.owner, 'select amount::text from vales where id = $1', [id])).toEqual([{ amount: kept }]);
  });

  test.each([
    ['0', 'out_of_range'],
    ['"0.00"', 'out_of_range'],
    ['-0', 'out_of_range'],
    ['-0.01', 'out_of_range'],
    ['"-12.50"', 'out_of_range'],
    ['99999999.991', 'too_many_decimals'],
    ['100000000', 'out_of_range'],
    ['"100000000.00"', 'out_of_range'],
    ['"99999999.999"', 'too_many_decimals'],
    ['"999999999999999999999999999999"', 'out_of_range'],
    ['12.505', 'too_many_decimals'],
    ['"12.500"', 'too_many_decimals'],
    ['"1.000"', 'too_many_decimals'],
    ['0.001', 'too_many_decimals'],
    ['0.30000000000000004', 'too_many_decimals'],
    ['1e-7', 'not_a_number'],
    ['1e21', 'not_a_number'],
    ['"1e3"', 'not_a_number'],
    ['"NaN"', 'not_a_number'],
    ['"Infinity"', 'not_a_number'],
    ['""', 'not_a_number'],
    ['" "', 'not_a_number'],
    ['"12,50"', 'not_a_number'],
    ['"1,200.00"', 'not_a_number'],
    ['"$12"', 'not_a_number'],
    ['"+12"', 'not_a_number'],
    ['".5"', 'not_a_number'],
    ['"5."', 'not_a_number'],
    ['"0x10"', 'not_a_number'],
    ['"１２"', 'not_a_number'],
    ['"1 2"', 'not_a_number'],
    ['1e400', 'invalid_union'],
    ['null', 'invalid_union'],
    ['true', 'invalid_union'],
    ['[12]', 'invalid_union'],
    ['{"value": 12}', 'invalid_union'],
  ])('of %s is refused as %s', async (sent, type) => {
    const before = await countOf(world.owner, 'vales');
    const { errors } = expectProblem(await draw(`{"amount": ${sent}}`), 422, 'validation_failed');
    expect(errors).toEqual([{ loc: ['body', 'amount'], msg: expect.any(String) as string, type }]);
    expect(await countOf(world.owner, 'vales')).toBe(before);
  });

  test('that is missing is refused', async () => {
    const { errors } = expectProblem(await draw('{"description": "x"}'), 422, 'validation_failed');
    expect(errors?.[0]?.loc).toEqual(['body', 'amount']);
  });

  test('of any number of cents comes back as it was sent, as text and as number', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9_999_999_999 }), fc.boolean(), async (cents, asText) => {
        const text = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
        const answer = await draw(`{"amount": ${asText ? `"${text}"` : text}}`);
        expect(answer.json<Vale>().amount).toBe(text);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a description', () => {
  test.each([
    ['nothing', undefined, null],
    ['null', null, null],
    ['the empty text', '', ''],
    ['255 characters', 'ñ'.repeat(255), 'ñ'.repeat(255)],
    ['127 emoji', '🧤'.repeat(127), '🧤'.repeat(127)],
    ['a family in one emoji', '👩‍👩‍👧‍👦', '👩‍👩‍👧‍👦'],
    ['quotes, a backslash and lines', `'"\\\n\r\t;--`, `'"\\\n\r\t;--`],
    ['spaces at its ends', ' x ', ' x '],
    ['right-to-left text', 'قفازات', 'قفازات'],
  ])('of %s is kept', async (_, description, kept) => {
    const answer = await draw(JSON.stringify({ amount: '1', description }));
    expect(answer.status).toBe(201);
    const { id } = answer.json<Vale>();
    expect((await world.api(`/vales/${id}`, { token: world.tokens.cajero })).json()).toMatchObject({
      description: kept,
    });
  });

  test.each([
    ['256 characters', JSON.stringify('x'.repeat(256)), 'too_big'],
    ['a NUL', '"a\\u0000b"', 'text'],
    ['half of an emoji', '"\\ud83e"', 'text'],
    ['the other half', '"\\udde4 x"', 'text'],
    ['a number', '12', 'invalid_type'],
    ['a list', '["x"]', 'invalid_type'],
  ])('of %s is refused', async (_, description, type) => {
    const { errors } = expectProblem(
      await draw(`{"amount": 1, "description": ${description}}`),
      422,
      'validation_failed',
    );
    expect(errors?.[0]).toMatchObject({ loc: ['body', 'description'], type });
  });
});

describe('who draws', () => {
  test('is the caller where nobody is named, and whoever is named otherwise', async () => {
    const [lucia] = await sql<{ id: number }>(world.owner, "select id from usuarios where username = 'lucia.demo'");
    const me = (await world.api('/auth/me', { token: world.tokens.cajero })).json<{ id: number }>();
    expect((await draw('{"amount": 1}')).json()).toMatchObject({ user_id: me.id, issued_by: me.id });
    const forLucia = await draw(`{"amount": 1, "user_id": ${lucia?.id}}`);
    expect(forLucia.json()).toMatchObject({ user_id: lucia?.id, issued_by: me.id });
  });

  test('must be there and active', async () => {
    const { errors } = expectProblem(await draw('{"amount": 1, "user_id": 2147483647}'), 422, 'voucher_user_unknown');
    expect(errors?.[0]?.loc).toEqual(['body', 'user_id']);
    const [gone] = await sql<{ id: number }>(
      world.owner,
      `insert into usuarios (username, email, password_hash, disabled_at)
       values ('gone', 'gone@example.com', '!', now()) returning id`,
    );
    expectProblem(await draw(`{"amount": 1, "user_id": ${gone?.id}}`), 422, 'voucher_user_unknown');
    expect(await countOf(world.owner, 'vales where user_id = $1', [gone?.id])).toBe(0);
  });

  test.each(['0', '-1', '1.5', '"1"', '2147483648', '1e99'])('cannot be %s', async (sent) => {
    const { errors } = expectProblem(await draw(`{"amount": 1, "user_id": ${sent}}`), 422, 'validation_failed');
    expect(errors?.[0]?.loc).toEqual(['body', 'user_id']);
  });
});
