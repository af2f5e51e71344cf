import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLimiter, type KeyValue, KeyValueUnavailable, openKeyValue, redisKeyValue } from './index.ts';
import { FreezingProxy } from './test/freezing-proxy.ts';
import { keptLog } from './test/kept-log.ts';
import { PrivateRedis, rawClient, redisProgram } from './test/real-redis.ts';

const program = redisProgram();
const eventually = { timeout: 60_000, interval: 20 };
const limit = { key: 'login', limit: 1_000, windowMs: 600_000 };

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

function opened(url: string, timeoutMs?: number): KeyValue {
  const store = redisKeyValue({ url, ...(timeoutMs !== undefined && { timeoutMs }) });
  endings.push(() => store.close());
  return store;
}

/** Resolves when the store answers; a busy machine may need more than one attempt. */
async function answering(store: KeyValue): Promise<void> {
  await vi.waitFor(() => store.ping(), eventually);
}

async function refusals(calls: readonly Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(calls);
  const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as unknown) : undefined));
  return reasons.filter((reason) => reason instanceof KeyValueUnavailable).length;
}

/** How often the server ran a script, and how long the log of the limit is. */
async function countedBy(server: PrivateRedis): Promise<{ scripts: number; counted: number }> {
  const raw = rawClient(server.url);
  try {
    const stats = await raw.info('commandstats');
    const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map((match) => Number(match[1]));
    return { scripts: calls.reduce((sum, count) => sum + count, 0), counted: await raw.llen('~limit:login') };
  } finally {
    raw.disconnect();
  }
}

describe.skipIf(program.unreachable !== undefined)(`${program.name} on a bad day`, () => {
  let server: PrivateRedis;
  beforeEach(async () => {
    server = await PrivateRedis.start();
  });
  afterEach(() => server.remove());

  test('paused: every call is refused, and what lay in its socket is not done when it goes on', async () => {
    const [store, probe] = [opened(server.url), opened(server.url)];
    await Promise.all([answering(store), answering(probe)]);
    const before = await countedBy(server);
    server.pause();
    await vi.waitFor(() => expect(probe.ping()).rejects.toThrow(KeyValueUnavailable), eventually);
    expect(await refusals(Array.from({ length: 200 }, () => store.take(limit)))).toBe(200);
    // These find the connection stalled, and do not even leave this process.
    expect(await refusals(Array.from({ length: 5_000 }, () => store.take(limit)))).toBe(5_000);
    server.resume();
    await answering(store);
    const after = await countedBy(server);
    expect(after.counted).toBe(0);
    expect(after.scripts - before.scripts).toBeLessThanOrEqual(200);
    await vi.waitFor(() => store.take(limit), eventually);
    expect((await countedBy(server)).counted).toBeGreaterThan(0);
  });

  test('paused again and again: a lock is never taken for nobody, a value never put back', async () => {
    const [store, probe] = [opened(server.url), opened(server.url)];
    await Promise.all([answering(store), answering(probe)]);
    for (const turn of [1, 2, 3]) {
      server.pause();
      await vi.waitFor(() => expect(probe.ping()).rejects.toThrow(KeyValueUnavailable), eventually);
      const calls = [
        store.lock('job', { ttlMs: 600_000 }),
        store.set('cached', `old ${turn}`, { ttlMs: 600_000 }),
        store.setIfAbsent('mark', 'x', { ttlMs: 600_000 }),
      ];
      expect(await refusals(calls)).toBe(3);
      server.resume();
      await Promise.all([answering(store), answering(probe)]);
      expect(await vi.waitFor(() => store.getMany(['cached', 'mark']), eventually)).toEqual([undefined, undefined]);
    }
    const lock = await vi.waitFor(() => store.lock('job', { ttlMs: 600_000 }), eventually);
    expect(lock).toBeDefined();
  });

  test('paused before we ever connected: what waited for the connection is not done by it', async () => {
    server.pause();
    const store = opened(server.url);
    expect(await refusals(Array.from({ length: 200 }, () => store.take(limit)))).toBe(200);
    server.resume();
    await answering(store);
    expect(await countedBy(server)).toEqual({ scripts: 0, counted: 0 });
  });

  test('killed and started again: refused at once, back by itself, nothing replayed', async () => {
    const store = opened(server.url);
    await answering(store);
    const health: boolean[] = [];
    store.watchHealth(({ isUp }) => health.push(isUp));
    const early = Array.from({ length: 50 }, () => store.take(limit).catch(() => undefined));
    await server.kill();
    await Promise.all(early);
    expect(await refusals(Array.from({ length: 500 }, () => store.take(limit)))).toBe(500);
    await vi.waitFor(() => expect(health.at(-1)).toBe(false), eventually);
    await server.restart();
    await answering(store);
    expect(health.at(-1)).toBe(true);
    expect(await countedBy(server)).toEqual({ scripts: 0, counted: 0 });
  });

  test('a subscription outlives the server, tells the gap and hears again', async () => {
    const [listener, sender] = [opened(server.url), opened(server.url)];
    await Promise.all([answering(listener), answering(sender)]);
    const heard: string[] = [];
    let gaps = 0;
    await listener.subscribe('news', { onMessage: (text) => void heard.push(text), onGap: () => (gaps += 1) });
    await vi.waitFor(() => sender.publish('news', 'before'), eventually);
    await vi.waitFor(() => expect(heard).toContain('before'), eventually);
    expect(gaps).toBe(0);
    await server.kill();
    await server.restart();
    await vi.waitFor(() => expect(gaps).toBe(1), eventually);
    await answering(sender);
    await vi.waitFor(() => sender.publish('news', 'after'), eventually);
    await vi.waitFor(() => expect(heard).toContain('after'), eventually);
  });

  test('subscribed while it was down: no error, and a gap once it listens', async () => {
    await server.kill();
    const store = opened(server.url);
    let gaps = 0;
    const heard: string[] = [];
    await store.subscribe('news', { onMessage: (text) => void heard.push(text), onGap: () => (gaps += 1) });
    expect(gaps).toBe(0);
    await server.restart();
    await vi.waitFor(() => expect(gaps).toBe(1), eventually);
    await answering(store);
    await vi.waitFor(() => store.publish('news', 'at last'), eventually);
    await vi.waitFor(() => expect(heard).toContain('at last'), eventually);
  });

  test('a wire that goes dead without a word is noticed by both connections', async () => {
    const proxy = await FreezingProxy.start(server.port);
    endings.push(() => proxy.close());
    const store = opened(`redis://127.0.0.1:${proxy.port}`);
    let gaps = 0;
    await answering(store);
    await store.subscribe('news', { onMessage: () => undefined, onGap: () => (gaps += 1) });
    const health: boolean[] = [];
    store.watchHealth(({ isUp }) => health.push(isUp));
    proxy.freeze();
    // Nobody asks for anything: the beats alone find it out.
    await vi.waitFor(() => expect(proxy.frozenArrivals).toBeGreaterThanOrEqual(2), eventually);
    expect(health).toEqual([true, false]);
    proxy.thaw();
    await vi.waitFor(() => expect(gaps).toBeGreaterThanOrEqual(1), eventually);
    await vi.waitFor(() => expect(health.at(-1)).toBe(true), eventually);
    await answering(store);
  });

  test('many calls on a dead wire give the connection up once, without a warning from Node', async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', onWarning);
    endings.push(() => process.off('warning', onWarning));
    const proxy = await FreezingProxy.start(server.port);
    endings.push(() => proxy.close());
    const store = opened(`redis://127.0.0.1:${proxy.port}`);
    await answering(store);
    proxy.freeze();
    expect(await refusals(Array.from({ length: 50 }, () => store.take(limit)))).toBe(50);
    await vi.waitFor(() => expect(proxy.frozenArrivals).toBeGreaterThanOrEqual(1), eventually);
    expect(warnings).toEqual([]);
  });

  test('a sign-in limit holds for one process through pause, death and an empty return', async () => {
    const store = opened(server.url);
    await answering(store);
    const limiter = createLimiter(store, { fallbackShare: 1 });
    endings.push(() => limiter.close());
    const policy = { name: 'login', limit: 5, windowMs: 600_000 };
    const sources: string[] = [];
    let allowed = 0;
    const attempts = async (count: number): Promise<void> => {
      const decisions = await Promise.all(Array.from({ length: count }, () => limiter.take(policy, 'ana@example.com')));
      allowed += decisions.filter((decision) => decision.allowed).length;
      sources.push(...new Set(decisions.map(({ source }) => source)));
    };
    await attempts(3);
    server.pause();
    await attempts(50);
    await attempts(50);
    server.resume();
    await server.kill();
    await attempts(50);
    await server.restart();
    await answering(store);
    await attempts(50);
    expect(allowed).toBe(5);
    expect(sources).toContain('local');
  });
});

describe.skipIf(program.unreachable !== undefined)(`${program.name} with a password`, () => {
  const password = ['p@ss', 'w/rd', 'ñ:1'].join('-');
  let server: PrivateRedis;
  beforeEach(async () => {
    server = await PrivateRedis.start(password);
  });
  afterEach(() => server.remove());

  const urlWith = (secret: string): string => `redis://:${encodeURIComponent(secret)}@127.0.0.1:${server.port}/3`;

  test('signs in with it, also after a restart', async () => {
    const store = opened(urlWith(password), 10_000);
    await answering(store);
    await store.set('a', 'x', { ttlMs: 60_000 });
    await server.kill();
    await server.restart();
    await answering(store);
    expect(await store.get('a')).toBeUndefined();
  });

  test('a wrong one is told, and stands in no log and no error', async () => {
    const secret = 'sé-crét/wrong';
    const log = keptLog();
    const store = openKeyValue({ redisUrl: urlWith(secret), log });
    endings.push(() => store.close());
    const texts: string[] = [];
    store.watchHealth((health) => texts.push(inspect(health, { depth: 10, showHidden: true })));
    await vi.waitFor(() => expect(log.lines.join()).toContain('WRONGPASS'), eventually);
    const calls = [store.get('a'), store.ping(), store.set('a', 'b', { ttlMs: 1 })];
    for (const outcome of await Promise.allSettled(calls))
      texts.push(inspect(outcome, { depth: 10, showHidden: true }));
    expect(texts.join()).toContain('WRONGPASS');
    for (const form of [secret, encodeURIComponent(secret)])
      expect([...texts, ...log.lines].join()).not.toContain(form);
    // Told once, not with every attempt to connect.
    expect(log.lines).toHaveLength(1);
  });
});
