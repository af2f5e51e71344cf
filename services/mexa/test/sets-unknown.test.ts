import { randomUUID } from 'node:crypto';
import type { Database } from '@quinta/platform/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redeemSet } from '../src/vale/close-vale.ts';
import { issueSet } from '../src/vale/issue-vales.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { countOf } from './sql.ts';
import { newVale } from './vouchers.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

const circumstance = {
  actorId: 2,
  requestId: randomUUID(),
  endpoint: '/vales',
  method: 'POST',
  address: '127.0.0.1',
  userAgent: 'test',
};

/** The database, which cannot be read once something was written. */
function unreadable(database: Database): Database {
  return {
    dialect: database.dialect,
    pool: database.pool,
    run: () => Promise.reject(new Error('canceling statement due to statement timeout')),
    runAlone: (statement, params) => database.runAlone(statement, params),
    transact: (work, options) => database.transact(work, options),
    ping: () => database.ping(),
    close: () => database.close(),
  };
}

describe('a set whose written outcome cannot be read', () => {
  test('tells of what it drew, and for the others that nobody knows', async () => {
    const old = await newVale(world, { amount: '3.00' });
    const [fresh, unknown] = [randomUUID(), old.request_id];
    const commands = [fresh, unknown].map((requestId) => ({
      circumstance,
      requestId,
      userId: 2,
      amount: '3.00',
      description: null,
    }));
    const outcomes = await issueSet(unreadable(world.application), commands);
    expect(outcomes).toMatchObject([
      { kind: 'issued', vale: { request_id: fresh } },
      { kind: 'refused', problem: { code: 'database_unavailable' } },
    ]);
    expect(await countOf(world.owner, 'vales where request_id = $1', [fresh])).toBe(1);
  });

  test('tells of what it redeemed, and for the others that nobody knows', async () => {
    const vale = await newVale(world);
    const commands = [vale.id, 2_147_483_647].map((id) => ({ circumstance, id, reason: '', key: randomUUID() }));
    const outcomes = await redeemSet(unreadable(world.application), commands);
    expect(outcomes).toMatchObject([
      { kind: 'closed', vale: { id: vale.id, state: 'redeemed' } },
      { kind: 'refused', problem: { code: 'database_unavailable' } },
    ]);
  });
});
