interface HeldLock {
  /** Empty once released. */
  token: string;
  endsAtMs: number;
  fence: number;
}

/**
 * How long the last fencing number is remembered after its lock ended. Later ones come from the clock in
 * microseconds, so that they go on growing after a restart or a loss of all data; the memory covers a clock that is
 * put back by less than this.
 */
export const fenceMemoryMs = 60_000;

const sweepPerAcquire = 4;
const sweepWhenFull = 64;

/** Locks with an owner, an end and a fencing number that grows from holder to holder. */
export class MemoryLocks {
  readonly #locks = new Map<string, HeldLock>();
  readonly #keysMax: number;
  #sweeper: IterableIterator<[string, HeldLock]>;

  constructor(options: { readonly keysMax: number }) {
    this.#keysMax = options.keysMax;
    this.#sweeper = this.#locks.entries();
  }

  /** The fencing number, null when somebody holds the lock, or `full`. */
  acquire(key: string, token: string, ttlMs: number, nowMs: number): number | null | 'full' {
    this.#sweep(nowMs, this.#locks.size < this.#keysMax ? sweepPerAcquire : sweepWhenFull);
    const last = this.#locks.get(key);
    if (last && last.token !== '' && last.endsAtMs > nowMs) return null;
    if (!last && this.#locks.size >= this.#keysMax) return 'full';
    const fence = Math.max(Math.floor(nowMs * 1_000), (last?.fence ?? 0) + 1);
    this.#locks.set(key, { token, endsAtMs: nowMs + ttlMs, fence });
    return fence;
  }

  renew(key: string, token: string, ttlMs: number, nowMs: number): boolean {
    const lock = this.#ownedBy(key, token, nowMs);
    if (lock) lock.endsAtMs = nowMs + ttlMs;
    return lock !== undefined;
  }

  release(key: string, token: string, nowMs: number): boolean {
    const lock = this.#ownedBy(key, token, nowMs);
    if (!lock) return false;
    lock.token = '';
    lock.endsAtMs = nowMs;
    return true;
  }

  #ownedBy(key: string, token: string, nowMs: number): HeldLock | undefined {
    const lock = this.#locks.get(key);
    return lock && lock.token === token && lock.endsAtMs > nowMs ? lock : undefined;
  }

  #sweep(nowMs: number, count: number): void {
    for (let step = 0; step < count; step += 1) {
      const next = this.#sweeper.next();
      if (next.done) {
        this.#sweeper = this.#locks.entries();
        return;
      }
      const [key, lock] = next.value;
      if (lock.endsAtMs + fenceMemoryMs <= nowMs) this.#locks.delete(key);
    }
  }
}
