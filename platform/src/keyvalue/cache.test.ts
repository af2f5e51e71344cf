import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Cache, type CacheOptions, createCache } from './cache.ts';
import type { KeyValue } from './contract.ts';
import { memoryKeyValue } from './memory.ts';
import { faultyStore, type FaultyStore } from './test/faulty-store.ts';
import { heldClock, type HeldClock } from './test/held-clock.ts';

/** Far more than is needed, for a machine that is busy with other things. */
const eventually = { timeout: 20_000, interval: 10 };

interface Herd {
  readonly count: number;
}

interface World {
  readonly clock: HeldClock;
  readonly store: FaultyStore;
  /** Caches of two processes. */
  readonly here: Cache<Herd>;
  readonly there: Cache<Herd>;
  readonly outcomes: string[];
  /** Reads `herd`, filling it with how often it was filled. */
  readonly read: (cache: Cache<Herd>, tags?: readonly string[]) => Promise<string>;
  readonly fills: () => number;
}

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

function world(more: Partial<CacheOptions<Herd>> = {}): World {
  const clock = heldClock();
  const store = faultyStore(clock);
  const outcomes: string[] = [];
  const options: CacheOptions<Herd> = { name: 'finca', freshMs: 10_000, staleMs: 50_000, clock, ...more };
  const onOutcome = (status: string): void => void outcomes.push(status);
  const [here, there] = [1, 2].map(() => createCache(store.keyValue, { ...options, onOutcome })) as [
    Cache<Herd>,
    Cache<Herd>,
  ];
  endings.push(() => [here, there].forEach((cache) => cache.close()));
  let fills = 0;
  const fill = async (): Promise<Herd> => ({ count: (fills += 1) });
  return {
    clock,
    store,
    here,
    there,
    outcomes,
    async read(cache, tags = ['animal']) {
      const { value, status } = await cache.read({ key: 'herd', tags, fill });
      return `${status} ${value.count}`;
    },
    fills: () => fills,
  };
}

describe('a cache', () => {
  test('fills once and serves every process, until its end', async () => {
    const { here, there, read, clock, outcomes } = world();
    expect([await read(here), await read(here), await read(there)]).toEqual(['miss 1', 'hit 1', 'hit 1']);
    clock.advance(60_000);
    expect(await read(there)).toBe('miss 2');
    expect(outcomes).toEqual(['miss', 'hit', 'hit', 'miss']);
  });

  test('serves what is stale at once, and one process renews it', async () => {
    const { here, there, read, clock, fills } = world();
    await read(here);
    clock.advance(10_000);
    expect(await Promise.all([read(here), read(there), read(here)])).toEqual(['stale 1', 'stale 1', 'stale 1']);
    await vi.waitFor(async () => expect(await read(there)).toBe('hit 2'), eventually);
    expect(fills()).toBe(2);
  });

  test('goes on serving what is stale while renewing fails', async () => {
    const { here, clock } = world();
    await here.get({ key: 'herd', fill: async () => ({ count: 7 }) });
    clock.advance(20_000);
    let failures = 0;
    const fill = async (): Promise<Herd> => {
      failures += 1;
      throw new Error('the database is down');
    };
    for (const turn of [1, 2]) {
      expect(await here.read({ key: 'herd', fill })).toEqual({ value: { count: 7 }, status: 'stale' });
      await vi.waitFor(() => expect(failures).toBe(turn), eventually);
    }
  });

  test('a thousand readers in two processes cause one fill', async () => {
    const { here, there, read, fills } = world();
    const seen = await Promise.all(Array.from({ length: 1_000 }, (_, index) => read(index % 2 === 0 ? here : there)));
    expect(fills()).toBe(1);
    expect(new Set(seen.map((text) => text.split(' ')[1]))).toEqual(new Set(['1']));
  });

  test('gives nobody who asks after a change in another process what a fill had begun before it', async () => {
    const { here, there } = world();
    let rows = 1;
    const first = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const slow = async (): Promise<Herd> => {
      const count = rows;
      begun.resolve();
      await first.promise;
      return { count };
    };
    const before = here.get({ key: 'herd', tags: ['animal'], fill: slow });
    await begun.promise;
    rows = 2;
    await there.invalidateTags(['animal']);
    const after = here.get({ key: 'herd', tags: ['animal'], fill: async () => ({ count: rows }) });
    first.resolve();
    expect(await Promise.all([before, after])).toEqual([{ count: 1 }, { count: 2 }]);
    expect(await here.get({ key: 'herd', tags: ['animal'], fill: slow })).toEqual({ count: 2 });
  });

  test('does not wait for ever for another process that fills', async () => {
    const { here, there, read } = world({ waitMs: 50 });
    const stuck = Promise.withResolvers<Herd>();
    const began = Promise.withResolvers<void>();
    const fill = (): Promise<Herd> => {
      began.resolve();
      return stuck.promise;
    };
    const slow = here.get({ key: 'herd', tags: ['animal'], fill });
    await began.promise;
    expect(await read(there)).toBe('miss 1');
    stuck.resolve({ count: 99 });
    expect(await slow).toEqual({ count: 99 });
  });

  test('passes on the failure of a fill to all who wait, and tries again', async () => {
    const { here, read } = world();
    const fill = (): Promise<Herd> => Promise.reject(new Error('the database is down'));
    const outcomes = await Promise.allSettled([here.get({ key: 'herd', fill }), here.get({ key: 'herd', fill })]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await read(here)).toBe('miss 1');
  });

  test('treats what it cannot decode as a miss', async () => {
    const { here, read, store } = world();
    await read(here);
    for (const text of ['no json', '[]', '[1,[],"x"]', '{"a":1}']) {
      await store.keyValue.set('finca:herd', text, { ttlMs: 60_000 });
      expect(await read(here)).toMatch(/^miss/);
    }
  });

  test('takes a codec for what JSON does not know, and keys of any length', async () => {
    const codec = { encode: (value: bigint) => value.toString(), decode: (text: string) => BigInt(text) };
    const cache = createCache<bigint>(memoryKeyValue(), { name: 'sums', freshMs: 60_000, codec });
    const key = '?filter='.repeat(1_000);
    expect(await cache.get({ key, fill: async () => 2n ** 80n })).toBe(2n ** 80n);
    expect(await cache.read({ key, fill: async () => 0n })).toEqual({ value: 2n ** 80n, status: 'hit' });
    expect(await cache.get({ key: `${key}x`, fill: async () => 1n })).toBe(1n);
  });

  test('gives the value and keeps nothing when it is too large', async () => {
    const store = memoryKeyValue();
    const cache = createCache<string>(store, { name: 'large', freshMs: 60_000 });
    const fill = async (): Promise<string> => 'x'.repeat(2_000_000);
    expect((await cache.read({ key: 'a', fill })).status).toBe('bypass');
    expect(await store.get('large:a')).toBeUndefined();
  });

  test('refuses more tags than it can ask for', async () => {
    const tags = Array.from({ length: 51 }, (_, index) => `${index}`);
    const { here } = world();
    await expect(here.get({ key: 'herd', tags, fill: async () => ({ count: 1 }) })).rejects.toThrow(RangeError);
  });
});

describe('dropping by tag', () => {
  test('drops in every process what carries the tag, and nothing else', async () => {
    const { here, there, read } = world();
    await read(here, ['animal', 'paddock']);
    await there.invalidateTags(['herd', 'user']);
    expect(await read(here, ['animal', 'paddock'])).toBe('hit 1');
    await there.invalidateTags(['paddock']);
    expect(await read(here, ['animal', 'paddock'])).toBe('miss 2');
  });

  test('empties the cache', async () => {
    const { here, there, read } = world();
    await read(here, []);
    await there.clear();
    expect(await read(here, [])).toBe('miss 2');
  });

  test('a fill that began before the change answers nobody who asks after it, and is not kept', async () => {
    const { here, there, read } = world();
    const old = Promise.withResolvers<Herd>();
    let isFilling = false;
    const fill = (): Promise<Herd> => {
      isFilling = true;
      return old.promise;
    };
    const early = here.get({ key: 'herd', tags: ['animal'], fill });
    await vi.waitFor(() => expect(isFilling).toBe(true), eventually);
    await here.invalidateTags(['animal']);
    const late = read(here);
    old.resolve({ count: 99 });
    expect(await early).toEqual({ count: 99 });
    expect(await late).toMatch(/ 1$/);
    expect(await read(there)).toBe('hit 1');
  });

  test('a tag that the store lost makes misses, never a hit on what was dropped', async () => {
    const { here, read, store } = world();
    await read(here);
    await here.invalidateTags(['animal']);
    await store.keyValue.delete('finca~tag:animal');
    expect(await read(here)).toBe('miss 2');
  });
});

describe('a cache without its store', () => {
  test.each(['refuses', 'is silent'] as const)('fills every time when the store %s, once at a time', async (how) => {
    const { here, read, store } = world();
    await read(here);
    store.fail(how);
    const gate = Promise.withResolvers<void>();
    let fills = 0;
    const fill = async (): Promise<Herd> => {
      const count = (fills += 1);
      await gate.promise;
      return { count };
    };
    const reads = [1, 2, 3].map(() => here.read({ key: 'herd', tags: ['animal'], fill }));
    await expect(store.keyValue.ping()).rejects.toThrow('it is down');
    gate.resolve();
    const bypassed = { value: { count: 1 }, status: 'bypass' };
    expect(await Promise.all(reads)).toEqual([bypassed, bypassed, bypassed]);
    store.comeBack();
    expect(await read(here)).toBe('hit 1');
  });

  test('what was dropped meanwhile is dropped for all when the store is back', async () => {
    const { here, there, read, store } = world();
    await read(here);
    store.fail('refuses');
    await here.invalidateTags(['animal']);
    store.comeBack();
    await vi.waitFor(async () => expect(await read(there)).toBe('miss 2'), eventually);
    expect(await read(here)).toBe('hit 2');
  });

  test('a drop that fails is remembered, though an earlier one of the same tag ends well after it', async () => {
    const { store, clock, there, read } = world();
    const gate = Promise.withResolvers<void>();
    const slow: KeyValue = {
      ...store.keyValue,
      async set(...args) {
        await store.keyValue.set(...args);
        await gate.promise;
      },
    };
    const here = createCache<Herd>(slow, { name: 'finca', freshMs: 10_000, clock });
    endings.push(() => here.close());
    const early = here.invalidateTags(['animal']);
    expect(await read(there)).toBe('miss 1');
    store.fail('refuses');
    await here.invalidateTags(['animal']);
    gate.resolve();
    await early;
    store.comeBack();
    await vi.waitFor(async () => expect(await read(there)).toBe('miss 2'), eventually);
  });

  test('beyond a thousand dropped tags the whole cache goes', async () => {
    const { here, there, read, store } = world();
    await read(here, ['other']);
    store.fail('refuses');
    await here.invalidateTags(Array.from({ length: 1_001 }, (_, index) => `animal:${index}`));
    store.comeBack();
    await vi.waitFor(async () => expect(await read(there, ['other'])).toBe('miss 2'), eventually);
  });

  test('a store that fails during the fill costs the keeping alone', async () => {
    const { here, store } = world();
    const fill = async (): Promise<Herd> => {
      store.fail('refuses');
      return { count: 5 };
    };
    expect(await here.read({ key: 'herd', fill })).toEqual({ value: { count: 5 }, status: 'bypass' });
    const closed: KeyValue = store.keyValue;
    await closed.close();
    expect(await here.get({ key: 'herd', fill })).toEqual({ count: 5 });
  });
});
