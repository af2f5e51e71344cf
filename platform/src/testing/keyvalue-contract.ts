import { boundTests } from './keyvalue-contract-bounds.ts';
import { expect, test, vi } from 'vitest';
import { type KeyValue, KeyValueUnavailable, type TakeLimit, type TakeResult } from '../keyvalue/index.ts';

/** Two adapters of one store that is empty, and a hand on its clock. */
export interface KeyValueFixture {
  readonly first: KeyValue;
  readonly second: KeyValue;
  /** A time that a whole test takes less of than this: a minute by a clock that is held, a second by a real one. */
  readonly unitMs: number;
  /** Resolves when the store's clock has gone on by so much. */
  readonly elapse: (durationMs: number) => Promise<void>;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

type World = (fixture: KeyValueFixture) => Promise<void>;
export type Story = (title: string, world: World) => void;

/** Registers the tests that every adapter of the key-value port passes; call it inside a `describe`. */
export function keyValueContract(open: () => Promise<KeyValueFixture>): void {
  const story: Story = (title, world) =>
    test(title, async () => {
      expect.hasAssertions();
      const fixture = await open();
      try {
        await world(fixture);
      } finally {
        await fixture.close();
      }
    });
  valueTests(story);
  boundTests(story);
  limitTests(story);
  slidingTests(story);
  lockTests(story);
  noticeTests(story);
  lifeTests(story);
}

const minuteMs = 60_000;
const eventually = { timeout: 20_000, interval: 10 };

function valueTests(story: Story): void {
  story('keeps a value until its end, for every adapter', async ({ first, second, unitMs, elapse }) => {
    await first.set('a', 'one', { ttlMs: unitMs });
    await first.set('b', 'two', { ttlMs: 100 * unitMs });
    await elapse(unitMs);
    expect(await second.getMany(['a', 'b', 'c'])).toEqual([undefined, 'two', undefined]);
  });
  story('overwrites value and end', async ({ first, second, unitMs, elapse }) => {
    await first.set('a', 'one', { ttlMs: unitMs });
    await second.set('a', 'two', { ttlMs: 100 * unitMs });
    await elapse(unitMs);
    expect(await first.get('a')).toBe('two');
  });
  story('gives back any text as it was', async ({ first, second }) => {
    for (const text of ['', ' ', 'ñandú 🐎\r\n\u0000"', '"'.repeat(100_000)]) {
      await first.set('a', text, { ttlMs: minuteMs });
      expect(await second.get('a')).toBe(text);
    }
  });
  story('deletes once', async ({ first, second }) => {
    await first.set('a', 'one', { ttlMs: minuteMs });
    expect(await Promise.all([first.delete('a'), second.delete('a')])).toEqual(expect.arrayContaining([true, false]));
  });
  story('lets one of many set what is absent, and again after its end', async (fixture) => {
    const { unitMs, elapse } = fixture;
    const race = (): Promise<boolean[]> =>
      atOnce(fixture, 40, (keyValue) => keyValue.setIfAbsent('once', 'x', { ttlMs: unitMs }));
    expect((await race()).filter(Boolean)).toHaveLength(1);
    await elapse(unitMs);
    expect((await race()).filter(Boolean)).toHaveLength(1);
  });
}

function limitTests(story: Story): void {
  story('admits exactly 5 of 200 parallel attempts, and 5 more a window later', async (fixture) => {
    const limit = { key: 'login', limit: 5, windowMs: fixture.unitMs };
    const burst = (): Promise<TakeResult[]> => atOnce(fixture, 200, (keyValue) => keyValue.take(limit));
    expect(allowedIn(await burst())).toBe(5);
    await fixture.elapse(fixture.unitMs);
    expect(allowedIn(await burst())).toBe(5);
  });
  story('says what is left and when to come again', async ({ first, unitMs }) => {
    const results = await takeTimes(first, { key: 'a', limit: 3, windowMs: 100 * unitMs }, 4);
    expect(results.map(({ allowed, limit, remaining }) => [allowed, limit, remaining])).toEqual([
      [true, 3, 2],
      [true, 3, 1],
      [true, 3, 0],
      [false, 3, 0],
    ]);
    expect(results.map(({ retryAfterMs }) => retryAfterMs > 0)).toEqual([false, false, false, true]);
    for (const { retryAfterMs, resetMs } of results) {
      expect(resetMs).toBeGreaterThan(0);
      expect(resetMs).toBeLessThanOrEqual(100 * unitMs);
      expect(retryAfterMs).toBeLessThanOrEqual(resetMs);
    }
  });
  story('admits again when it said', async ({ first, unitMs, elapse }) => {
    const limit = { key: 'a', limit: 1, windowMs: unitMs };
    await first.take(limit);
    await elapse((await first.take(limit)).retryAfterMs);
    expect(await first.take(limit)).toMatchObject({ allowed: true, retryAfterMs: 0 });
  });
  story('weighs attempts, and only looks at no cost', async ({ first, unitMs }) => {
    const limit = { key: 'a', limit: 5, windowMs: 100 * unitMs };
    expect(await first.take({ ...limit, cost: 0 })).toMatchObject({ allowed: true, remaining: 5, resetMs: 0 });
    expect(await first.take({ ...limit, cost: 3 })).toMatchObject({ allowed: true, remaining: 2 });
    expect(await first.take({ ...limit, cost: 3 })).toMatchObject({ allowed: false, remaining: 2 });
    expect(await first.take({ ...limit, cost: 2 })).toMatchObject({ allowed: true, remaining: 0 });
    expect(await first.take({ ...limit, cost: 0 })).toMatchObject({ allowed: false, remaining: 0 });
  });
  story('forgets a limit that is reset, and no other', async ({ first, second }) => {
    const [a, b] = ['a', 'b'].map((key) => ({ key, limit: 1, windowMs: minuteMs })) as [TakeLimit, TakeLimit];
    await takeTimes(first, a, 2);
    await takeTimes(first, b, 2);
    await second.resetLimit('a');
    expect(await first.take(a)).toMatchObject({ allowed: true });
    expect(await first.take(b)).toMatchObject({ allowed: false });
  });
  story('keeps limits, locks and values apart', async ({ first }) => {
    await first.take({ key: 'a', limit: 1, windowMs: minuteMs });
    expect(await first.lock('a', { ttlMs: minuteMs })).toBeDefined();
    await first.set('a', 'value', { ttlMs: minuteMs });
    expect(await first.get('a')).toBe('value');
    expect(await first.take({ key: 'a', limit: 1, windowMs: minuteMs })).toMatchObject({ allowed: false });
  });
}

function slidingTests(story: Story): void {
  story('takes an attempt back that turned out not to count, and none that is not there', async ({ first, second }) => {
    const limit = { key: 'a', limit: 2, windowMs: minuteMs };
    await second.giveBack('a');
    await takeTimes(first, limit, 2);
    await second.giveBack('a');
    expect(await first.take(limit)).toMatchObject({ allowed: true, remaining: 0 });
    for (let step = 0; step < 3; step += 1) await first.giveBack('a');
    expect(await second.take({ ...limit, cost: 0 })).toMatchObject({ remaining: 2 });
    expect(allowedIn(await takeTimes(second, limit, 3))).toBe(2);
  });
  story('counts refused attempts where asked, so that only a pause helps', async ({ first, unitMs, elapse }) => {
    const limit = { key: 'a', limit: 2, windowMs: unitMs, countRefused: true };
    await takeTimes(first, limit, 2);
    await elapse(unitMs / 2);
    expect(allowedIn(await takeTimes(first, limit, 2))).toBe(0);
    await elapse(unitMs / 2);
    expect(await first.take(limit)).toMatchObject({ allowed: false });
    await elapse(unitMs);
    expect(await first.take(limit)).toMatchObject({ allowed: true });
  });
  story('admits no double budget around the edge of a window', async ({ first, unitMs, elapse }) => {
    const limit = { key: 'a', limit: 4, windowMs: 2 * unitMs };
    await takeTimes(first, limit, 1);
    await elapse(unitMs);
    expect(allowedIn(await takeTimes(first, limit, 9))).toBe(3);
    await elapse(unitMs);
    // The window that began with the first attempt is over, and gives back that one alone.
    expect(allowedIn(await takeTimes(first, limit, 9))).toBe(1);
  });
  story('obeys a limit that was lowered', async ({ first, unitMs }) => {
    const limit = { key: 'a', windowMs: 100 * unitMs };
    await takeTimes(first, { ...limit, limit: 6 }, 6);
    expect(await first.take({ ...limit, limit: 2 })).toMatchObject({ allowed: false, limit: 2, remaining: 0 });
  });
}

function lockTests(story: Story): void {
  story('gives a lock to one of many', async (fixture) => {
    const locks = await atOnce(fixture, 40, (keyValue) => keyValue.lock('job', { ttlMs: minuteMs }));
    expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1);
  });
  story('frees a lock by its owner or by its time, and each holder gets a larger fence', async (fixture) => {
    const { first, second, unitMs, elapse } = fixture;
    const fences: (number | undefined)[] = [];
    for (const keyValue of [first, second, first]) {
      const lock = await keyValue.lock('job', { ttlMs: 100 * unitMs });
      fences.push(lock?.fence);
      expect(await lock?.release()).toBe(true);
    }
    fences.push((await first.lock('job', { ttlMs: unitMs }))?.fence);
    await elapse(unitMs);
    fences.push((await second.lock('job', { ttlMs: unitMs }))?.fence);
    expect(fences).toEqual(fences.toSorted((a = 0, b = 0) => a - b));
    expect(new Set(fences).size).toBe(5);
    expect(fences).not.toContain(undefined);
  });
  story('leaves the lock of the next owner alone', async ({ first, second, unitMs, elapse }) => {
    const mine = await first.lock('job', { ttlMs: unitMs });
    await elapse(unitMs);
    expect(await mine?.renew({ ttlMs: minuteMs })).toBe(false);
    const theirs = await second.lock('job', { ttlMs: 100 * unitMs });
    expect(await mine?.renew({ ttlMs: minuteMs })).toBe(false);
    expect(await mine?.release()).toBe(false);
    expect(await first.lock('job', { ttlMs: minuteMs })).toBeUndefined();
    expect(await theirs?.release()).toBe(true);
    expect(await theirs?.release()).toBe(false);
  });
  story('holds a lock for as long as it is renewed', async ({ first, second, unitMs, elapse }) => {
    const lock = await first.lock('job', { ttlMs: unitMs });
    expect(await lock?.renew({ ttlMs: 100 * unitMs })).toBe(true);
    await elapse(unitMs);
    expect(await second.lock('job', { ttlMs: minuteMs })).toBeUndefined();
  });
}

function noticeTests(story: Story): void {
  story('brings messages in order to everybody on the channel, and to nobody else', async ({ first, second }) => {
    const heard: Record<string, string[]> = { a: [], b: [], other: [] };
    await first.subscribe('news', { onMessage: (text) => heard['a']?.push(text) });
    await second.subscribe('news', { onMessage: (text) => heard['b']?.push(text) });
    await second.subscribe('news:other', { onMessage: (text) => heard['other']?.push(text) });
    for (const text of ['1', '2 ñ', '']) await first.publish('news', text);
    await first.publish('news:other', 'end');
    const all = { a: ['1', '2 ñ', ''], b: ['1', '2 ñ', ''], other: ['end'] };
    await vi.waitFor(() => expect(heard).toEqual(all), eventually);
  });
  story('stops at the end of a subscription, not before', async ({ first, second }) => {
    const heard: string[] = [];
    const subscriber = { onMessage: (text: string) => void heard.push(text) };
    const [one, two] = [await first.subscribe('news', subscriber), await first.subscribe('news', subscriber)];
    await one.close();
    await one.close();
    await second.publish('news', 'once');
    await vi.waitFor(() => expect(heard).toEqual(['once']), eventually);
    await two.close();
    expect(await heardAfter(first, second, 'news')).toBe('last');
    expect(heard).toEqual(['once']);
  });
  story('guards listeners against each other', async ({ first }) => {
    const heard: string[] = [];
    await first.subscribe('news', {
      onMessage: () => {
        throw new Error('a listener that fails');
      },
    });
    await first.subscribe('news', { onMessage: (text) => void heard.push(text) });
    await first.publish('news', '1');
    await first.publish('news', '2');
    await vi.waitFor(() => expect(heard).toEqual(['1', '2']), eventually);
  });
}

function lifeTests(story: Story): void {
  story('answers a ping and tells its health', async ({ first }) => {
    expect(await first.ping()).toBeGreaterThanOrEqual(0);
    const seen: boolean[] = [];
    first.watchHealth(({ isUp }) => seen.push(isUp))();
    expect(seen).toEqual([true]);
  });
  story('closes twice and then refuses, while the other goes on', async ({ first, second }) => {
    const lock = await first.lock('job', { ttlMs: minuteMs });
    await Promise.all([first.close(), first.close()]);
    const calls: (() => Promise<unknown> | undefined)[] = [
      () => first.get('a'),
      () => first.take({ key: 'a', limit: 1, windowMs: 1 }),
      () => first.publish('a', 'b'),
      () => first.subscribe('a', { onMessage: () => undefined }),
      () => first.ping(),
      () => lock?.renew({ ttlMs: 1 }),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(KeyValueUnavailable);
    expect(await second.lock('job', { ttlMs: minuteMs })).toBeUndefined();
  });
}

/** A channel is in order, so when a later message came, an earlier one would have come too. */
async function heardAfter(listener: KeyValue, sender: KeyValue, channel: string): Promise<string> {
  const last = Promise.withResolvers<string>();
  await listener.subscribe(channel, { onMessage: (text) => last.resolve(text) });
  await sender.publish(channel, 'last');
  return last.promise;
}

async function takeTimes(keyValue: KeyValue, limit: TakeLimit, count: number): Promise<TakeResult[]> {
  const results: TakeResult[] = [];
  for (let turn = 0; turn < count; turn += 1) results.push(await keyValue.take(limit));
  return results;
}

/** Many calls under way together, half of them by each adapter. */
function atOnce<T>(pair: KeyValueFixture, count: number, call: (keyValue: KeyValue) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index % 2 === 0 ? pair.first : pair.second)));
}

function allowedIn(results: readonly TakeResult[]): number {
  return results.filter(({ allowed }) => allowed).length;
}
