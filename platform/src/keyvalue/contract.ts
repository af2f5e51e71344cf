/**
 * The key-value port: what is shared between processes and may be lost. Caches, limiters, locks and notices live
 * here; no invariant does. Every call settles within the adapter's time limit: it answers, or it rejects with
 * `KeyValueUnavailable`, and the caller decides what a missing answer means.
 */

export interface KeyValue {
  get(key: string): Promise<string | undefined>;
  /** Several keys in one round trip, in the order asked. At most `keysPerCallMax`. */
  getMany(keys: readonly string[]): Promise<readonly (string | undefined)[]>;
  /** Nothing is kept without an end. What `set` wrote may be dropped earlier when room is short. */
  set(key: string, value: string, lifetime: Lifetime): Promise<void>;
  /** Atomic. True when it was this call that set the key; what it wrote is never dropped early. */
  setIfAbsent(key: string, value: string, lifetime: Lifetime): Promise<boolean>;
  /** True when there was something to delete. */
  delete(key: string): Promise<boolean>;
  /** Counts one attempt against a limit; atomic, exact, by the clock of the store. */
  take(limit: TakeLimit): Promise<TakeResult>;
  /** Forgets the attempts under a limit's key, say after a sign-in that succeeded. */
  resetLimit(key: string): Promise<void>;
  /** Takes one admitted attempt back, the newest, because it turned out not to count. Nothing where none is kept. */
  giveBack(key: string): Promise<void>;
  /** Undefined when somebody else holds it. */
  lock(key: string, lifetime: Lifetime): Promise<Lock | undefined>;
  /** At most once, to whoever listens now. */
  publish(channel: string, message: string): Promise<void>;
  /** Never rejects: while the store is down the subscription waits, and `onGap` tells when it began after all. */
  subscribe(channel: string, subscriber: Subscriber): Promise<Subscription>;
  /** A round trip; resolves to milliseconds. */
  ping(): Promise<number>;
  /** Tells the present health at once and then each change. Returns what ends it. */
  watchHealth(listener: (health: Health) => void): () => void;
  /** May be called twice. Every later call rejects. */
  close(): Promise<void>;
}

export interface Lifetime {
  readonly ttlMs: number;
}

export interface TakeLimit {
  readonly key: string;
  /** How many attempts any window admits; at most `limitMax`. */
  readonly limit: number;
  readonly windowMs: number;
  /** How many units this attempt takes, 0 to `limit`; 0 only looks. Default 1. */
  readonly cost?: number;
  /** Whether a refused attempt counts too, so that only a pause of a whole window helps. Default false. */
  readonly countRefused?: boolean;
}

export interface TakeResult {
  readonly allowed: boolean;
  readonly limit: number;
  /** What the present window would still admit. */
  readonly remaining: number;
  /** When the same attempt would be allowed if nothing else came; 0 when this one was. */
  readonly retryAfterMs: number;
  /** When the oldest attempt that counts leaves the window, so that `remaining` grows; 0 when none counts. */
  readonly resetMs: number;
}

export interface Lock {
  readonly key: string;
  /**
   * Grows with every holder of this key. Store it with what the lock protects and refuse a smaller one there: a
   * holder that slept past its time may still believe in its lock.
   */
  readonly fence: number;
  /** False when the lock was lost; it is never taken again by renewing. */
  renew(lifetime: Lifetime): Promise<boolean>;
  /** False when it was already lost. Somebody else's lock is left alone. */
  release(): Promise<boolean>;
}

export interface Subscriber {
  onMessage(message: string): void;
  /** Messages may have been missed: the connection was lost and is back. Read the truth again. */
  onGap?(): void;
}

export interface Subscription {
  close(): Promise<void>;
}

export interface Health {
  readonly isUp: boolean;
  /** Why it is down, without any secret. */
  readonly reason?: string;
}

/** The store did not answer in time or not at all. What was asked may have happened or not. */
export class KeyValueUnavailable extends Error {
  readonly operation: string;

  constructor(operation: string, reason: string) {
    super(`Cannot ${operation} in the key-value store: ${reason}`);
    this.name = 'KeyValueUnavailable';
    this.operation = operation;
  }
}

/**
 * How long an adapter waits for an answer. The decision that hangs on it is due within 100 ms, so a tenth is left for
 * deciding without it.
 */
export const answerTimeoutMs = 90;
