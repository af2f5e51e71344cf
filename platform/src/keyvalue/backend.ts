import { randomUUID } from 'node:crypto';
import { checkKey, checkKeys, checkLifetime, checkLimit, checkValue, type FullTakeLimit } from './bounds.ts';
import { type KeyValue, KeyValueUnavailable, type Lock, type Subscriber, type TakeResult } from './contract.ts';
import type { HealthWatch } from './health.ts';

/**
 * What an adapter does itself: plain data in and out, so that a call can cross a process boundary as it is. Arguments
 * were checked before.
 */
export interface Operations {
  getMany(keys: readonly string[]): Promise<readonly (string | null)[]>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  take(limit: FullTakeLimit): Promise<TakeResult>;
  resetLimit(key: string): Promise<void>;
  giveBack(key: string): Promise<void>;
  /** The fencing number, or null when the lock is held. */
  acquire(key: string, token: string, ttlMs: number): Promise<number | null>;
  renew(key: string, token: string, ttlMs: number): Promise<boolean>;
  release(key: string, token: string): Promise<boolean>;
  publish(channel: string, message: string): Promise<void>;
  ping(): Promise<void>;
}

export interface Backend {
  readonly operations: Operations;
  readonly health: HealthWatch;
  subscribe(channel: string, subscriber: Subscriber): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** A key-value store whose operations the cluster's primary can serve to its workers. */
export interface ServableKeyValue extends KeyValue {
  readonly backend: Backend;
}

/** The port over an adapter: checks arguments, makes locks, refuses after `close`. */
export function keyValueOver(backend: Backend): ServableKeyValue {
  let closing: Promise<void> | undefined;
  const open = (operation: string): Operations => {
    if (closing) throw new KeyValueUnavailable(operation, 'it was closed');
    return backend.operations;
  };
  return {
    backend,
    ...values(open),
    ...limits(open),
    async lock(key, lifetime) {
      checkKey(key);
      const token = randomUUID();
      const fence = await open('lock').acquire(key, token, checkLifetime(lifetime));
      return fence === null ? undefined : heldLock(open, { key, token, fence });
    },
    async publish(channel, message) {
      checkKey(channel);
      checkValue(message);
      await open('publish').publish(channel, message);
    },
    async subscribe(channel, subscriber) {
      checkKey(channel);
      open('subscribe');
      return { close: once(await backend.subscribe(channel, subscriber)) };
    },
    async ping() {
      const startMs = performance.now();
      await open('ping').ping();
      return performance.now() - startMs;
    },
    watchHealth: (listener) => backend.health.watch(listener),
    close: () => (closing ??= backend.close()),
  };
}

type Open = (operation: string) => Operations;

function values(open: Open): Pick<KeyValue, 'get' | 'getMany' | 'set' | 'setIfAbsent' | 'delete'> {
  return {
    async get(key) {
      checkKey(key);
      const [value] = await open('get').getMany([key]);
      return value ?? undefined;
    },
    async getMany(keys) {
      checkKeys(keys);
      if (keys.length === 0) return [];
      const found = await open('get').getMany(keys);
      return found.map((value) => value ?? undefined);
    },
    async set(key, value, lifetime) {
      checkKey(key);
      checkValue(value);
      await open('set').set(key, value, checkLifetime(lifetime));
    },
    async setIfAbsent(key, value, lifetime) {
      checkKey(key);
      checkValue(value);
      return open('set').setIfAbsent(key, value, checkLifetime(lifetime));
    },
    async delete(key) {
      checkKey(key);
      return open('delete').delete(key);
    },
  };
}

function limits(open: Open): Pick<KeyValue, 'take' | 'resetLimit' | 'giveBack'> {
  return {
    async take(limit) {
      const checked = checkLimit(limit);
      return open('take').take(checked);
    },
    async resetLimit(key) {
      checkKey(key);
      await open('reset a limit').resetLimit(key);
    },
    async giveBack(key) {
      checkKey(key);
      await open('give back').giveBack(key);
    },
  };
}

function heldLock(open: Open, held: { key: string; token: string; fence: number }): Lock {
  return {
    key: held.key,
    fence: held.fence,
    async renew(lifetime) {
      return open('renew a lock').renew(held.key, held.token, checkLifetime(lifetime));
    },
    async release() {
      return open('release a lock').release(held.key, held.token);
    },
  };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
