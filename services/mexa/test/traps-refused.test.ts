import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { grown, scrape } from './traps-world.ts';
import { atOnce, newVale, statuses } from './vouchers.ts';

/**
 * An exception inside a set fails everyone in it: 0.25 % of them would cost a factor of 6. So what is refused is not
 * returned, and a set with refusals costs what one without them does.
 */
const requestCount = 400;
const nobody = 2_000_000_000;

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

/** What so many requests at once cost in sets and statements. */
async function costOf(
  operation: string,
  work: (place: number) => Promise<HttpAnswer>,
): Promise<{ readonly statuses: Readonly<Record<number, number>>; readonly cost: Readonly<Record<string, number>> }> {
  const before = await scrape(world);
  const answers = await atOnce(requestCount, work);
  const added = grown(before, await scrape(world));
  const sets = added('quinta_set_commands_count', { operation });
  const statements = added('quinta_database_statement_seconds_count', { operation });
  return {
    statuses: statuses(answers),
    cost: {
      commands: added('quinta_set_commands_sum', { operation }),
      statementsBesideOneASet: statements - sets,
      bisected: added('quinta_set_bisected_total', { operation }),
      failed: added('quinta_database_statement_seconds_count', { outcome: 'failed' }),
      isGathered: Number(sets < requestCount),
    },
  };
}

const asOneStatementASet = {
  commands: requestCount,
  statementsBesideOneASet: 0,
  bisected: 0,
  failed: 0,
  isGathered: 1,
};

describe('one in four refused: one statement a set, none split, none failed', () => {
  test('of draws', async () => {
    const draw = (place: number): Promise<HttpAnswer> =>
      world.api('/vales', {
        token: world.tokens.cajero,
        body: { amount: '1.00', ...(place % 4 === 0 ? { user_id: nobody } : {}) },
      });
    expect(await costOf('vale.issue', draw)).toEqual({ statuses: { 201: 300, 422: 100 }, cost: asOneStatementASet });
  });

  test('of draws that come again, with the same content or another', async () => {
    const keys = Array.from({ length: requestCount / 4 }, () => randomUUID());
    const draw = (place: number): Promise<HttpAnswer> =>
      world.api('/vales', {
        token: world.tokens.cajero,
        body: { amount: place >= 300 ? '2.00' : '1.00', request_id: keys[place % keys.length] },
      });
    const { statuses: heard, cost } = await costOf('vale.issue', draw);
    expect(cost).toEqual(asOneStatementASet);
    expect((heard[201] ?? 0) + (heard[200] ?? 0) + (heard[422] ?? 0)).toBe(requestCount);
    expect(heard[201]).toBe(keys.length);
  });

  test.each([
    ['vale.redeem', 'redeem', undefined],
    ['vale.void', 'void', { reason: 'torn' }],
  ])('of %s', async (operation, verb, body) => {
    const vales = await atOnce(300, () => newVale(world));
    const close = (place: number): Promise<HttpAnswer> =>
      world.api(`/vales/${vales[place]?.id ?? nobody}/${verb}`, {
        method: 'POST',
        token: world.tokens.admin,
        ...(body ? { body } : {}),
      });
    expect(await costOf(operation, close)).toEqual({ statuses: { 200: 300, 404: 100 }, cost: asOneStatementASet });
  });
});

test('lone vouchers travel alone: nothing waits for company', async () => {
  const before = await scrape(world);
  for (let turn = 0; turn < 20; turn += 1) await newVale(world);
  const added = grown(before, await scrape(world));
  expect(added('quinta_set_commands_count', { operation: 'vale.issue' })).toBe(20);
  expect(added('quinta_set_commands_bucket', { operation: 'vale.issue', le: '1' })).toBe(20);
});
