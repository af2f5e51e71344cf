import { defineProblem, Problem } from '../kernel/index.ts';
import { databaseBusy, databaseUnavailable } from './faults.ts';

/**
 * Many requests, one statement. A hot write is written over a set of commands, and a coalescer makes the sets:
 *
 *     const draws = createCoalescer({ operation: 'vale.issue', run: (set: readonly Draw[]) => drawSet(database, set) });
 *     const drawn = await draws.submit(draw, context.signal);
 *
 * An idle coalescer sends a command at once, alone: there is no timer, so nothing is slower than without it. While a set
 * runs, commands wait; when it ends, the oldest of them are the next set, so sets grow with the load by themselves.
 *
 * What the author of `run` keeps to:
 * 1. One outcome a command, in the order of the commands, as if they had come one after the other. A refusal is an
 *    outcome: each rule is a condition inside the statement, and what was not returned was refused.
 * 2. All or nothing: the rows of a command, its audit row, its outbox row and its key are written by one statement
 *    (where the engine cannot, by one transaction). Where `run` throws, nothing was written, unless the connection was
 *    lost.
 * 3. Each command carries its key, and one that was done before answers so. A client who heard an error tries again
 *    with it; without it, nobody could tell whether that does the same thing twice.
 *
 * What the coalescer does in return:
 * - Each command has its own outcome, and is durable before its `submit` resolves.
 * - A set that throws as a whole is run again in halves, down to the one command that is to blame: it alone rejects.
 * - Where the connection was lost, nobody knows what was committed, so nothing is run again: every command of the set
 *   rejects with `database_unavailable`. So it does with `database_busy` after a timeout, which halves would wait for
 *   again.
 * - More than `queueMax` that wait, or one that waited longer than `waitMaxMs`, are refused with 503 and were not sent.
 * - What its client abandoned before it was sent is not sent.
 */

/** How a set runs: one statement, one outcome a command, in the order of the commands. */
export type RunSet<Command, Outcome> = (commands: readonly Command[]) => Promise<readonly Outcome[]>;

export interface CoalescerOptions<Command, Outcome> {
  /** The operation's name, for metrics. */
  readonly operation: string;
  readonly run: RunSet<Command, Outcome>;
  /** The most commands of one set; default 128, above which little is won. */
  readonly setMax?: number;
  /** The most commands that wait; one more is refused with 503. Default 10,000. */
  readonly queueMax?: number;
  /** One that has waited longer is refused with 503 when its turn comes; default 30,000, as long as clients wait. */
  readonly waitMaxMs?: number;
  /** Sets under way at once in this process; default 1, which suits hot rows best. */
  readonly inFlightMax?: number;
  /**
   * How many of those that wait make a set. `half` (the default) counts those that were just answered, whose clients will
   * soon be back: the database runs one half while the process answers and reads the other. With `all`, clients that wait
   * for each answer settle in two crowds of 1 and 63, and database and process wait for each other; it suits statements
   * whose price hardly depends on the size of the set.
   */
  readonly takes?: 'half' | 'all';
  /** Told of each set that ended, whatever became of it; must not throw. */
  readonly observe?: (observed: SetObservation) => void;
}

/** One set that ended. */
export interface SetObservation {
  readonly operation: string;
  readonly size: number;
  /** How long its first command had waited to be sent, in milliseconds. */
  readonly waitMs: number;
  readonly durationMs: number;
  /** Whether it failed as a whole and was bisected. */
  readonly wasBisected: boolean;
}

export interface Coalescer<Command, Outcome> {
  /**
   * Resolves to the command's own outcome once it is durable. A command whose signal is aborted before it was sent is
   * never sent, and rejects with the signal's reason; one that was sent runs to its end.
   * @throws Problem `too_busy` where too many wait or it waited too long: it was not sent
   * @throws Problem `database_unavailable` where it may have been done or not: its key decides
   * @throws Problem `database_busy` where the database gave up: it was not done
   */
  submit(command: Command, signal?: AbortSignal): Promise<Outcome>;
  /** How many wait, for metrics. */
  readonly waiting: number;
  /** Resolves when nothing is under way or waiting any more. */
  idle(): Promise<void>;
}

export const tooBusy = defineProblem(
  'too_busy',
  503,
  'Service Unavailable',
  'More requests are waiting than can be taken: try again in a moment.',
);

const setMaxDefault = 128;
const queueMaxDefault = 10_000;
const waitMaxMsDefault = 30_000;
/** A full queue is looked through for abandoned commands so many times while as many as it holds are refused. */
const sweepsPerQueue = 64;

interface Waiting<Command, Outcome> {
  readonly command: Command;
  readonly sinceMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
}

export function createCoalescer<Command, Outcome>(
  options: CoalescerOptions<Command, Outcome>,
): Coalescer<Command, Outcome> {
  return new QueueingCoalescer(options);
}

class QueueingCoalescer<Command, Outcome> implements Coalescer<Command, Outcome> {
  readonly #operation: string;
  readonly #run: RunSet<Command, Outcome>;
  readonly #observe: CoalescerOptions<Command, Outcome>['observe'];
  readonly #setMax: number;
  readonly #queueMax: number;
  readonly #waitMaxMs: number;
  readonly #inFlightMax: number;
  readonly #takes: 'half' | 'all';
  #queue: Waiting<Command, Outcome>[] = [];
  #inFlight = 0;
  #refused = 0;
  /** Commands of the set that was sent last. */
  #lastSize = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: CoalescerOptions<Command, Outcome>) {
    this.#operation = options.operation;
    this.#run = options.run;
    this.#observe = options.observe;
    this.#setMax = atLeastOne('setMax', options.setMax ?? setMaxDefault);
    this.#queueMax = atLeastOne('queueMax', options.queueMax ?? queueMaxDefault);
    this.#waitMaxMs = atLeastOne('waitMaxMs', options.waitMaxMs ?? waitMaxMsDefault);
    this.#inFlightMax = atLeastOne('inFlightMax', options.inFlightMax ?? 1);
    this.#takes = options.takes ?? 'half';
  }

  get waiting(): number {
    return this.#queue.length;
  }

  submit(command: Command, signal?: AbortSignal): Promise<Outcome> {
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    if (this.#isFull()) return Promise.reject(refusal());
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, signal, resolve, reject, sinceMs: performance.now() });
      this.#sendNext();
    });
  }

  idle(): Promise<void> {
    if (this.#inFlight === 0 && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #sendNext(): void {
    while (this.#inFlight < this.#inFlightMax) {
      const set = this.#takeSet();
      if (set.length === 0) break;
      this.#inFlight += 1;
      void this.#send(set).finally(() => {
        this.#inFlight -= 1;
        this.#sendNext();
      });
    }
    if (this.#inFlight > 0 || this.#queue.length > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Whether one more would be too many. Those that were abandoned meanwhile make room for it. */
  #isFull(): boolean {
    if (this.#queue.length < this.#queueMax) return false;
    // Looking through all that wait for each that is refused would be work that grows with the overload.
    if (this.#refused++ % Math.ceil(this.#queueMax / sweepsPerQueue) !== 0) return true;
    this.#queue = this.#queue.filter((waiting) => this.#isWanted(waiting, -Infinity));
    return this.#queue.length >= this.#queueMax;
  }

  /** The oldest commands that somebody still waits for. */
  #takeSet(): Waiting<Command, Outcome>[] {
    const set: Waiting<Command, Outcome>[] = [];
    const oldestMs = performance.now() - this.#waitMaxMs;
    const sizeMax = Math.min(this.#setMax, this.#takes === 'half' ? this.#halfOfAll() : Infinity);
    let taken = 0;
    for (const waiting of this.#queue) {
      if (set.length >= sizeMax) break;
      taken += 1;
      if (this.#isWanted(waiting, oldestMs)) set.push(waiting);
    }
    this.#queue = this.#queue.slice(taken);
    this.#lastSize = set.length;
    return set;
  }

  /** Those that wait, and those of the last set, whose clients are as good as back. */
  #halfOfAll(): number {
    return Math.ceil((this.#queue.length + this.#lastSize) / 2);
  }

  /** Whether it is still to be sent; tells whoever waits for it where it is not. */
  #isWanted({ signal, sinceMs, reject }: Waiting<Command, Outcome>, oldestMs: number): boolean {
    if (signal?.aborted) reject(reasonOf(signal));
    else if (sinceMs < oldestMs) reject(refusal());
    else return true;
    return false;
  }

  async #send(set: readonly Waiting<Command, Outcome>[]): Promise<void> {
    const startedMs = performance.now();
    const wasBisected = await this.#settle(set);
    this.#observe?.({
      operation: this.#operation,
      size: set.length,
      waitMs: startedMs - (set[0]?.sinceMs ?? startedMs),
      durationMs: performance.now() - startedMs,
      wasBisected,
    });
  }

  /** Gives each command its outcome; says whether the set had to be split. Never rejects. */
  async #settle(set: readonly Waiting<Command, Outcome>[]): Promise<boolean> {
    try {
      const outcomes = await this.#run(set.map(({ command }) => command));
      if (outcomes.length !== set.length) {
        throw new SetMismatch(this.#operation, set.length, outcomes.length);
      }
      for (const [place, outcome] of outcomes.entries()) set[place]?.resolve(outcome);
      return false;
    } catch (error) {
      if (set.length === 1 || isForEverybody(error)) {
        for (const waiting of set) waiting.reject(error);
        return false;
      }
      const middle = Math.ceil(set.length / 2);
      await this.#settle(set.slice(0, middle));
      await this.#settle(set.slice(middle));
      return true;
    }
  }
}

/** The statement ran and told of another number of commands: what it did is done, so it must not run again. */
class SetMismatch extends Error {
  constructor(operation: string, sent: number, told: number) {
    super(`${operation} took ${sent} commands and told of ${told}`);
  }
}

/** What no single command is to blame for, and what a second try could do twice or only make worse. */
function isForEverybody(error: unknown): boolean {
  if (error instanceof SetMismatch) return true;
  if (!(error instanceof Problem)) return false;
  return error.code === databaseUnavailable.definition.code || error.code === databaseBusy.definition.code;
}

/** The client may come again at once: it was not sent. */
function refusal(): Problem {
  return tooBusy({}, { headers: { 'retry-after': '1' } });
}

function atLeastOne(name: string, value: number): number {
  if (value >= 1) return value;
  throw new RangeError(`${name} of a coalescer must be at least 1, not ${value}`);
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('The client has gone');
}
