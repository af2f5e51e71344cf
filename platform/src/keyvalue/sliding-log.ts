import { createHash } from 'node:crypto';
import type { FullTakeLimit } from './bounds.ts';
import type { TakeResult } from './contract.ts';

/** One attempt against a log, with the time it is judged at. */
export interface LogTake extends FullTakeLimit {
  readonly nowMs: number;
  /** The time written down for the attempt, when it began earlier than it is judged. Default `nowMs`. */
  readonly atMs?: number;
  /** How many attempts to remember; default `limit`, never less. */
  readonly capacity?: number;
  /** Writes it down whatever the limit says, because it was admitted elsewhere. */
  readonly isForced?: boolean;
}

interface AttemptLog {
  /** When each attempt came, oldest first, in milliseconds. */
  times: number[];
  windowMs: number;
}

const overflowSlots = 1_024;
const sweepPerTake = 4;
const sweepWhenFull = 64;

/**
 * Sliding logs: for each key the times of the attempts that its window still holds, so that no window `[t, t +
 * windowMs)`, wherever it begins, admits more than the limit. (A token bucket or GCRA with a burst of `limit` admits
 * nearly twice the limit in one window; fixed windows likewise at their edge.)
 *
 * Memory. A log holds at most its limit's attempts and dies with its last one. All logs together hold no more
 * attempts than were admitted within their windows. The number of keys is bounded by `keysMax`, and no living log is
 * ever thrown out, because whoever can invent keys (addresses, names) could push out the log of the account that they
 * attack. When the table is full, a new key is judged by one of 1,024 logs that it shares with other new keys, chosen
 * by hash: that can refuse somebody early, never admit somebody late. A key that later gets a log of its own begins
 * with a copy of the shared one, so the change does not give it a second budget.
 */
export class SlidingLogs {
  readonly #logs = new Map<string, AttemptLog>();
  readonly #overflow = new Map<string, AttemptLog>();
  readonly #keysMax: number;
  #sweeper: IterableIterator<[string, AttemptLog]>;

  constructor(options: { readonly keysMax: number }) {
    this.#keysMax = options.keysMax;
    this.#sweeper = this.#logs.entries();
  }

  /** How many keys have a log of their own. */
  get size(): number {
    return this.#logs.size;
  }

  take(attempt: LogTake): TakeResult {
    this.#sweep(attempt.nowMs, sweepPerTake);
    const log = this.#logFor(attempt);
    log.windowMs = attempt.windowMs;
    slide(log, attempt);
    const isAllowed = log.times.length + Math.max(attempt.cost, 1) <= attempt.limit;
    if (isAllowed || attempt.countRefused || attempt.isForced === true) write(log, attempt);
    return resultOf(log, attempt, isAllowed);
  }

  /** Forgets a key's own log. A log shared while the table is full stays: it speaks for others too. */
  reset(key: string): void {
    this.#logs.delete(key);
  }

  /** Takes a key's newest attempt back; from a log that it shares with others nothing is taken. */
  giveBack(key: string): void {
    const times = this.#logs.get(key)?.times;
    times?.pop();
    if (times?.length === 0) this.#logs.delete(key);
  }

  #logFor(attempt: LogTake): AttemptLog {
    const own = this.#logs.get(attempt.key);
    if (own) return own;
    if (this.#logs.size >= this.#keysMax) this.#sweep(attempt.nowMs, sweepWhenFull);
    const isFull = this.#logs.size >= this.#keysMax;
    // The key is hashed only while some shared log lives: with none, every key has its own.
    const slot = isFull || this.#overflow.size > 0 ? slotOf(attempt) : '';
    const shared = this.#overflow.get(slot);
    const isSharedAlive = shared !== undefined && !isOver(shared, attempt.nowMs);
    const log = { times: isSharedAlive ? [...shared.times] : [], windowMs: attempt.windowMs };
    if (!isFull) {
      // Looking at an unknown key must not fill the table.
      if (attempt.cost > 0) this.#logs.set(attempt.key, log);
      return log;
    }
    if (isSharedAlive) return shared;
    this.#overflow.set(slot, log);
    return log;
  }

  /** Looks at the next few logs and drops those that are over; a full round needs no timer and no pause. */
  #sweep(nowMs: number, count: number): void {
    for (let step = 0; step < count; step += 1) {
      const next = this.#sweeper.next();
      if (next.done) {
        this.#sweeper = this.#logs.entries();
        this.#sweepOverflow(nowMs);
        return;
      }
      const [key, log] = next.value;
      if (isOver(log, nowMs)) this.#logs.delete(key);
    }
  }

  #sweepOverflow(nowMs: number): void {
    for (const [slot, log] of this.#overflow) {
      if (isOver(log, nowMs)) this.#overflow.delete(slot);
    }
  }
}

function slotOf(attempt: LogTake): string {
  const hash = createHash('sha1').update(attempt.key).digest().readUInt16BE(0) % overflowSlots;
  return `${hash}:${attempt.capacity ?? attempt.limit}:${attempt.windowMs}`;
}

function isOver(log: AttemptLog, nowMs: number): boolean {
  return (log.times.at(-1) ?? Number.NEGATIVE_INFINITY) <= nowMs - log.windowMs;
}

/** Drops what the window no longer holds, and what a lowered limit no longer needs. */
function slide(log: AttemptLog, attempt: LogTake): void {
  const { times } = log;
  const horizonMs = attempt.nowMs - attempt.windowMs;
  let gone = 0;
  while (gone < times.length && (times[gone] ?? 0) <= horizonMs) gone += 1;
  gone = Math.max(gone, times.length - capacityOf(attempt));
  if (gone > 0) times.splice(0, gone);
  // A clock that was put back must not stretch the wait beyond one window.
  for (let last = times.length - 1; last >= 0 && (times[last] ?? 0) > attempt.nowMs; last -= 1) {
    times[last] = attempt.nowMs;
  }
}

/** The newest `capacity` attempts are all that any later judgement needs. */
function write(log: AttemptLog, attempt: LogTake): void {
  const { times } = log;
  const atMs = attempt.atMs ?? attempt.nowMs;
  let place = times.length;
  while (place > 0 && (times[place - 1] ?? 0) > atMs) place -= 1;
  times.splice(place, 0, ...Array.from({ length: attempt.cost }, () => atMs));
  const tooMany = times.length - capacityOf(attempt);
  if (tooMany > 0) times.splice(0, tooMany);
}

function capacityOf(attempt: LogTake): number {
  return Math.max(attempt.capacity ?? 0, attempt.limit);
}

function resultOf({ times }: AttemptLog, attempt: LogTake, isAllowed: boolean): TakeResult {
  const untilGone = (timeMs: number | undefined): number =>
    timeMs === undefined ? 0 : Math.ceil(timeMs + attempt.windowMs - attempt.nowMs);
  const mustLeave = times.length + Math.max(attempt.cost, 1) - attempt.limit;
  return {
    allowed: isAllowed,
    limit: attempt.limit,
    remaining: Math.max(0, attempt.limit - times.length),
    retryAfterMs: isAllowed ? 0 : untilGone(times[mustLeave - 1]),
    resetMs: untilGone(times[0]),
  };
}
