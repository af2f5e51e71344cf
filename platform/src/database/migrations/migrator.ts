import type { AdoptOutcome } from './adopt.ts';
import {
  type CheckFinding,
  checkLocks,
  type CheckOutcome,
  checkProtected,
  checkRecords,
  checkVersion,
  compareSchemas,
  finding,
} from './check.ts';
import { freshSchema, type ScratchDatabase } from './fresh-schema.ts';
import { messageOf } from './migration-error.ts';
import type { DownTarget } from './plan.ts';
import { recordProtected } from './protected-tables.ts';
import {
  type CurrentMigration,
  currentOf,
  type HistoryEntry,
  historyOf,
  type StatusReport,
  statusOf,
} from './reports.ts';
import { type MigrateOutcome, runAdopt, runDown, runResolve, runTo, runUp } from './run.ts';
import { type MigratorOptions, type Session, withLockedSession, withSession } from './session.ts';
import type { RecordKey } from './state-table.ts';

export interface CheckOptions {
  /** Makes an empty database to compare with; without it the schema is not compared. */
  readonly scratch?: () => Promise<ScratchDatabase>;
}

/**
 * Moves one database along its migrations. Each call opens one connection and closes it; calls that change anything
 * hold the database's lock, so of any number of migrators one works and the others wait and find it done. What comes
 * back is plain data; what goes wrong is a MigrationError.
 */
export interface Migrator {
  status(): Promise<StatusReport>;
  history(): Promise<readonly HistoryEntry[]>;
  current(): Promise<readonly CurrentMigration[]>;
  /** Runs what is pending (up to and with `to`), adopting an earlier system's database first where it matches. */
  up(options?: { readonly to?: string }): Promise<MigrateOutcome>;
  /** Undoes the newest first: so many (default one), or until `to` is the newest; `base` is nothing at all. */
  down(target?: DownTarget): Promise<MigrateOutcome>;
  /** Up or down, whichever makes `name` the newest; `base` is nothing at all. */
  to(name: string): Promise<MigrateOutcome>;
  /** Records what an earlier system applied, if the schema agrees; changes nothing otherwise. */
  adopt(): Promise<AdoptOutcome>;
  /** Says what became of a migration that a crash left half done, where the engine could not roll it back. */
  resolve(name: string, outcome: 'applied' | 'reverted'): Promise<RecordKey>;
  check(options?: CheckOptions): Promise<CheckOutcome>;
  /** Takes the protected tables as they are now for how they should be. */
  acceptProtected(): Promise<void>;
}

export function createMigrator(options: MigratorOptions): Migrator {
  return {
    status: () => withSession(options, async ({ situation, connection }) => statusOf(situation, connection.place)),
    history: () => withSession(options, async ({ situation }) => historyOf(situation)),
    current: () => withSession(options, async ({ situation }) => currentOf(situation)),
    up: ({ to } = {}) => withLockedSession(options, (session) => runUp(session, to)),
    down: (target = { steps: 1 }) => withLockedSession(options, (session) => runDown(session, target)),
    to: (name) => withLockedSession(options, (session) => runTo(session, name)),
    adopt: () => withLockedSession(options, runAdopt),
    resolve: (name, outcome) => withLockedSession(options, (session) => runResolve(session, name, outcome)),
    check: (checkOptions = {}) => withSession(options, (session) => check(session, checkOptions)),
    acceptProtected: () =>
      withLockedSession(options, ({ connection, context }) =>
        recordProtected(connection, context.protectedTables, context.clock.now(), true),
      ),
  };
}

async function check(session: Session, { scratch }: CheckOptions): Promise<CheckOutcome> {
  const { options, connection, situation, context } = session;
  const locks = await checkLocks(options.streams);
  const isComparable = scratch !== undefined && situation.records.some((record) => record.state === 'applied');
  const findings = [
    ...locks.findings,
    ...checkRecords(situation),
    ...(options.versionTable ? await checkVersion(connection, situation, options.versionTable) : []),
    ...(await checkProtected(connection, context.protectedTables)),
    ...(isComparable ? await checkSchema(session, scratch) : []),
  ];
  return { isOk: findings.length === 0, findings, unlocked: locks.unlocked, isCompared: isComparable };
}

async function checkSchema(
  session: Session,
  scratch: () => Promise<ScratchDatabase>,
): Promise<readonly CheckFinding[]> {
  const live = await session.connection.describe();
  try {
    const fresh = await freshSchema(session, scratch);
    return compareSchemas(fresh, live, session.context.protectedTables);
  } catch (error) {
    return [finding('fresh', `An empty database cannot be brought to this state: ${messageOf(error)}`)];
  }
}
