import { afterEach, describe, expect, test } from 'vitest';
import type { KeyValue } from './contract.ts';
import { createLimiter, type LimitDecision, type Limiter, type LimiterOptions } from './limiter.ts';
import { memoryKeyValue } from './memory.ts';
import { faultyStore, type FaultyStore } from './test/faulty-store.ts';
import { heldClock, type HeldClock } from './test/held-clock.ts';

const policy = { name: 'login', limit: 6, windowMs: 60_000 };

interface World {
  readonly clock: HeldClock;
  readonly store: FaultyStore;
  readonly limiter: Limiter;
  readonly decisions: LimitDecision[];
}

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

function world(options: Partial<LimiterOptions> = {}): World {
  const clock = heldClock();
  const store = faultyStore(clock);
  const decisions: LimitDecision[] = [];
  const onDecision = (decision: LimitDecision): void => void decisions.push(decision);
  const limiter = createLimiter(store.keyValue, { fallbackShare: 1, clock, onDecision, ...options });
  endings.push(() => limiter.close());
  return { clock, store, limiter, decisions };
}

async function allowedOf(limiter: Limiter, count: number, subject = 'ana'): Promise<number> {
  const decisions = await Promise.all(Array.from({ length: count }, () => limiter.take(policy, subject)));
  return decisions.filter(({ allowed }) => allowed).length;
}

describe('a limiter', () => {
  test('gives the numbers of the header, and tells each decision', async () => {
    const { limiter, decisions } = world();
    const decision = await limiter.take(policy, 'ana', 2);
    expect(decision).toEqual({
      allowed: true,
      policy: 'login',
      limit: 6,
      windowMs: 60_000,
      remaining: 4,
      retryAfterMs: 0,
      resetMs: 60_000,
      source: 'shared',
    });
    expect(decisions).toEqual([decision]);
  });

  test('is one among processes that share a store', async () => {
    const clock = heldClock();
    const { keyValue } = faultyStore(clock);
    const limiters = [1, 2, 3].map(() => createLimiter(keyValue, { fallbackShare: 3, clock }));
    const counts = await Promise.all(limiters.map((limiter) => allowedOf(limiter, 50)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(6);
  });

  test('keeps policies and subjects apart', async () => {
    const { limiter } = world();
    expect(await allowedOf(limiter, 9)).toBe(6);
    expect(await allowedOf(limiter, 9, 'eva')).toBe(6);
    expect(await limiter.take({ ...policy, name: 'refresh' }, 'ana')).toMatchObject({ allowed: true });
  });

  test('takes an attempt back, also of what it counts itself while the store is down', async () => {
    const { limiter, store } = world();
    expect(await allowedOf(limiter, 9)).toBe(6);
    await limiter.giveBack(policy, 'ana');
    expect(await allowedOf(limiter, 9)).toBe(1);
    store.fail('refuses');
    await limiter.giveBack(policy, 'ana');
    expect(await allowedOf(limiter, 9)).toBe(1);
  });

  test('keeps services apart whose policies have one name', async () => {
    const store = memoryKeyValue();
    const [one, two] = ['mexa', 'crodify'].map((scope) => createLimiter(store, { fallbackShare: 1, scope }));
    expect(await one?.take({ ...policy, limit: 1 }, 'ana')).toMatchObject({ allowed: true });
    expect(await two?.take({ ...policy, limit: 1 }, 'ana')).toMatchObject({ allowed: true });
    expect(await two?.take({ ...policy, limit: 1 }, 'ana')).toMatchObject({ allowed: false });
  });

  test('takes any subject, and stores no trace of its text', async () => {
    const seen: string[] = [];
    const memory = memoryKeyValue();
    const keyValue: KeyValue = {
      ...memory,
      take(limit) {
        seen.push(limit.key);
        return memory.take(limit);
      },
    };
    const limiter = createLimiter(keyValue, { fallbackShare: 1 });
    for (const subject of ['', '~', 'ana@example.com', 'x'.repeat(100_000), '\u0000\ud800']) {
      expect(await limiter.take(policy, subject)).toMatchObject({ allowed: true, source: 'shared' });
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen.join()).not.toContain('ana');
  });

  test('forgets on demand', async () => {
    const { limiter } = world();
    await allowedOf(limiter, 6);
    await limiter.reset(policy, 'ana');
    expect(await allowedOf(limiter, 9)).toBe(6);
  });

  test.each([
    { ...policy, limit: 0 },
    { ...policy, windowMs: 0.5 },
  ])('refuses a policy that makes no sense: %o', async (bad) => {
    await expect(world().limiter.take(bad, 'ana')).rejects.toThrow(RangeError);
  });
});

describe('a limiter without its store', () => {
  test.each(['refuses', 'is silent'] as const)('admits the share of this process when the store %s', async (how) => {
    const { limiter, store, decisions } = world({ fallbackShare: 3, timeoutMs: 20 });
    store.fail(how);
    expect(await allowedOf(limiter, 50)).toBe(2);
    expect(new Set(decisions.map(({ source, limit }) => `${source} ${limit}`))).toEqual(new Set(['local 2']));
  });

  test('admits one attempt at least, however many processes there are', async () => {
    const { limiter, store } = world({ fallbackShare: 100 });
    store.fail('refuses');
    expect(await allowedOf(limiter, 50)).toBe(1);
    expect(await limiter.take(policy, 'eva', 6)).toMatchObject({ allowed: true });
    expect(await limiter.take(policy, 'eva', 6)).toMatchObject({ allowed: false, retryAfterMs: 60_000 });
  });

  test('counts what it lately admitted through the store', async () => {
    const { limiter, store } = world();
    expect(await allowedOf(limiter, 4)).toBe(4);
    store.fail('refuses');
    expect(await allowedOf(limiter, 50)).toBe(2);
  });

  test('lets the window slide on its own', async () => {
    const { limiter, store, clock } = world();
    store.fail('refuses');
    await allowedOf(limiter, 6);
    clock.advance(59_999);
    expect(await allowedOf(limiter, 6)).toBe(0);
    clock.advance(1);
    expect(await allowedOf(limiter, 9)).toBe(6);
  });

  test('gives no new budget when the store comes back with nothing in it', async () => {
    const { limiter, store, clock } = world();
    expect(await allowedOf(limiter, 3)).toBe(3);
    store.fail('refuses');
    store.comeBack({ empty: true });
    expect(await allowedOf(limiter, 50)).toBe(3);
    expect(await limiter.take(policy, 'ana')).toMatchObject({ allowed: false, source: 'shared', retryAfterMs: 60_000 });
    clock.advance(60_000);
    expect(await allowedOf(limiter, 50)).toBe(6);
  });

  test('remembers the whole limit while it admits a share', async () => {
    const { limiter, store } = world({ fallbackShare: 3 });
    expect(await allowedOf(limiter, 6)).toBe(6);
    store.fail('refuses');
    expect(await allowedOf(limiter, 9)).toBe(0);
    store.comeBack({ empty: true });
    expect(await allowedOf(limiter, 9)).toBe(0);
  });

  test('writes down what the store admitted after a reset elsewhere', async () => {
    const { limiter, store, clock } = world();
    await allowedOf(limiter, 6);
    clock.advance(30_000);
    const elsewhere = createLimiter(store.keyValue, { fallbackShare: 1, clock });
    await elsewhere.reset(policy, 'ana');
    expect(await allowedOf(limiter, 6)).toBe(6);
    clock.advance(31_000);
    store.fail('refuses');
    expect(await allowedOf(limiter, 9)).toBe(0);
  });

  test('obeys a reset elsewhere once the store was well for a window', async () => {
    const { limiter, store, clock } = world();
    store.fail('refuses');
    store.comeBack();
    clock.advance(60_000);
    await allowedOf(limiter, 6);
    const elsewhere = createLimiter(store.keyValue, { fallbackShare: 1, clock });
    await elsewhere.reset(policy, 'ana');
    expect(await allowedOf(limiter, 9)).toBe(6);
  });

  test('resets here while the store is down', async () => {
    const { limiter, store } = world();
    store.fail('refuses');
    await allowedOf(limiter, 6);
    await limiter.reset(policy, 'ana');
    expect(await allowedOf(limiter, 9)).toBe(6);
  });

  test('goes on deciding after the store was closed', async () => {
    const { limiter, store } = world();
    await store.keyValue.close();
    expect(await allowedOf(limiter, 9)).toBe(6);
  });
});
