import { setTimeout as pause } from 'node:timers/promises';

/** Lets through at most so many a second, one by one; what was missed while everybody waited is not made up for. */
export class Pace {
  readonly #everyMs: number;
  readonly #signal: AbortSignal;
  #nextMs = 0;

  constructor(ratePerSecond: number, signal: AbortSignal) {
    this.#everyMs = 1_000 / ratePerSecond;
    this.#signal = signal;
  }

  async turn(): Promise<void> {
    const nowMs = performance.now();
    const mineMs = Math.max(this.#nextMs, nowMs);
    this.#nextMs = mineMs + this.#everyMs;
    await pause(mineMs - nowMs, undefined, { signal: this.#signal });
  }
}
