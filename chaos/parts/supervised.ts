import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from '../../bench/stage/children.ts';
import { until } from '../../bench/stage/until.ts';
import { Lane } from './part.ts';
import { lateMax, type Wire } from './wire.ts';

interface SupervisedOptions {
  readonly name: string;
  readonly launch: () => Child;
  readonly isUp: (child: Child) => Promise<boolean> | boolean;
  /** Told of an end that nobody has asked for. */
  readonly onOwnEnd: (said: string) => void;
  readonly signal: AbortSignal;
}

const startTimeoutMs = 120_000;
const startsMax = 5;
const pollMs = 50;
const saidLengthMax = 2_000;

/**
 * A process that is killed and paused by us and by nobody else. One that ends by itself is told of, which is a fault of
 * the run, and started again, as a supervisor does.
 */
export class Supervised {
  readonly #options: SupervisedOptions;
  readonly #lane = new Lane();
  #child: Child | undefined;

  constructor(options: SupervisedOptions) {
    this.#options = options;
  }

  /** Resolves when it is up. */
  start(): Promise<void> {
    return this.#lane.run(() => this.#start());
  }

  /** SIGKILL when the wire says so, so long nothing, and up again. */
  kill(downMs: number, wire: Pick<Wire, 'strike'>): Promise<void> {
    return this.#lane.run(async () => {
      const child = this.#release();
      if (child) await wire.strike(() => send(child, 'SIGKILL'), downMs % lateMax);
      await child?.ended;
      await pause(downMs, undefined, { signal: this.#options.signal });
      await this.#start();
    });
  }

  /** As `kill`, but the process ends itself at a point of its own choice when it is given a signal, if it gets there. */
  killAt(name: NodeJS.Signals, options: { readonly patienceMs: number; readonly downMs: number }): Promise<void> {
    return this.#lane.run(async () => {
      const child = this.#release();
      if (child) {
        send(child, name);
        const timer = setTimeout(() => send(child, 'SIGKILL'), options.patienceMs);
        await child.ended;
        clearTimeout(timer);
      }
      await pause(options.downMs, undefined, { signal: this.#options.signal });
      await this.#start();
    });
  }

  pause(lastsMs: number): Promise<void> {
    return this.#lane.run(async () => {
      const child = this.#child;
      if (child) send(child, 'SIGSTOP');
      await pause(lastsMs, undefined, { signal: this.#options.signal }).finally(() => child && send(child, 'SIGCONT'));
      await this.#untilUp();
    });
  }

  /** SIGTERM; how it then ends is looked at by nobody. */
  stop(): Promise<void> {
    return this.#lane.run(async () => this.#release()?.stop());
  }

  async #start(): Promise<void> {
    for (let starts = 0; starts < startsMax; starts += 1) {
      this.#child = this.#options.launch();
      void this.#watch(this.#child);
      if (await this.#untilUp()) return;
    }
    throw new Error(`${this.#options.name} does not start`);
  }

  async #watch(child: Child): Promise<void> {
    const { status, signal } = await child.ended;
    if (this.#child !== child || this.#options.signal.aborted) return;
    this.#child = undefined;
    const said = child.stderr().trim().slice(-saidLengthMax);
    this.#options.onOwnEnd(`${this.#options.name} ended by itself (${signal ?? `status ${status}`}): ${said}`);
    // Whoever waits for it to be up sees that it is gone; where nobody does, it is started here.
    await this.#lane.run(async () => this.#child ?? this.#start()).catch(() => undefined);
  }

  /** Resolves to false where it ended instead. */
  #untilUp(): Promise<boolean> {
    const { name, isUp, signal } = this.#options;
    const look = async (): Promise<boolean | undefined> => {
      if (this.#child === undefined) return false;
      return (await isUp(this.#child)) ? true : undefined;
    };
    return until(`${name} is up`, look, { timeoutMs: startTimeoutMs, signal, pollMs });
  }

  #release(): Child | undefined {
    const child = this.#child;
    this.#child = undefined;
    return child;
  }
}

/** To the process and all that it forked. */
function send({ pid }: Child, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
