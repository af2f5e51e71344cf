import { hashingOverloaded } from './problems.ts';

export interface HashingQueueOptions {
  /** How many hashes run at once. */
  readonly concurrencyMax: number;
  /** How many wait behind them; the next one is refused. */
  readonly queueMax: number;
  /** How long one waits before it is refused. */
  readonly waitMsMax: number;
}

export interface HashingStats {
  readonly running: number;
  readonly waiting: number;
  /** How many were done since the start. */
  readonly finished: number;
  /** How many were refused since the start: the queue was full, or the wait too long. */
  readonly refused: number;
}

export interface HashingQueue {
  /** Runs `work` in its turn. Rejects with Problem `hashing_overloaded` (503) where its turn does not come. */
  run<T>(work: () => Promise<T>): Promise<T>;
  readonly stats: HashingStats;
}

interface Waiter {
  readonly start: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A few permits and a bounded queue, first come first served. A permit is given back when the work has ended, not when
 * its caller has lost interest: a client that hangs up does not stop the hash that runs for it, and must not make room
 * for another one beside it.
 */
export function createHashingQueue(options: HashingQueueOptions): HashingQueue {
  const waiters = new Set<Waiter>();
  const counts = { running: 0, finished: 0, refused: 0 };

  const refuse = (): Error => {
    counts.refused += 1;
    const seconds = Math.max(1, Math.ceil(options.waitMsMax / 1000));
    return hashingOverloaded({ seconds }, { headers: { 'retry-after': String(seconds) } });
  };

  const turn = (): Promise<void> => {
    if (counts.running < options.concurrencyMax) {
      counts.running += 1;
      return Promise.resolve();
    }
    if (waiters.size >= options.queueMax) return Promise.reject(refuse());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiters.delete(waiter);
        reject(refuse());
      }, options.waitMsMax);
      const waiter: Waiter = { start: resolve, timer };
      waiters.add(waiter);
    });
  };

  /** Hands the permit to the one who waits longest, or puts it back. */
  const release = (): void => {
    counts.finished += 1;
    const [next] = waiters;
    if (!next) {
      counts.running -= 1;
      return;
    }
    waiters.delete(next);
    clearTimeout(next.timer);
    next.start();
  };

  return {
    run: async (work) => {
      await turn();
      try {
        return await work();
      } finally {
        release();
      }
    },
    get stats() {
      return { ...counts, waiting: waiters.size };
    },
  };
}
