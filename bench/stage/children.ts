import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, truncateSync } from 'node:fs';

export type Variables = Readonly<Record<string, string>>;

/** A process that was started for the bench, in a process group of its own. */
export interface Child {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** What it has written to standard error so far, its last part. */
  stderr(): string;
  /** Empties the file that standard output goes to: rounds of logs would fill a disk. */
  emptyLog(): void;
  /** SIGTERM, and after `stopTimeoutMs` SIGKILL to its group. Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  readonly env: Variables;
  readonly cwd?: string;
  /** Where standard output goes; without it to nowhere. */
  readonly logFile?: string;
}

export interface RunOptions {
  readonly env: Variables;
  readonly cwd?: string;
  readonly timeoutMs: number;
}

const stopTimeoutMs = 10_000;
const textLengthMax = 20_000;
const outputLengthMax = 64 * 1024 * 1024;

/** Keeps the processes of a run, so that none of them outlives it. */
export class Children {
  readonly #running = new Set<Child>();
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    // The last resort, where an error has passed by everything else: nothing can be waited for any more.
    process.on('exit', () => {
      for (const { pid } of this.#running) sendTo(-pid, 'SIGKILL');
    });
  }

  /** Starts a process that runs until it is stopped. */
  start(command: string, args: readonly string[], options: SpawnOptions): Child {
    this.#signal.throwIfAborted();
    const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a', 0o600);
    const child = spawn(command, args, {
      env: { ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['ignore', log ?? 'ignore', 'pipe'],
      detached: true,
    });
    if (log !== undefined) closeSync(log);
    const started = this.#childOf(child, command, options.logFile);
    this.#running.add(started);
    void started.ended.then(() => this.#running.delete(started));
    return started;
  }

  /** Runs a command to its end and returns its standard output. Throws with its standard error where it fails. */
  async run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
    const { status, signal, stdout, stderr } = await this.#runToEnd(command, args, options);
    if (status === 0) return stdout;
    throw new Error(`${command} ended with ${signal ?? `status ${status}`}: ${stderr.trim()}`);
  }

  /** Runs a command whose failure is an answer too: its status and everything that it wrote. */
  async tryRun(
    command: string,
    args: readonly string[],
    options: RunOptions,
  ): Promise<{ readonly status: number; readonly output: string }> {
    const { status, stdout, stderr } = await this.#runToEnd(command, args, options);
    return { status: status ?? -1, output: `${stdout}${stderr}` };
  }

  #runToEnd(
    command: string,
    args: readonly string[],
    options: RunOptions,
  ): Promise<Ending & { readonly stdout: string; readonly stderr: string }> {
    this.#signal.throwIfAborted();
    const child = spawn(command, args, {
      env: { ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      signal: this.#signal,
    });
    const [stdout, stderr] = [collected(child.stdout, outputLengthMax), collected(child.stderr, textLengthMax)];
    return new Promise((resolve, reject) => {
      child.once('error', (error) => reject(this.#signal.aborted ? error : new Error(`${command}: ${error.message}`)));
      child.once('close', (status, signal) => resolve({ status, signal, stdout: stdout(), stderr: stderr() }));
    });
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.stop()));
  }

  #childOf(child: ChildProcess, command: string, logFile: string | undefined): Child {
    const stderr = collected(child.stderr, textLengthMax);
    const ended = new Promise<Ending>((resolve, reject) => {
      child.once('error', (error) => reject(new Error(`Cannot start ${command}`, { cause: error })));
      child.once('close', (status, signal) => resolve({ status, signal }));
    });
    const { pid } = child;
    if (pid === undefined) throw new Error(`Cannot start ${command}`);
    return {
      pid,
      ended,
      stderr,
      emptyLog: () => logFile !== undefined && truncateSync(logFile),
      stop: async () => {
        sendTo(pid, 'SIGTERM');
        const timer = setTimeout(() => sendTo(-pid, 'SIGKILL'), stopTimeoutMs);
        await ended;
        clearTimeout(timer);
      },
    };
  }
}

function collected(stream: NodeJS.ReadableStream | null, lengthMax: number): () => string {
  let text = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => (text = (text + chunk).slice(-lengthMax)));
  return () => text;
}

/** Sends a signal to a process or (negative) to a group; one that is gone is no error. */
function sendTo(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
