import { expect, it } from 'vitest';
import { redisUrlOf } from './settings.ts';

it.each([
  [{ REDIS_URL: undefined, REDIS_HOST: undefined, REDIS_PORT: 6_379 }, undefined],
  [{ REDIS_URL: undefined, REDIS_HOST: 'redis', REDIS_PORT: 6_380 }, 'redis://redis:6380/0'],
  [{ REDIS_URL: 'rediss://cache/1', REDIS_HOST: 'redis', REDIS_PORT: 6_379 }, 'rediss://cache/1'],
])('%j is Redis at %s', (host, address) => {
  expect(redisUrlOf(host)).toBe(address);
});
