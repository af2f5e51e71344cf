import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

test('a clerk draws a voucher', async () => {
  const answer = await world.api('/vales', { token: world.tokens.cajero, body: { amount: '12.50' } });
  expect(answer.status).toBe(201);
  expect(answer.json()).toMatchObject({ amount: '12.50', state: 'issued' });
});
