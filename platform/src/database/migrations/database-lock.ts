import type { MigrationConnection } from './connection.ts';
import { MigrationError } from './migration-error.ts';

export interface LockOptions {
  readonly timeoutMs: number;
  /** Hears that somebody else is at work. */
  readonly say: (line: string) => void;
}

/**
 * Runs `work` while no other migrator is at this database. The lock belongs to the database and not to a service:
 * services that share one share the state table and the platform's migrations too. The engine gives it back when the
 * connection ends, so a killed process leaves none behind.
 */
export async function withDatabaseLock<T>(
  connection: MigrationConnection,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const name = `quinta migrate ${connection.database}`;
  if (!(await connection.takeLock(name, 0))) await waitForLock(connection, name, options);
  try {
    return await work();
  } finally {
    // Where the connection has gone the lock has gone with it, and the error of `work` says more.
    await connection.releaseLock(name).catch(() => undefined);
  }
}

async function waitForLock(connection: MigrationConnection, name: string, options: LockOptions): Promise<void> {
  const holder = (await connection.lockHolder(name)) ?? 'somebody';
  options.say(`Another migrator (${holder}) is at work on ${connection.place}: waiting`);
  if (await connection.takeLock(name, options.timeoutMs)) return;
  const present = (await connection.lockHolder(name)) ?? 'somebody';
  throw new MigrationError(
    'lock_timeout',
    `Another migrator (${present} of the server) was still at work on ${connection.place} after ${options.timeoutMs} ms: let it finish, then try again`,
  );
}
