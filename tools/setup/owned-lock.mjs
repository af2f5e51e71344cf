import { linkSync, mkdirSync, readFileSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

const pauseMs = 200;
const waitMsMax = 15 * 60_000;
const breakerAgeMsMax = 10_000;

/**
 * Runs `work` while no other process holds the lock of this path. The lock names its owner by pid and start time, so
 * that one whose owner was killed is taken over, even where the pid has been given away again.
 * @template T
 * @param {string} path
 * @param {{ onWait: () => void }} tell
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withOwnedLock(path, { onWait }, work) {
  const release = await acquire(path, onWait);
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * @param {string} path
 * @param {() => void} onWait
 * @returns {Promise<() => void>}
 */
async function acquire(path, onWait) {
  const mine = JSON.stringify({
    pid: process.pid,
    started: startOf(process.pid),
    nonce: randomBytes(8).toString('hex'),
  });
  const draft = `${path}.${process.pid}`;
  const deadline = Date.now() + waitMsMax;
  for (let attempt = 0; ; attempt++) {
    writeFileSync(draft, mine);
    try {
      linkSync(draft, path); // atomic: fails where the lock is there, and is whole where it succeeds
      return () => {
        if (readOrUndefined(path) === mine) unlinkSync(path);
      };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
    const held = readOrUndefined(path);
    if (held !== undefined && !isAlive(held)) breakLock(path, held);
    else {
      if (attempt === 0) onWait();
      if (Date.now() > deadline)
        throw new Error(`Another process has held ${path} for too long: end it, or delete the file`);
      await pause(pauseMs);
    }
  }
}

/**
 * Two who find a dead owner must not both delete: the second would delete the lock of the first.
 * @param {string} path
 * @param {string} dead
 */
function breakLock(path, dead) {
  const breaker = `${path}.breaking`;
  try {
    mkdirSync(breaker);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const made = statSync(breaker, { throwIfNoEntry: false });
    if (made && Date.now() - made.mtimeMs > breakerAgeMsMax) rmdirSync(breaker);
    return;
  }
  try {
    if (readOrUndefined(path) === dead) unlinkSync(path);
  } finally {
    rmdirSync(breaker);
  }
}

/** @param {string} held */
function isAlive(held) {
  try {
    const owner = /** @type {{ pid: number, started: string }} */ (JSON.parse(held));
    return owner.started === startOf(owner.pid);
  } catch {
    return false; // nothing that a process of ours would have written
  }
}

/**
 * When a process began, in whatever form the system tells it; undefined where there is no such process.
 * @param {number} pid
 */
function startOf(pid) {
  try {
    // Behind the command's closing bracket, which may itself hold spaces and brackets, the 20th field.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19];
  } catch {
    return startByPs(pid);
  }
}

/** @param {number} pid */
function startByPs(pid) {
  if (process.platform === 'linux') return undefined;
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined; // ps says by its status that there is no such process
  }
}

/** @param {string} path */
function readOrUndefined(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // released meanwhile
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
