import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyValueContract } from '../testing/keyvalue-contract.ts';
import { redisKeyValue } from './redis.ts';
import { takeBody, writeScript } from './redis-scripts.ts';
import { attemptsOf, ModelLog } from './test/model-log.ts';
import { realRedis, RedisCorner } from './test/real-redis.ts';

const redis = await realRedis();
/** Two cores shared with everything else: what is tested here is not how fast. */
const timeoutMs = 10_000;

describe.skipIf(redis.unreachable !== undefined)(redis.name, () => {
  keyValueContract(async () => {
    const corner = new RedisCorner(redis.url);
    const options = { url: redis.url, keyPrefix: corner.prefix, timeoutMs };
    const [first, second] = [redisKeyValue(options), redisKeyValue(options)];
    return {
      first,
      second,
      unitMs: 1_000,
      elapse: (durationMs) => corner.elapse(durationMs),
      async close() {
        await Promise.all([first.close(), second.close()]);
        await corner.clear();
      },
    };
  });
});

describe.skipIf(redis.unreachable !== undefined)(`what lies in ${redis.name}`, () => {
  let corner: RedisCorner;
  beforeAll(() => {
    corner = new RedisCorner(redis.url);
  });
  afterAll(() => corner.clear());

  test('every key stands under the prefix and has an end', async () => {
    const store = redisKeyValue({ url: redis.url, keyPrefix: corner.prefix, timeoutMs });
    await store.set('value', 'x', { ttlMs: 60_000 });
    await store.setIfAbsent('mark', 'x', { ttlMs: 60_000 });
    for (const countRefused of [false, true]) {
      const limit = { key: `limit-${countRefused}`, limit: 2, windowMs: 60_000, countRefused };
      for (let turn = 0; turn < 4; turn += 1) await store.take(limit);
    }
    await (await store.lock('released', { ttlMs: 60_000 }))?.release();
    await (await store.lock('renewed', { ttlMs: 60_000 }))?.renew({ ttlMs: 30_000 });
    await store.lock('held', { ttlMs: 60_000 });
    const keys = await corner.keys();
    expect(keys.map((key) => key.slice(corner.prefix.length)).toSorted()).toEqual([
      'mark',
      'value',
      '~limit:limit-false',
      '~limit:limit-true',
      '~lock:held',
      '~lock:released',
      '~lock:renewed',
    ]);
    const ends = await Promise.all(keys.map((key) => corner.raw.pttl(key)));
    for (const end of ends) {
      expect(end).toBeGreaterThan(0);
      expect(end).toBeLessThanOrEqual(120_000);
    }
    await store.close();
  });

  test('a limit whose key lost its end gets a new one', async () => {
    const store = redisKeyValue({ url: redis.url, keyPrefix: corner.prefix, timeoutMs });
    const limit = { key: 'endless', limit: 1, windowMs: 60_000 };
    await store.take(limit);
    await corner.raw.persist(`${corner.prefix}~limit:endless`);
    expect(await store.take(limit)).toMatchObject({ allowed: false });
    expect(await corner.raw.pttl(`${corner.prefix}~limit:endless`)).toBeGreaterThan(0);
    await store.close();
  });

  test('scripts that the server forgot are sent again', async () => {
    const store = redisKeyValue({ url: redis.url, keyPrefix: corner.prefix, timeoutMs });
    await store.set('a', '1', { ttlMs: 60_000 });
    await corner.raw.script('FLUSH');
    await store.set('a', '2', { ttlMs: 60_000 });
    expect(await store.get('a')).toBe('2');
    await store.close();
  });

  test('a write that comes after its time does nothing', async () => {
    const script = writeScript(takeBody);
    const key = `${corner.prefix}late`;
    const reply = await corner.raw.eval(script.text, 1, key, 1, 5, 1_000_000, 1, 0);
    expect(reply).toEqual([0, expect.any(Number)]);
    expect(await corner.raw.exists(key)).toBe(0);
  });

  test('the script decides as a naive model that forgets nothing', async () => {
    // The time is an argument here, in place of the server's own clock. A unit of the model is a minute of the script:
    // the server ends keys by its own clock, and must not do so within the test.
    const script = writeScript(takeBody, 'local now = tonumber(ARGV[6])');
    const minuteUs = 60_000_000;
    let run = 0;
    await fc.assert(
      fc.asyncProperty(attemptsOf(), async ({ limit, windowMs, attempts }) => {
        const model = new ModelLog(limit, windowMs);
        const key = `${corner.prefix}model-${(run += 1)}`;
        for (const { nowMs, cost, countRefused } of attempts) {
          const nowUs = nowMs * minuteUs;
          const args = [Number.MAX_SAFE_INTEGER, limit, windowMs * minuteUs, cost, countRefused ? 1 : 0, nowUs];
          const reply = await corner.raw.eval(script.text, 1, key, ...args);
          const { allowed, remaining, retryAfterMs, resetMs } = model.take({ nowMs, cost, countRefused });
          expect(reply).toEqual([1, nowUs, Number(allowed), remaining, retryAfterMs * minuteUs, resetMs * minuteUs]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a server whose clock was put back makes nobody wait longer than a window', async () => {
    const script = writeScript(takeBody, 'local now = tonumber(ARGV[6])');
    const hourUs = 3_600_000_000;
    const take = (nowUs: number): Promise<unknown> =>
      corner.raw.eval(script.text, 1, `${corner.prefix}back`, Number.MAX_SAFE_INTEGER, 2, hourUs, 1, 0, nowUs);
    await take(9_000 * hourUs);
    await take(9_000 * hourUs);
    expect(await take(hourUs)).toEqual([1, hourUs, 0, 0, hourUs, hourUs]);
    expect(await take(2 * hourUs)).toEqual([1, 2 * hourUs, 1, 1, 0, hourUs]);
  });
});
