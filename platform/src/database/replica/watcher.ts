import type { Log } from '../../kernel/index.ts';
import { isRetryable } from '../faults.ts';
import type { PrimaryReason, ReplicaState, ReplicaStatus } from './contract.ts';
import { Coverage } from './coverage.ts';
import type { Probe } from './probe.ts';
import { foreignness, type PrimaryAnswer, type ReplicaAnswer } from './questions.ts';

export interface WatcherOptions {
  readonly primary: Probe<PrimaryAnswer>;
  readonly replica: Probe<ReplicaAnswer>;
  readonly lagMaxMs: number;
  readonly log: Log;
}

const busyMs = 100;
const idleMs = 400;
const busyForMs = 2_000;
const backoffBaseMs = 100;
const backoffMaxMs = 5_000;
const waitStepMs = 20;

/**
 * Looks at both servers ten times a second while somebody reads, and decides whether the replica is in rotation.
 *
 * It is, from a look at which it was a replica of this primary, until a look or a read fails, or until what it surely
 * has is older than `lagMaxMs`. So whatever was acknowledged longer ago than that, by whichever process, is on a replica
 * in rotation. One that was lost is looked at again after 100 ms, then more seldom, up to every five seconds.
 */
export class ReplicaWatcher {
  readonly #options: WatcherOptions;
  readonly #coverage = new Coverage();
  /** Told when the replica leaves rotation: reads that wait for it go elsewhere. */
  readonly #leaving = new Set<(reason: Error) => void>();
  #primarySeen: PrimaryAnswer | undefined;
  #incarnation: string | undefined;
  #status: Exclude<ReplicaStatus, 'behind'> = 'down';
  #told: ReplicaStatus | undefined;
  #reason = 'it was not looked at yet';
  #failures = 0;
  #usedAtMs = performance.now();
  #isClosed = false;
  #wake: () => void = () => undefined;
  #loop: Promise<void> | undefined;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#loop = this.#watch();
  }

  /** Undefined where the replica has everything that was acknowledged before `neededMs`; else why the primary answers. */
  whyNot(neededMs: number): Extract<PrimaryReason, 'down' | 'behind' | 'own_write'> | undefined {
    const nowMs = performance.now();
    this.#usedAtMs = nowMs;
    if (this.#status !== 'current') return 'down';
    if (this.#coverage.untilMs < nowMs - this.#options.lagMaxMs) return 'behind';
    return this.#coverage.untilMs < neededMs ? 'own_write' : undefined;
  }

  state(): ReplicaState {
    if (this.#status !== 'current') {
      return { status: this.#status, lagMs: undefined, lagBytes: undefined, reason: this.#reason };
    }
    const { untilMs, lagBytes } = this.#coverage;
    const ageMs = performance.now() - untilMs;
    const isBehind = ageMs > this.#options.lagMaxMs;
    const lagMs = lagBytes === 0 && !isBehind ? 0 : Math.round(ageMs);
    return {
      status: isBehind ? 'behind' : 'current',
      lagMs: Number.isFinite(lagMs) ? lagMs : undefined,
      lagBytes,
      ...(isBehind ? { reason: 'it has not replayed enough of the log' } : {}),
    };
  }

  /** Whether a new connection leads to the very server that was looked at, at the state that it had then or a later one. */
  vouchesFor(answer: ReplicaAnswer): boolean {
    const primary = this.#primarySeen;
    if (this.#status !== 'current' || !primary || foreignness(primary, answer) !== undefined) return false;
    return answer.incarnation === this.#incarnation && BigInt(answer.position) >= this.#coverage.replayed;
  }

  /** Calls `leave` once when the replica leaves rotation. Returns what takes that back. */
  onLeave(leave: (reason: Error) => void): () => void {
    this.#leaving.add(leave);
    return () => void this.#leaving.delete(leave);
  }

  /** A read has lost its connection: out of rotation until the next look, which is now. */
  suspect(error: unknown): void {
    this.#lose('down', reasonOf(error));
    this.#wake();
  }

  /** Waits until the replica has what was acknowledged before `neededMs`, or `timeoutMs` have passed. */
  async untilCovered(neededMs: number, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#isClosed && performance.now() < deadline) {
      if (this.whyNot(neededMs) === undefined) return;
      this.#wake();
      await pause(waitStepMs);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#loop;
    await Promise.all([this.#options.primary.close(), this.#options.replica.close()]);
  }

  async #watch(): Promise<void> {
    while (!this.#isClosed) {
      await this.#look();
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      const timer = setTimeout(this.#wake, this.#pauseMs());
      if (this.#isClosed) this.#wake();
      await promise;
      clearTimeout(timer);
    }
  }

  #pauseMs(): number {
    if (this.#failures > 0) {
      const backoffMs = Math.min(backoffBaseMs * 2 ** (this.#failures - 1), backoffMaxMs);
      return backoffMs * (0.5 + Math.random() / 2);
    }
    const pauseMs = performance.now() - this.#usedAtMs < busyForMs ? busyMs : idleMs;
    return Math.min(pauseMs, this.#options.lagMaxMs / 4);
  }

  async #look(): Promise<void> {
    const primary = await this.#lookAtPrimary();
    try {
      const answer = await this.#askReplica();
      if (this.#primarySeen) this.#judge(this.#primarySeen, answer);
    } catch (error) {
      this.#failures += 1;
      this.#lose('down', reasonOf(error));
    }
    // A primary that does not answer leaves the coverage to grow old: nothing is said about the replica.
    if (!primary && !this.#isClosed) this.#options.log.debug({}, 'The primary did not tell its position');
  }

  /** A question that was cancelled because of what is replayed says nothing of the replica, and is asked once more. */
  #askReplica(): Promise<ReplicaAnswer> {
    const { replica } = this.#options;
    return replica.ask().catch((error: unknown) => (isRetryable(error) ? replica.ask() : Promise.reject(error)));
  }

  async #lookAtPrimary(): Promise<boolean> {
    const atMs = performance.now();
    try {
      const answer = await this.#options.primary.ask();
      const seen = this.#primarySeen;
      if (seen && (seen.system !== answer.system || seen.timeline !== answer.timeline)) this.#coverage.lose();
      this.#primarySeen = answer;
      this.#coverage.look(atMs, BigInt(answer.position));
      return true;
    } catch {
      return false;
    }
  }

  #judge(primary: PrimaryAnswer, answer: ReplicaAnswer): void {
    const foreign = foreignness(primary, answer);
    if (foreign !== undefined) {
      this.#failures += 1;
      return this.#lose('foreign', foreign);
    }
    if (this.#incarnation !== answer.incarnation) this.#coverage.lose();
    this.#incarnation = answer.incarnation;
    this.#failures = 0;
    if (this.#status !== 'current') this.#options.log.info({}, 'The database replica answers');
    this.#status = 'current';
    this.#told = 'current';
    this.#coverage.replay(BigInt(answer.position));
  }

  #lose(status: 'down' | 'foreign', reason: string): void {
    if (this.#isClosed) return;
    const isNews = this.#told !== status;
    this.#status = status;
    this.#told = status;
    this.#reason = reason;
    this.#coverage.lose();
    const fault = new Error(`The replica left rotation: ${reason}`);
    for (const leave of this.#leaving) leave(fault);
    this.#leaving.clear();
    if (!isNews) return;
    const { log } = this.#options;
    if (status === 'foreign') log.error({ reason }, 'The database replica is not one of this primary and is not read');
    else log.warn({ reason }, 'The database replica is not read: the primary answers');
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
