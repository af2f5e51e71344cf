import type { Database, Tx } from '../database/index.ts';
import type { Log } from '../kernel/index.ts';
import { backoffMs, pause } from './backoff.ts';
import { jobsCommitted } from './hints.ts';
import {
  buryJob,
  type DueJobRow,
  finishJob,
  holdJob,
  leaseJob,
  lockDue,
  renewLease,
  retryJob,
} from './job-statements.ts';
import { isTransient } from './transient.ts';

/** Somebody else has the job: this process was away for longer than its lease. Nothing of it may be kept. */
export class LeaseLost extends Error {
  constructor(kind: string, id: string) {
    super(`The ${kind} job ${id} was taken over by another process`);
    this.name = 'LeaseLost';
  }
}

/** A job that this process has, as its handler sees it. */
export interface RunningJob {
  readonly id: string;
  readonly kind: string;
  readonly key: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  /** From 1. */
  readonly attempt: number;
  /** Given when the job was taken over, or the process stops. */
  readonly signal: AbortSignal;
  /** Begins each transaction of an effect: it is kept only if the job is still ours. @throws LeaseLost */
  hold(tx: Tx): Promise<void>;
  /** Ends the job in the transaction of its last effect: both are kept, or neither. @throws LeaseLost */
  finish(tx: Tx): Promise<void>;
}

/** Does a job; resolving ends it, where it has not ended itself. A `Transient` fault does not count as an attempt. */
export type JobHandler = (job: RunningJob) => Promise<void>;

export type JobResult = 'done' | 'retried' | 'waiting' | 'dead' | 'lost';

export interface JobRunnerOptions {
  readonly database: Database;
  readonly handlers: ReadonlyMap<string, JobHandler>;
  readonly log: Log;
  /** How many jobs run at once in this process; default 2. */
  readonly concurrency?: number;
  /** How long a process that is gone keeps a job; default 30,000. It is renewed as long as the process lives. */
  readonly leaseMs?: number;
  /** How long an idle runner waits; default 1,000. */
  readonly pollMs?: number;
  readonly observe?: (seen: { readonly kind: string; readonly result: JobResult; readonly durationMs: number }) => void;
}

export interface JobRunner {
  start(): void;
  /** Takes nothing new, tells what runs to end, and waits for it at most so long. */
  stop(timeoutMs: number): Promise<void>;
}

const defaults = { concurrency: 2, leaseMs: 30_000, pollMs: 1_000 };
const retries = { baseMs: 1_000, maxMs: 600_000 };
const outage = { baseMs: 5_000, maxMs: 60_000 };
const trouble = { baseMs: 200, maxMs: 10_000 };
const renewals = 3;
const reasonLengthMax = 500;

export function createJobRunner(options: JobRunnerOptions): JobRunner {
  return new LeasingRunner({ ...defaults, ...options });
}

/**
 * Claims jobs whose time has come, several processes side by side. A claim is a lease with a number that grows: a
 * process that died loses it, and one that was only asleep cannot end, renew or repeat the job with its old number.
 */
class LeasingRunner implements JobRunner {
  readonly #options: JobRunnerOptions & typeof defaults;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #wake = new AbortController();
  #isHinted = false;
  #loop: Promise<void> | undefined;

  constructor(options: JobRunnerOptions & typeof defaults) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    const late = new AbortController();
    await Promise.race([Promise.all(this.#running), pause(timeoutMs, late.signal)]);
    late.abort();
  }

  async #run(): Promise<void> {
    const endHint = jobsCommitted.on(() => this.#hint());
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      let claimed = 0;
      try {
        claimed = await this.#claim();
        failures = 0;
      } catch (error) {
        if (failures === 0) this.#options.log.error({ error }, 'Jobs cannot be claimed');
        failures += 1;
      }
      if (claimed === 0) await this.#rest(failures);
    }
    endHint();
  }

  #hint(): void {
    this.#isHinted = true;
    this.#wake.abort();
  }

  async #rest(failures: number): Promise<void> {
    const { pollMs } = this.#options;
    const restMs = failures > 0 ? backoffMs(failures, trouble) : pollMs * (0.9 + 0.2 * Math.random());
    if (!this.#isHinted || failures > 0) {
      this.#wake = new AbortController();
      await pause(restMs, AbortSignal.any([this.#wake.signal, this.#stopping.signal]));
    }
    this.#isHinted = false;
  }

  async #claim(): Promise<number> {
    const { database, handlers, concurrency, leaseMs } = this.#options;
    const free = concurrency - this.#running.size;
    if (free <= 0) return 0;
    const claimed = await database.transact(async (tx) => {
      const due = await lockDue(tx, { kinds: [...handlers.keys()].join(','), limit: String(free) });
      for (const { id } of due) await leaseJob(tx, { id, seconds: leaseMs / 1_000 });
      return due;
    });
    for (const row of claimed) {
      const work = this.#work(row).finally(() => {
        this.#running.delete(work);
        this.#hint();
      });
      this.#running.add(work);
    }
    return claimed.length;
  }

  async #work(row: DueJobRow): Promise<void> {
    const { log, observe } = this.#options;
    const startedMs = performance.now();
    let result: JobResult = 'lost';
    try {
      result = await new Lease(this.#options, row, this.#stopping.signal).work();
    } catch (error) {
      // What could not be noted is done again when the lease has run out.
      log.error({ error, job_id: row.id, kind: row.kind }, 'The end of a job could not be noted');
    }
    observe?.({ kind: row.kind, result, durationMs: performance.now() - startedMs });
  }
}

/** One job while this process has it. */
class Lease {
  readonly #options: JobRunnerOptions & typeof defaults;
  readonly #row: DueJobRow;
  readonly #lost = new AbortController();
  readonly #ours: { readonly id: string; readonly fence: number };
  readonly #signal: AbortSignal;
  #hasEnded = false;

  constructor(options: JobRunnerOptions & typeof defaults, row: DueJobRow, stopping: AbortSignal) {
    this.#options = options;
    this.#row = row;
    this.#ours = { id: row.id, fence: Number(row.fence) + 1 };
    this.#signal = AbortSignal.any([this.#lost.signal, stopping]);
  }

  async work(): Promise<JobResult> {
    const { database, handlers, leaseMs } = this.#options;
    const { kind, attempts, attempts_max: attemptsMax, last_error: before } = this.#row;
    if (attempts >= attemptsMax) return this.#bury(before ?? 'its process went away each time');
    const renewing = setInterval(() => void this.#renew(), leaseMs / renewals);
    try {
      await handlers.get(kind)?.(this.#job());
      if (!this.#hasEnded) await database.transact((tx) => this.#finish(tx));
      return 'done';
    } catch (error) {
      return await this.#fail(error);
    } finally {
      clearInterval(renewing);
    }
  }

  #job(): RunningJob {
    const { id, kind, job_key: key, payload, attempts } = this.#row;
    return {
      id,
      kind,
      key,
      payload: JSON.parse(payload) as Record<string, unknown>,
      attempt: attempts + 1,
      signal: this.#signal,
      hold: async (tx) => {
        if ((await holdJob(tx, this.#ours)).length === 0) throw this.#leaseLost();
      },
      finish: async (tx) => {
        await this.#finish(tx);
        tx.afterCommit(() => {
          this.#hasEnded = true;
        });
      },
    };
  }

  async #finish(tx: Tx): Promise<void> {
    if ((await finishJob(tx, this.#ours)).affected === 0) throw this.#leaseLost();
  }

  async #renew(): Promise<void> {
    const { database, leaseMs } = this.#options;
    const renewed = await database
      .transact((tx) => renewLease(tx, { ...this.#ours, seconds: leaseMs / 1_000 }))
      .catch(() => undefined); // the next renewal may come through, else the lease runs out
    if (renewed?.affected === 0 && !this.#hasEnded) this.#lost.abort();
  }

  async #fail(error: unknown): Promise<JobResult> {
    const { database, log } = this.#options;
    const { id, kind, attempts, attempts_max: attemptsMax } = this.#row;
    if (this.#hasEnded) {
      log.error({ error, job_id: id, kind }, 'A job failed after its end');
      return 'done';
    }
    const attempt = attempts + 1;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    log.warn({ error, job_id: id, kind, attempt }, 'A job failed');
    if (error instanceof LeaseLost) return 'lost';
    // A process that stops interrupts its jobs: no fault of theirs.
    const isFree = isTransient(error) || this.#signal.aborted;
    if (!isFree && attempt >= attemptsMax) return this.#bury(reason);
    const delayMs = this.#signal.aborted ? 0 : backoffMs(attempt, isFree ? outage : retries);
    const again = { seconds: delayMs / 1_000, reason: reason.slice(0, reasonLengthMax), back: isFree ? 1 : 0 };
    const { affected } = await database.transact((tx) => retryJob(tx, { ...this.#ours, ...again }));
    if (affected === 0) return 'lost';
    return isFree ? 'waiting' : 'retried';
  }

  async #bury(reason: string): Promise<JobResult> {
    const { database, log } = this.#options;
    const { id, kind } = this.#row;
    const text = reason.slice(0, reasonLengthMax);
    const { affected } = await database.transact((tx) => buryJob(tx, { ...this.#ours, reason: text }));
    if (affected === 0) return 'lost';
    log.error({ job_id: id, kind, reason: text }, 'A job is dead');
    return 'dead';
  }

  #leaseLost(): LeaseLost {
    this.#lost.abort();
    return new LeaseLost(this.#row.kind, this.#row.id);
  }
}
