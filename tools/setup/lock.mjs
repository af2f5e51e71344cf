import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import { exitCodeOf } from './child.mjs';
import { messageOf, SetupError } from './setup-error.mjs';

/** @typedef {{ pid: number, startedAt: string }} Owner a process, told from a later one with the same id */
/** @typedef {{ share(pid: number): void, release(): void }} Lock */

const pollMs = 100;
const waitTimeoutMs = 20 * 60_000;

/**
 * Takes a lock file that outlives no process: it names its owner and, while npm runs, npm; when both are gone, by
 * kill -9 too, the next one takes it over. Waits for a living owner. Throws a SetupError after twenty minutes.
 * @param {string} path
 * @param {import('./child.mjs').Signals} signals
 * @returns {Promise<Lock>}
 */
export async function acquireLock(path, signals) {
  const deadline = Date.now() + waitTimeoutMs;
  for (let isTold = false; !tryLock(path); isTold = true) {
    if (!isTold) console.error('Another start is installing packages; waiting for it…');
    if (signals.received !== undefined) throw new SetupError('Stopped.', exitCodeOf(signals.received));
    if (Date.now() > deadline) {
      throw new SetupError(`Another start has been installing packages for too long; end it, or remove ${path}.`);
    }
    await pause(pollMs);
  }
  return {
    share: (pid) => writeOwners(path, [ownerOf(process.pid), ownerOf(pid)]),
    release: () => rmSync(path, { force: true }),
  };
}

/**
 * A hard link appears at once with all it says, or not at all. A stale lock is only ever removed by who holds the lock
 * beside it, after another look: else two could see the same stale lock, and the second remove the first one's new one.
 * @param {string} path
 * @returns {boolean}
 */
function tryLock(path) {
  const candidate = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    writeFileSync(candidate, JSON.stringify([ownerOf(process.pid)]));
    linkSync(candidate, path);
    return true;
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isTaken) throw new SetupError(`Cannot lock the set-up with ${path}: ${messageOf(error)}`);
  } finally {
    rmSync(candidate, { force: true });
  }
  if (isStale(path)) removeStale(path);
  return false;
}

/** @param {string} path */
function removeStale(path) {
  const beside = `${path}.stale`;
  if (!tryLock(beside)) return;
  try {
    if (isStale(path)) rmSync(path, { force: true });
  } finally {
    rmSync(beside, { force: true });
  }
}

/** @param {string} path */
function isStale(path) {
  try {
    const owners = /** @type {readonly Owner[]} */ (JSON.parse(readFileSync(path, 'utf8')));
    return !owners.some(({ pid, startedAt }) => startOf(pid) === startedAt);
  } catch (error) {
    return error instanceof SyntaxError;
  }
}

/**
 * @param {string} path
 * @param {readonly Owner[]} owners
 */
function writeOwners(path, owners) {
  const part = `${path}.${process.pid}`;
  writeFileSync(part, JSON.stringify(owners));
  renameSync(part, path);
}

/** @param {number} pid */
function ownerOf(pid) {
  return { pid, startedAt: startOf(pid) };
}

/**
 * When a living process was started, in words that only serve to compare; `gone` for one that is not there.
 * @param {number} pid
 */
function startOf(pid) {
  try {
    return process.platform === 'linux' ? startInProc(pid) : startInPs(pid);
  } catch {
    return 'gone';
  }
}

/**
 * Field 22 of /proc/<pid>/stat (proc(5)), in ticks since boot; a zombie is gone.
 * @param {number} pid
 */
function startInProc(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : (fields[19] ?? 'gone');
}

/** @param {number} pid */
function startInPs(pid) {
  return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
}
