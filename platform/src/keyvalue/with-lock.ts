import type { KeyValue, Lock } from './contract.ts';

export interface WithLockOptions {
  /** After so long without a renewal the lock is free again; renewed every third of it while the work lasts. */
  readonly ttlMs: number;
  /** How long to wait for somebody else's lock; default 0. */
  readonly waitMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** What the work inside a lock gets. */
export interface HeldLock {
  readonly fence: number;
  /** Aborted when the lock was lost or could not be renewed in time: stop, somebody else may hold it. */
  readonly signal: AbortSignal;
}

/** Somebody else held the lock all the while. */
export class LockBusy extends Error {
  constructor(key: string, waitMs: number) {
    super(`Cannot take the lock "${key}": it was held for the ${waitMs} ms that we waited`);
    this.name = 'LockBusy';
  }
}

const pollMs = 50;

/**
 * Runs `work` while holding a lock, and releases it whatever happens. Rejects with `LockBusy`, or with
 * `KeyValueUnavailable` when the store is down. A lock saves double work; what must never happen twice is
 * guarded in the database too (by `fence`, or by a constraint).
 */
export async function withLock<T>(
  keyValue: KeyValue,
  key: string,
  options: WithLockOptions,
  work: (held: HeldLock) => Promise<T>,
): Promise<T> {
  const lock = await waitForLock(keyValue, key, options);
  const lost = new AbortController();
  const stop = keepAlive(lock, options.ttlMs, lost);
  try {
    return await work({ fence: lock.fence, signal: lost.signal });
  } finally {
    stop();
    // A store that cannot be reached now lets the lock end by its time.
    await lock.release().catch(() => false);
  }
}

async function waitForLock(keyValue: KeyValue, key: string, options: WithLockOptions): Promise<Lock> {
  const { ttlMs, waitMs = 0, signal } = options;
  const endsAtMs = performance.now() + waitMs;
  for (;;) {
    signal?.throwIfAborted();
    const lock = await keyValue.lock(key, { ttlMs });
    if (lock) return lock;
    const leftMs = endsAtMs - performance.now();
    if (leftMs <= 0) throw new LockBusy(key, waitMs);
    // Half of the pause by chance, so that many who wait do not ask at once.
    await pause(Math.min(leftMs, pollMs / 2 + Math.random() * pollMs));
  }
}

function keepAlive(lock: Lock, ttlMs: number, lost: AbortController): () => void {
  let safeUntilMs = performance.now() + ttlMs;
  const renew = async (): Promise<void> => {
    const startMs = performance.now();
    const isOurs = await lock.renew({ ttlMs }).catch(() => undefined);
    if (isOurs === true) safeUntilMs = startMs + ttlMs;
    else if (isOurs === false) lost.abort(new Error(`The lock "${lock.key}" was lost`));
  };
  const timer = setInterval(() => {
    // Rather too early than too late: the next look is a third of the time away.
    if (performance.now() >= safeUntilMs - ttlMs / 6)
      lost.abort(new Error(`The lock "${lock.key}" could not be renewed`));
    if (lost.signal.aborted) clearInterval(timer);
    else void renew();
  }, ttlMs / 3);
  return () => clearInterval(timer);
}

function pause(durationMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, durationMs);
  return promise;
}
