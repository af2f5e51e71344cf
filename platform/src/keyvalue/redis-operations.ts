import type { Operations } from './backend.ts';
import { ReadBatch } from './read-batch.ts';
import type { RedisLink } from './redis-link.ts';
import { redisScripts } from './redis-scripts.ts';

/** The port's operations as commands. Limits and locks live under `~`, where no value's key can be. */
export function redisOperations(link: RedisLink, prefix: string): Operations {
  const valueKey = (key: string): string => prefix + key;
  const limitKey = (key: string): string => `${prefix}~limit:${key}`;
  const lockKey = (key: string): string => `${prefix}~lock:${key}`;
  const reads = new ReadBatch((keys) => link.read('get', (client) => client.mget(keys.map(valueKey))));
  return {
    getMany: (keys) => reads.getMany(keys),
    async set(key, value, ttlMs) {
      await link.write('set', redisScripts.set, valueKey(key), [value, ttlMs]);
    },
    setIfAbsent: (key, value, ttlMs) =>
      said(link.write('set', redisScripts.setIfAbsent, valueKey(key), [value, ttlMs])),
    delete: (key) => said(link.write('delete', redisScripts.delete, valueKey(key), [])),
    async take({ key, limit, windowMs, cost, countRefused }) {
      const args = [limit, windowMs * 1_000, cost, countRefused ? 1 : 0];
      const reply = await link.write('take', redisScripts.take, limitKey(key), args);
      const [allowed = 0, remaining = 0, retryUs = 0, resetUs = 0] = reply.map(Number);
      return {
        allowed: allowed === 1,
        limit,
        remaining,
        retryAfterMs: Math.ceil(retryUs / 1_000),
        resetMs: Math.ceil(resetUs / 1_000),
      };
    },
    async resetLimit(key) {
      await link.write('reset a limit', redisScripts.delete, limitKey(key), []);
    },
    async giveBack(key) {
      await link.write('give back', redisScripts.giveBack, limitKey(key), []);
    },
    async acquire(key, token, ttlMs) {
      const [fence] = await link.write('lock', redisScripts.acquire, lockKey(key), [token, ttlMs]);
      return typeof fence === 'number' && fence > 0 ? fence : null;
    },
    renew: (key, token, ttlMs) => said(link.write('renew a lock', redisScripts.renew, lockKey(key), [token, ttlMs])),
    release: (key, token) => said(link.write('release a lock', redisScripts.release, lockKey(key), [token])),
    async publish(channel, message) {
      await link.write('publish', redisScripts.publish, valueKey(channel), [message]);
    },
    async ping() {
      await link.read('ping', (client) => client.ping());
    },
  };
}

async function said(reply: Promise<readonly unknown[]>): Promise<boolean> {
  return (await reply)[0] === 1;
}
