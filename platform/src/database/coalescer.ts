import { defineProblem, Problem } from '../kernel/index.ts';
import { databaseBusy, databaseUnavailable } from './faults.ts';

/**
 * Gathers commands that wait while the last set runs, and sends them as the next one.
 *
 * An idle coalescer sends a command at once: there is no timer, so nothing is slower than alone. While a set runs,
 * commands wait; when it ends, those that wait are the next set, so sets grow with the load by themselves. Each command
 * has its own outcome. A rule is a condition inside the statement, never an exception; if a set fails as a whole all the
 * same, it is bisected, so that one poisonous command harms nobody else. Where the connection is lost nobody knows what
 * was committed: then every command of the set hears `database_unavailable`, and its idempotency key decides a retry.
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
  /** Sets under way at once; default 1, which suits hot rows best. */
  readonly inFlightMax?: number;
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
   * @throws Problem `too_busy` where too many wait
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
  readonly #options: CoalescerOptions<Command, Outcome>;
  readonly #setMax: number;
  #queue: Waiting<Command, Outcome>[] = [];
  #inFlight = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: CoalescerOptions<Command, Outcome>) {
    this.#options = options;
    this.#setMax = options.setMax ?? setMaxDefault;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  submit(command: Command, signal?: AbortSignal): Promise<Outcome> {
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    if (this.#queue.length >= (this.#options.queueMax ?? queueMaxDefault)) {
      return Promise.reject(tooBusy({}, { headers: { 'retry-after': '1' } }));
    }
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
    while (this.#inFlight < (this.#options.inFlightMax ?? 1)) {
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

  /** The oldest commands that somebody still waits for. */
  #takeSet(): Waiting<Command, Outcome>[] {
    const set: Waiting<Command, Outcome>[] = [];
    let taken = 0;
    for (const waiting of this.#queue) {
      if (set.length >= this.#setMax) break;
      taken += 1;
      if (waiting.signal?.aborted) waiting.reject(reasonOf(waiting.signal));
      else set.push(waiting);
    }
    this.#queue = this.#queue.slice(taken);
    return set;
  }

  async #send(set: readonly Waiting<Command, Outcome>[]): Promise<void> {
    const startedMs = performance.now();
    const wasBisected = await this.#settle(set);
    this.#options.observe?.({
      operation: this.#options.operation,
      size: set.length,
      waitMs: startedMs - (set[0]?.sinceMs ?? startedMs),
      durationMs: performance.now() - startedMs,
      wasBisected,
    });
  }

  /** Gives each command its outcome; says whether the set had to be split. Never rejects. */
  async #settle(set: readonly Waiting<Command, Outcome>[]): Promise<boolean> {
    try {
      const outcomes = await this.#options.run(set.map(({ command }) => command));
      if (outcomes.length !== set.length) {
        throw new SetMismatch(this.#options.operation, set.length, outcomes.length);
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

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('The client has gone');
}
