import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { mexa } from '@quinta/mexa';
import { moveAcces } from '@quinta/move-acces';
import { hostSettings } from '@quinta/platform/service';
import { sofipo } from '@quinta/sofipo';
import { expect, vi } from 'vitest';

/** The `quinta` command of this checkout, run as a process of its own by the Node that runs the tests. */
export const mainScript = fileURLToPath(import.meta.resolve('../src/main.ts'));

export const patience = { timeout: 60_000, interval: 20 };

export type Variables = Readonly<Record<string, string>>;

/** How a command ended and what it wrote. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that was started, in a process group of its own. */
export interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  stdout(): string;
  stderr(): string;
  /** Sends a signal to the process alone. */
  signal(name: NodeJS.Signals): void;
  /** Sends a signal to the process and all that it forked, as a terminal does. */
  signalGroup(name: NodeJS.Signals): void;
}

/** A `quinta start` that has printed its page. */
export interface Server extends Running {
  /** `http://127.0.0.1:43211` */
  readonly address: string;
  readonly port: number;
  /** SIGTERM, and what became of it. */
  stop(): Promise<Outcome>;
}

/** A data folder with the processes that work on it. */
export interface Place {
  readonly folder: string;
  readonly variables: Variables;
  /** Runs a command to its end. */
  run(
    words: readonly string[],
    options?: { readonly variables?: Variables; readonly input?: string },
  ): Promise<Outcome>;
  /** Starts a command and does not wait for anything. */
  launch(words: readonly string[], variables?: Variables): Running;
  /** Starts a server and waits until it has printed its page. */
  start(words: readonly string[], variables?: Variables): Promise<Server>;
  /** Ends what still runs and removes the folder. */
  close(): Promise<void>;
}

/** A new, empty data folder with free ports, cheap passwords and none of the variables of whoever runs the tests. */
export function openPlace(variables: Variables = {}): Place {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'quinta-cli-')));
  chmodSync(folder, 0o755); // else root's database, which runs as nobody, would move out of it
  const all = { ...emptied, ...fixed, QUINTA_DATA_DIR: folder, ...variables };
  const launched: Running[] = [];
  const launch = (words: readonly string[], more: Variables = {}): Running => {
    const running = spawnQuinta(words, { ...all, ...more });
    launched.push(running);
    return running;
  };
  return {
    folder,
    variables: all,
    launch,
    run: async (words, options = {}) => {
      const running = launch(words, options.variables);
      running.child.stdin?.end(options.input ?? '');
      return running.ended;
    },
    start: (words, more) => untilServing(launch(words, more)),
    close: async () => {
      for (const running of launched) running.signalGroup('SIGKILL');
      await Promise.all(launched.map(({ ended }) => ended));
      await endServer(folder);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Every variable that the services read, empty: an empty one counts as not set and wins over a `.env` in the checkout,
 * so that no test ever touches the database of whoever runs it.
 */
const emptied: Variables = Object.fromEntries(
  [hostSettings, mexa.settings, moveAcces.settings, sofipo.settings].flatMap(Object.keys).flatMap((name) => [
    [name, ''],
    [`MEXA_${name}`, ''],
    [`MOVE_ACCES_${name}`, ''],
    [`SOFIPO_${name}`, ''],
    [`QUINTA_${name}`, ''],
  ]),
);

const fixed: Variables = {
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  HOST: '127.0.0.1',
  PORT: '0',
  LOGIN_ATTEMPTS_PER_MINUTE: '10000',
  SHUTDOWN_TIMEOUT_MS: '20000',
  // An hour that strikes while tests run would close a day, and tell of it.
  SOFIPO_DAY_CLOSE: 'off',
};

function spawnQuinta(words: readonly string[], env: Variables): Running {
  const child = spawn(process.execPath, [mainScript, ...words], {
    env: { ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const [stdout, stderr] = [collected(child.stdout), collected(child.stderr)];
  const { pid } = child;
  if (pid === undefined) throw new Error('quinta could not be started');
  child.stdin.on('error', () => undefined); // a command that ends at once does not read its input
  const ended = new Promise<Outcome>((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal, stdout: stdout(), stderr: stderr() }));
  });
  return {
    pid,
    child,
    ended,
    stdout,
    stderr,
    signal: (name) => void child.kill(name),
    signalGroup: (name) => sendTo(-pid, name),
  };
}

function collected(stream: NodeJS.ReadableStream): () => string {
  const chunks: string[] = [];
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => chunks.push(chunk));
  return () => chunks.join('');
}

async function untilServing(running: Running): Promise<Server> {
  let end: Outcome | undefined;
  void running.ended.then((outcome) => (end = outcome));
  const address = await vi.waitFor(() => {
    const [, found] = /^Quinta answers at (\S+)$/m.exec(running.stderr()) ?? [];
    if (found === undefined && end === undefined) throw new Error(`No page yet:\n${running.stderr()}`);
    return found;
  }, patience);
  // The page is printed in one piece; its last line says so.
  if (address === undefined) throw new Error(`quinta start ended with ${end?.status}:\n${running.stderr()}`);
  await vi.waitFor(() => expect(running.stderr()).toContain('Stop with Ctrl-C.'), patience);
  const stop = (): Promise<Outcome> => {
    running.signal('SIGTERM');
    return running.ended;
  };
  return { ...running, address, port: Number(new URL(address).port), stop };
}

/** Tells what a command said where it ended otherwise than it should. */
export function assertEnded(outcome: Outcome, status: number): void {
  if (outcome.status === status) return;
  throw new Error(
    `The command ended with ${outcome.status ?? outcome.signal}, not ${status}: ${outcome.stderr}${outcome.stdout}`,
  );
}

/** Sends a signal to a process or (negative) to a group; one that is gone is no error. */
export function sendTo(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** The database server of a data folder, where one runs: the process that works in the cluster's folder. */
export function postmasterOf(folder: string): { readonly pid: number; readonly socketFolder: string } | undefined {
  const cluster = path.join(folder, 'cluster');
  const file = path.join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, 'utf8').split('\n');
  const pid = Number(lines[0]);
  return workingFolder(pid) === cluster ? { pid, socketFolder: lines[4] ?? '' } : undefined;
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // it is gone, or a zombie
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Nothing runs any more: neither the database server of the folder nor a process of the group. */
export async function expectNothingRuns(place: Place, running: Pick<Running, 'pid'>): Promise<void> {
  await vi.waitFor(() => {
    expect(postmasterOf(place.folder)).toBeUndefined();
    expect(existsSync(path.join(place.folder, 'cluster', 'postmaster.pid'))).toBe(false);
    expect(() => process.kill(-running.pid, 0)).toThrow('ESRCH');
  }, patience);
}

/** Stops the server that a killed process has left, and waits for its end. */
async function endServer(folder: string): Promise<void> {
  const server = postmasterOf(folder);
  if (!server) return;
  sendTo(server.pid, 'SIGINT');
  await vi.waitFor(() => expect(postmasterOf(folder)).toBeUndefined(), patience);
  rmSync(server.socketFolder, { recursive: true, force: true });
}
