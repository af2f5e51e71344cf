import { createHash } from 'node:crypto';
import type { Clock } from '../kernel/index.ts';
import { type FullTakeLimit, checkLimit } from './bounds.ts';
import type { KeyValue, TakeResult } from './contract.ts';
import { monotonicClock } from './monotonic-clock.ts';
import { SlidingLogs } from './sliding-log.ts';
import { within } from './within.ts';

/** One rule: at most `limit` attempts of one subject in any `windowMs`. */
export interface LimitPolicy {
  /** As it stands in the RateLimit header: `login`. */
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  /** Whether refused attempts count too. Default false. */
  readonly countRefused?: boolean;
}

/** What was decided, with the numbers of the RateLimit header. */
export interface LimitDecision extends TakeResult {
  readonly policy: string;
  readonly windowMs: number;
  /** Who decided: the store that all processes share, or this process alone because the store was silent. */
  readonly source: 'shared' | 'local';
}

export interface Limiter {
  /**
   * Counts one attempt of a subject (an address, an account), whatever its length: only its hash leaves here. Never
   * rejects because of the store. Throws a RangeError for a policy or a cost that makes no sense.
   * @param cost how many units it takes; 0 only looks. Default 1
   */
  take(policy: LimitPolicy, subject: string, cost?: number): Promise<LimitDecision>;
  /** Forgets what was counted, say after a sign-in that succeeded. Forgets here alone while the store is down. */
  reset(policy: LimitPolicy, subject: string): Promise<void>;
  /**
   * Takes back one attempt that was admitted and turned out not to count. Where the store does not hear of it, the
   * attempt counts until its window is over: too few are admitted then, never too many.
   */
  giveBack(policy: LimitPolicy, subject: string): Promise<void>;
  close(): void;
}

export interface LimiterOptions {
  /** How many processes share a limit: without the store, each admits its part of it, at least one attempt. */
  readonly fallbackShare: number;
  /** Whose policies these are, a service's name say: another's policy of the same name counts apart. Default none. */
  readonly scope?: string;
  /** The decision is made without the store after so long; default 100. */
  readonly timeoutMs?: number;
  /** The most subjects counted in this process; default 100,000. */
  readonly keysMax?: number;
  /** Default: one that a step of the wall clock does not move. */
  readonly clock?: Clock;
  /** For metrics; must not throw. */
  readonly onDecision?: (decision: LimitDecision) => void;
}

/**
 * Limits that all processes share, and that hold without the store. This process also writes down what it admits.
 * While the store is silent it admits its share of the limit, what it lately admitted through the store included. When
 * the store comes back it may have forgotten everything; so for one window this process goes on refusing what it knows
 * to be too many. One process alone thus never exceeds the limit, whatever happens to the store; several can, by their
 * shares, in the window in which the store fails, and by the limit once more when it comes back empty.
 */
export function createLimiter(keyValue: KeyValue, options: LimiterOptions): Limiter {
  const limiter = new SharedLimiter(keyValue, options);
  return {
    take: (policy, subject, cost = 1) => limiter.take(policy, subject, cost),
    reset: (policy, subject) => limiter.reset(policy, subject),
    giveBack: (policy, subject) => limiter.giveBack(policy, subject),
    close: () => limiter.close(),
  };
}

class SharedLimiter {
  readonly #keyValue: KeyValue;
  readonly #options: LimiterOptions;
  readonly #clock: Clock;
  readonly #logs: SlidingLogs;
  readonly #unwatch: () => void;
  /** When the store was last known to be silent; until a window later its memory is not trusted alone. */
  #silentAtMs = Number.NEGATIVE_INFINITY;

  constructor(keyValue: KeyValue, options: LimiterOptions) {
    this.#keyValue = keyValue;
    this.#options = options;
    this.#clock = options.clock ?? monotonicClock;
    this.#logs = new SlidingLogs({ keysMax: options.keysMax ?? 100_000 });
    this.#unwatch = keyValue.watchHealth(({ isUp }) => {
      if (!isUp) this.#silentAtMs = this.#now();
    });
  }

  async take(policy: LimitPolicy, subject: string, cost: number): Promise<LimitDecision> {
    const limit = checkLimit({ ...numbersOf(policy), key: this.#keyOf(policy, subject), cost });
    const atMs = this.#now();
    const shared = await this.#askStore(limit);
    const result = shared ? this.#noted(limit, shared, atMs) : this.#ownShare(limit);
    const source = shared ? 'shared' : 'local';
    const decision: LimitDecision = { ...result, policy: policy.name, windowMs: policy.windowMs, source };
    this.#options.onDecision?.(decision);
    return decision;
  }

  async reset(policy: LimitPolicy, subject: string): Promise<void> {
    const key = this.#keyOf(policy, subject);
    this.#logs.reset(key);
    await this.#inTime(this.#keyValue.resetLimit(key)).catch(() => undefined);
  }

  async giveBack(policy: LimitPolicy, subject: string): Promise<void> {
    const key = this.#keyOf(policy, subject);
    this.#logs.giveBack(key);
    await this.#inTime(this.#keyValue.giveBack(key)).catch(() => undefined);
  }

  close(): void {
    this.#unwatch();
  }

  async #askStore(limit: FullTakeLimit): Promise<TakeResult | undefined> {
    try {
      return await this.#inTime(this.#keyValue.take(limit));
    } catch {
      // Down, slow, full or closed: every way of not deciding is decided here. The store's owner logs the reason.
      this.#silentAtMs = this.#now();
      return undefined;
    }
  }

  /** Writes down what the store admitted, at the time it was asked: it cannot have counted earlier than that. */
  #noted(limit: FullTakeLimit, shared: TakeResult, atMs: number): TakeResult {
    if (!shared.allowed || limit.cost === 0) return shared;
    const nowMs = this.#now();
    const isDoubtful = nowMs < this.#silentAtMs + limit.windowMs;
    const attempt = { ...limit, countRefused: false, nowMs, atMs, isForced: !isDoubtful };
    const own = this.#logs.take(attempt);
    return isDoubtful && !own.allowed ? own : shared;
  }

  #ownShare(limit: FullTakeLimit): TakeResult {
    const share = Math.floor(limit.limit / this.#options.fallbackShare);
    const ownLimit = Math.max(share, limit.cost, 1);
    return this.#logs.take({ ...limit, limit: ownLimit, capacity: limit.limit, nowMs: this.#now() });
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    const { timeoutMs = 100 } = this.#options;
    return within(work, timeoutMs, () => new Error(`No answer within ${timeoutMs} ms`));
  }

  #keyOf(policy: LimitPolicy, subject: string): string {
    const { scope = '' } = this.#options;
    const hash = createHash('sha256').update(subject).digest('base64url').slice(0, 27);
    return `${scope === '' ? '' : `${scope}:`}${policy.name}:${hash}`;
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}

function numbersOf({ limit, windowMs, countRefused = false }: LimitPolicy): Omit<LimitPolicy, 'name'> {
  return { limit, windowMs, countRefused };
}
