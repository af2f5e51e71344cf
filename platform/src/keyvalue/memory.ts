import { type Clock, type Log, silentLog } from '../kernel/index.ts';
import { type Backend, keyValueOver, type Operations, type ServableKeyValue } from './backend.ts';
import { KeyValueUnavailable, type Subscriber } from './contract.ts';
import { HealthWatch } from './health.ts';
import { MemoryLocks } from './memory-locks.ts';
import { MemoryValues } from './memory-values.ts';
import { monotonicClock } from './monotonic-clock.ts';
import { SlidingLogs } from './sliding-log.ts';
import { Subscribers } from './subscribers.ts';

export interface MemoryOptions {
  /** Default: one that a step of the wall clock does not move. */
  readonly clock?: Clock;
  readonly log?: Log;
  /** The most keys of each kind (values, limits, locks); default 100,000. */
  readonly keysMax?: number;
  /** The most characters of all values with their keys; default 64 Mi. */
  readonly valuesLengthMax?: number;
}

/**
 * The store inside one process. Nothing waits and nothing runs by timer: what is over is swept a few keys at a time by
 * the calls that come. How memory stays bounded without opening a limiter: see `SlidingLogs`; values: `MemoryValues`.
 */
export function memoryKeyValue(options: MemoryOptions = {}): ServableKeyValue {
  const health = new HealthWatch({ isUp: true });
  const subscribers = new Subscribers(options.log ?? silentLog);
  const backend: Backend = {
    operations: memoryOperations(options, subscribers),
    health,
    subscribe(channel, subscriber) {
      // An object of its own, so that one subscriber given twice is two subscriptions.
      const own: Subscriber = { onMessage: (message) => subscriber.onMessage(message) };
      subscribers.add(channel, own);
      return Promise.resolve(() => Promise.resolve(void subscribers.remove(channel, own)));
    },
    close() {
      subscribers.clear();
      health.close();
      return Promise.resolve();
    },
  };
  return keyValueOver(backend);
}

function memoryOperations(options: MemoryOptions, subscribers: Subscribers): Operations {
  const { clock = monotonicClock, keysMax = 100_000, valuesLengthMax = 67_108_864 } = options;
  const values = new MemoryValues({ keysMax, lengthMax: valuesLengthMax });
  const logs = new SlidingLogs({ keysMax });
  const locks = new MemoryLocks({ keysMax });
  const now = (): number => clock.now().getTime();
  return {
    async getMany(keys) {
      const nowMs = now();
      return keys.map((key) => values.get(key, nowMs));
    },
    async set(key, value, ttlMs) {
      const nowMs = now();
      if (!values.set(key, { value, endsAtMs: nowMs + ttlMs }, nowMs)) throw full('set');
    },
    async setIfAbsent(key, value, ttlMs) {
      const nowMs = now();
      const outcome = values.setIfAbsent(key, { value, endsAtMs: nowMs + ttlMs }, nowMs);
      if (outcome === 'full') throw full('set');
      return outcome === 'set';
    },
    delete: async (key) => values.delete(key, now()),
    take: async (limit) => logs.take({ ...limit, nowMs: now() }),
    resetLimit: async (key) => logs.reset(key),
    giveBack: async (key) => logs.giveBack(key),
    async acquire(key, token, ttlMs) {
      const fence = locks.acquire(key, token, ttlMs, now());
      if (fence === 'full') throw full('lock');
      return fence;
    },
    renew: async (key, token, ttlMs) => locks.renew(key, token, ttlMs, now()),
    release: async (key, token) => locks.release(key, token, now()),
    async publish(channel, message) {
      // After the sender's own turn, as with a store behind a socket.
      setImmediate(() => subscribers.deliver(channel, message));
    },
    ping: async () => undefined,
  };
}

function full(operation: string): KeyValueUnavailable {
  return new KeyValueUnavailable(operation, 'memory is full of keys that must not be dropped');
}
