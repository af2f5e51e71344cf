import { expect, test } from 'vitest';
import { call } from '@quinta/platform/testing';
import { openMexaWorld } from './mexa-world.ts';
test('x', async () => {
  const w = await openMexaWorld({ environment: { LOG_LEVEL: 'WARNING' } });
  const a = await w.api('/auth/login', { body: { username: 'a', email: 'b', password: 'c' } });
  console.log(a.text);
  console.log((await w.api('/auth/login', { body: '{"username": ' })).text);
  console.log((await w.api('/auth/login', { method: 'POST' })).text);
  console.log((await w.api('/auth/login', { body: [] })).text);
  console.log((await w.api('/auth/login', { body: JSON.stringify({ username: 'a', password: 'x'.repeat(1_048_577) }) })).text);
  console.log((await call(`${w.baseUrl}/api/v1/auth/login`, { body: JSON.stringify({ username: 'a', password: 'x'.repeat(1_048_577) }) })).text);
  expect(1).toBe(1);
  await w.close();
});
