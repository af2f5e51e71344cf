import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { keyValueContract } from '../testing/keyvalue-contract.ts';
import type { ServableKeyValue } from './backend.ts';
import { clusterKeyValue, memoryKeyValue, openKeyValue, serveKeyValue } from './index.ts';
import { heldClock } from './test/held-clock.ts';
import { RemoteWorker } from './test/remote-worker.ts';

/** This process is the primary; the adapters under test run in workers of its own. */
const patientMs = 20_000;
const eventually = { timeout: 20_000, interval: 20 };

const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

function worker(timeoutMs = patientMs): RemoteWorker {
  const remote = new RemoteWorker(timeoutMs);
  endings.push(() => remote.kill());
  return remote;
}

function primary(): ServableKeyValue {
  const store = memoryKeyValue();
  endings.push(serveKeyValue(store), () => store.close());
  return store;
}

/** The primary's store, with a count of the channels that somebody listens to. */
function countedPrimary(): { readonly store: ServableKeyValue; readonly listening: () => number } {
  let listening = 0;
  const store = memoryKeyValue();
  const { backend } = store;
  const counted: ServableKeyValue = {
    ...store,
    backend: {
      ...backend,
      async subscribe(channel, subscriber) {
        const unsubscribe = await backend.subscribe(channel, subscriber);
        listening += 1;
        return async () => {
          listening -= 1;
          await unsubscribe();
        };
      },
    },
  };
  endings.push(serveKeyValue(counted), () => store.close());
  return { store, listening: () => listening };
}

/** Keeps this process, the primary, from reading anything for a while. */
function beStuck(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  let turns = 0;
  while (performance.now() < endMs) turns += 1;
  expect(turns).toBeGreaterThan(0);
}

describe('workers of a cluster', () => {
  let workers: readonly [RemoteWorker, RemoteWorker];
  beforeAll(() => {
    workers = [new RemoteWorker(patientMs), new RemoteWorker(patientMs)];
  });
  afterAll(() => Promise.all(workers.map((remote) => remote.kill())));

  // The processes are shared by the tests; the adapters in them and the store here are new for each.
  keyValueContract(async () => {
    const clock = heldClock();
    const store = memoryKeyValue({ clock });
    const stop = serveKeyValue(store);
    const [first, second] = [workers[0].open(), workers[1].open()];
    return {
      first,
      second,
      unitMs: 60_000,
      elapse: async (durationMs) => clock.advance(durationMs),
      async close() {
        await Promise.all([first.close(), second.close()]);
        stop();
        await store.close();
      },
    };
  });
});

describe('a cluster on a bad day', () => {
  test('a worker that dies takes its subscriptions along, and nobody else does', async () => {
    const { store, listening } = countedPrimary();
    const oneWorker = worker();
    const [one, two] = [oneWorker.open(), worker().open()];
    const heard: string[] = [];
    await one.subscribe('news', { onMessage: () => undefined });
    await one.subscribe('more', { onMessage: () => undefined });
    await two.subscribe('news', { onMessage: (text) => void heard.push(text) });
    expect(listening()).toBe(3);
    await oneWorker.kill();
    await vi.waitFor(() => expect(listening()).toBe(1), eventually);
    await store.publish('news', 'still here');
    await vi.waitFor(() => expect(heard).toEqual(['still here']), eventually);
  });

  test('one channel is asked of the primary once, and given up with its last listener', async () => {
    const { listening } = countedPrimary();
    const keyValue = worker().open();
    const [one, two] = [
      await keyValue.subscribe('news', { onMessage: () => undefined }),
      await keyValue.subscribe('news', { onMessage: () => undefined }),
    ];
    expect(listening()).toBe(1);
    await one.close();
    expect(listening()).toBe(1);
    await two.close();
    expect(listening()).toBe(0);
  });

  test('two adapters in one worker hear their own answers and messages', async () => {
    primary();
    const both = worker();
    const [one, two] = [both.open(), both.open()];
    await Promise.all([one.set('a', '1', { ttlMs: 60_000 }), two.set('b', '2', { ttlMs: 60_000 })]);
    const pairs = await Promise.all(Array.from({ length: 50 }, () => Promise.all([one.get('a'), two.get('b')])));
    expect(new Set(pairs.map(([a, b]) => `${a},${b}`))).toEqual(new Set(['1,2']));
    const heard: string[] = [];
    const early = await one.subscribe('news', { onMessage: (text) => void heard.push(`one ${text}`) });
    await two.subscribe('news', { onMessage: (text) => void heard.push(`two ${text}`) });
    await early.close();
    await one.publish('news', '!');
    await vi.waitFor(() => expect(heard).toEqual(['two !']), eventually);
  });

  test('a primary that does not serve is refused in time, and found when it does', async () => {
    const remote = worker(250).open();
    await expect(remote.get('a')).rejects.toThrow('no answer within 250 ms');
    await expect(remote.get('a')).rejects.toThrow('no answer within 250 ms');
    primary();
    await vi.waitFor(async () => expect(await remote.get('a')).toBeUndefined(), eventually);
  });

  test('what a silent primary was asked is refused, told as down, and a subscription begins late with a gap', async () => {
    const remote = worker(250).open();
    const heard: string[] = [];
    let gaps = 0;
    await remote.subscribe('news', { onMessage: (text) => void heard.push(text), onGap: () => (gaps += 1) });
    const seen: boolean[] = [];
    remote.watchHealth(({ isUp }) => seen.push(isUp));
    expect(seen).toEqual([false]);
    const store = primary();
    await vi.waitFor(() => expect(gaps).toBe(1), eventually);
    expect(seen).toEqual([false, true]);
    await store.publish('news', 'at last');
    await vi.waitFor(() => expect(heard).toEqual(['at last']), eventually);
  });

  test('what waited while the primary was stuck is refused and not done late', async () => {
    const store = primary();
    const keyValue = worker(250).open();
    await vi.waitFor(() => keyValue.ping(), eventually);
    const outcome = keyValue.set('a', 'x', { ttlMs: 60_000 }).catch(String);
    beStuck(1_000);
    expect(await outcome).toContain('no answer within 250 ms');
    await vi.waitFor(() => keyValue.ping(), eventually);
    expect(await store.get('a')).toBeUndefined();
    await vi.waitFor(() => keyValue.set('a', 'y', { ttlMs: 60_000 }), eventually);
    expect(await store.get('a')).toBe('y');
  });

  test('two thousand calls at once are all answered, and the limit holds among workers', async () => {
    primary();
    const [one, two] = [worker().open(), worker().open()];
    const limit = { key: 'hot', limit: 50, windowMs: 60_000 };
    const takes = await Promise.all(
      Array.from({ length: 2_000 }, (_, index) => (index % 2 === 0 ? one : two).take(limit)),
    );
    expect(takes.filter(({ allowed }) => allowed)).toHaveLength(50);
  });

  test('outside of a worker, the memory of this process is what is opened', async () => {
    const store = openKeyValue({ redisUrl: '' });
    await store.set('a', 'x', { ttlMs: 60_000 });
    expect(await store.get('a')).toBe('x');
    await store.close();
  });

  test('a process without a primary is told so', () => {
    const send = Object.getOwnPropertyDescriptor(process, 'send') ?? {};
    Object.defineProperty(process, 'send', { ...send, value: undefined });
    try {
      expect(() => clusterKeyValue()).toThrow('needs a primary');
    } finally {
      Object.defineProperty(process, 'send', send);
    }
  });
});
