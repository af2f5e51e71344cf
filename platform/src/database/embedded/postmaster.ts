import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EmbeddedServerError } from './embedded-server-error.ts';

/** A running postmaster, as its postmaster.pid says. */
export interface Postmaster {
  readonly pid: number;
  /** Undefined in the first moments of a start. */
  readonly socketDirectory: string | undefined;
}

/** Which line of postmaster.pid names the folder of the socket, counted from 0. */
const socketLine = 4;
const pollMs = 15;
const fastStopTimeoutMs = 30_000;
const immediateStopTimeoutMs = 10_000;

/** The live postmaster of a cluster; undefined where none runs, whatever a stale postmaster.pid says. */
export function findPostmaster(clusterDirectory: string): Postmaster | undefined {
  const lines = readPidFile(clusterDirectory)?.split('\n') ?? [];
  const pid = Number(lines[0]);
  if (!isPostmasterOf(pid, clusterDirectory)) return undefined;
  // The file grows while the server starts: a line counts when its end is there.
  const socketDirectory = lines.length > socketLine + 1 ? lines[socketLine] : undefined;
  return { pid, socketDirectory: socketDirectory === '' ? undefined : socketDirectory };
}

/**
 * Stops a postmaster: fast (open transactions are rolled back, a checkpoint is written), and after half a minute at
 * once (the next start recovers). Throws an EmbeddedServerError when even that does not end it.
 */
export async function stopPostmaster(clusterDirectory: string, { pid }: Postmaster): Promise<void> {
  const isGone = (): boolean => findPostmaster(clusterDirectory)?.pid !== pid;
  signal(pid, 'SIGINT');
  if (await holdsWithin(fastStopTimeoutMs, isGone)) return;
  signal(pid, 'SIGQUIT');
  if (await holdsWithin(immediateStopTimeoutMs, isGone)) return;
  throw new EmbeddedServerError(`PostgreSQL (process ${pid}) of ${clusterDirectory} does not stop.`);
}

/**
 * Makes a stale postmaster.pid harmless. PostgreSQL refuses to start while the process id in it is in use, even by a
 * zombie or a stranger, but for its own parent's, which it takes for a leftover: so ours goes in. Removing the file
 * instead would also remove PostgreSQL's own check that no backend of the old server is still at work.
 */
export function disarmPidFile(clusterDirectory: string): void {
  const text = readPidFile(clusterDirectory);
  if (text === undefined) return;
  writeFileSync(pidFileOf(clusterDirectory), text.replace(/^\d*/, String(process.pid)));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Polls until `condition` holds; false when `timeoutMs` pass before. */
export async function holdsWithin(timeoutMs: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) return false;
    await pause(pollMs);
  }
  return true;
}

/**
 * Whether the process runs that cluster, be it deleted. An id that a file names may by now be a stranger's, or a
 * zombie's that nobody reaps: the process itself is asked.
 */
export function isPostmasterOf(pid: number, clusterDirectory: string): boolean {
  if (!Number.isInteger(pid) || pid <= 1 || !isAlive(pid)) return false;
  return existsSync('/proc/self/cwd') ? worksIn(pid, clusterDirectory) : isCalledPostgres(pid);
}

/** On Linux: PostgreSQL's working folder is its cluster; a zombie has none. */
function worksIn(pid: number, clusterDirectory: string): boolean {
  try {
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    return folder === clusterDirectory || folder === `${clusterDirectory} (deleted)`;
  } catch {
    return false;
  }
}

function isCalledPostgres(pid: number): boolean {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,comm=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return !line.startsWith('Z') && /postgres\b/.test(line);
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw new EmbeddedServerError(`May not stop PostgreSQL (process ${pid}).`, { cause: error });
  }
}

function readPidFile(clusterDirectory: string): string | undefined {
  const path = pidFileOf(clusterDirectory);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function pidFileOf(clusterDirectory: string): string {
  return join(clusterDirectory, 'postmaster.pid');
}
