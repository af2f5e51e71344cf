const keysMax = 100_000;

/**
 * When each caller of this process last wrote, by its own monotonic clock. What is older than the window is forgotten,
 * since a replica in rotation has it; where there are too many, the oldest count as everybody's.
 */
export class RecentWrites {
  readonly #times = new Map<string, number>();
  readonly #windowMs: number;
  readonly #keysMax: number;
  #everybodysMs = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly windowMs: number; readonly keysMax?: number }) {
    this.#windowMs = options.windowMs;
    this.#keysMax = options.keysMax ?? keysMax;
  }

  note(keys: readonly string[], nowMs: number): void {
    for (const key of keys) {
      // A Map keeps the order of insertion: the newest are at its end.
      this.#times.delete(key);
      this.#times.set(key, nowMs);
    }
    for (const [key, atMs] of this.#times) {
      const isOld = atMs < nowMs - this.#windowMs;
      if (!isOld && this.#times.size <= this.#keysMax) break;
      if (!isOld) this.#everybodysMs = Math.max(this.#everybodysMs, atMs);
      this.#times.delete(key);
    }
  }

  /** When something that these keys must see was last written; -Infinity for never. */
  latest(keys: readonly string[]): number {
    return Math.max(this.#everybodysMs, ...keys.map((key) => this.#times.get(key) ?? Number.NEGATIVE_INFINITY));
  }
}
