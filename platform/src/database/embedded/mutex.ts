import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { EmbeddedServerError, explained } from './embedded-server-error.ts';

const sqliteBusy = 5;
const waitTimeoutMs = 60_000;
const pollMs = 20;

/**
 * Runs `work` while no other process (and no other caller in this one) runs under the same lock file. The lock is the
 * operating system's, taken by SQLite, so it ends with its process even by kill -9. Throws an EmbeddedServerError
 * after `timeoutMs` (a minute) of waiting.
 */
export async function withMutex<T>(
  lockFile: string,
  work: () => Promise<T>,
  timeoutMs: number = waitTimeoutMs,
): Promise<T> {
  const lock = openLock(lockFile);
  try {
    await acquire(lock, lockFile, timeoutMs);
    return await work();
  } finally {
    lock.close();
  }
}

function openLock(lockFile: string): DatabaseSync {
  try {
    const lock = new DatabaseSync(lockFile, { timeout: 0 });
    // Whoever can read the file could lock it.
    chmodSync(lockFile, 0o600);
    return lock;
  } catch (error) {
    throw explained(`Cannot open the lock ${lockFile}`, error);
  }
}

async function acquire(lock: DatabaseSync, lockFile: string, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!tryAcquire(lock, lockFile)) {
    if (Date.now() > deadline) {
      throw new EmbeddedServerError(
        `Another process has been starting or stopping PostgreSQL for ${Math.round(timeoutMs / 1_000)} s and holds ` +
          `${lockFile}; end it and try again.`,
      );
    }
    // A little chance keeps many waiters from asking at the same moments.
    await pause(pollMs * (0.5 + Math.random()));
  }
}

function tryAcquire(lock: DatabaseSync, lockFile: string): boolean {
  try {
    lock.exec('begin exclusive');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy) return false;
    throw explained(`Cannot lock ${lockFile}`, error);
  }
}
