import fc from 'fast-check';
import type { TakeResult } from '../contract.ts';

export interface Attempt {
  readonly nowMs: number;
  readonly cost: number;
  readonly countRefused: boolean;
}

/** A limit and a row of attempts in the order of time, close enough to each other to meet at the edges. */
export function attemptsOf(): fc.Arbitrary<{ limit: number; windowMs: number; attempts: Attempt[] }> {
  return fc
    .record({ limit: fc.integer({ min: 1, max: 6 }), windowMs: fc.integer({ min: 1, max: 50 }) })
    .chain(({ limit, windowMs }) => {
      const step = fc.record({
        stepMs: fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(0, windowMs - 1, windowMs, windowMs + 1)),
        cost: fc.oneof(fc.constant(1), fc.nat({ max: limit })),
        countRefused: fc.boolean(),
      });
      return fc.array(step, { maxLength: 40 }).map((steps) => ({ limit, windowMs, attempts: inTime(steps) }));
    });
}

function inTime(steps: readonly { stepMs: number; cost: number; countRefused: boolean }[]): Attempt[] {
  let nowMs = 1_000;
  return steps.map(({ stepMs, cost, countRefused }) => {
    nowMs += stepMs;
    return { nowMs, cost, countRefused };
  });
}

/** The limit as one would tell it: every counted unit is written down for ever, and every answer counts them anew. */
export class ModelLog {
  readonly #counted: number[] = [];
  readonly #limit: number;
  readonly #windowMs: number;

  constructor(limit: number, windowMs: number) {
    this.#limit = limit;
    this.#windowMs = windowMs;
  }

  take({ nowMs, cost, countRefused }: Attempt): TakeResult {
    const needed = Math.max(cost, 1);
    const allowed = this.#usedAt(nowMs) + needed <= this.#limit;
    if (allowed || countRefused) for (let unit = 0; unit < cost; unit += 1) this.#counted.push(nowMs);
    return {
      allowed,
      limit: this.#limit,
      remaining: Math.max(0, this.#limit - this.#usedAt(nowMs)),
      retryAfterMs: allowed ? 0 : this.#until(nowMs, (used) => used + needed <= this.#limit),
      resetMs: this.#resetAfter(nowMs),
    };
  }

  #usedAt(nowMs: number): number {
    return this.#counted.filter((timeMs) => timeMs > nowMs - this.#windowMs && timeMs <= nowMs).length;
  }

  #until(nowMs: number, isReached: (used: number) => boolean): number {
    let waitMs = 0;
    const last = [...this.#counted];
    const usedAfter = (): number => last.filter((timeMs) => timeMs > nowMs + waitMs - this.#windowMs).length;
    while (!isReached(usedAfter())) waitMs += 1;
    return waitMs;
  }

  /** Of more units than the limit only the newest count for anything. */
  #resetAfter(nowMs: number): number {
    const living = this.#counted.filter((timeMs) => timeMs > nowMs - this.#windowMs).slice(-this.#limit);
    const [oldest] = living;
    return oldest === undefined ? 0 : oldest + this.#windowMs - nowMs;
  }
}

/** How many attempts each window `[t, t + windowMs)` holds that begins with one of them. */
export function windowsOf(attempts: readonly Attempt[], windowMs: number): number[] {
  return attempts.map(
    ({ nowMs: startMs }) => attempts.filter(({ nowMs }) => nowMs >= startMs && nowMs < startMs + windowMs).length,
  );
}
