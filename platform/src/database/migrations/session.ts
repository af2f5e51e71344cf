import { type Clock, type Log, systemClock } from '../../kernel/index.ts';
import type { Dialect } from '../dialect.ts';
import type { MigrationRunner } from '../migration.ts';
import type { ApplyContext } from './apply.ts';
import { connect, type MigrationConnection } from './connection.ts';
import { withDatabaseLock } from './database-lock.ts';
import { MigrationError } from './migration-error.ts';
import type { Situation } from './plan.ts';
import { readRecords } from './state-table.ts';
import { loadStreams, type MigrationStream } from './stream.ts';
import type { VersionTable } from './version-table.ts';

export interface MigratorOptions {
  /** Of the owner's role: it creates and alters tables. */
  readonly url: string;
  /** Default: as the URL says. */
  readonly dialect?: Dialect;
  /** The service's name, which is also the name of its stream. */
  readonly service: string;
  /** In the order in which they run. */
  readonly streams: readonly MigrationStream[];
  /** An earlier system's version table, to be adopted from and kept up. */
  readonly versionTable?: VersionTable;
  /** How long to wait for another migrator of the same database. */
  readonly lockTimeoutMs: number;
  readonly log: Log;
  /** Hears what is being done, a line at a time, for a person. */
  readonly say?: (line: string) => void;
  /** Tables of another system, which no migration may name. */
  readonly protectedTables?: readonly string[];
  /** Runs before the shapes of protected tables are noted: makes them where there is no other system. */
  readonly beforeRecord?: (runner: MigrationRunner) => Promise<void>;
  /** Runs at the end of every `up`, under the lock, whether anything was pending or not: grants, say. */
  readonly afterUp?: (runner: MigrationRunner) => Promise<void>;
  readonly clock?: Clock;
  /** Noted with each migration that is applied. */
  readonly appVersion?: string;
}

/** One operation's connection and what was found there. */
export interface Session {
  readonly options: MigratorOptions;
  readonly connection: MigrationConnection;
  readonly situation: Situation;
  readonly context: ApplyContext;
}

/** Reads the files, connects, reads the records, and closes the connection however `work` ends. */
export async function withSession<T>(options: MigratorOptions, work: (session: Session) => Promise<T>): Promise<T> {
  const loaded = await loadStreams(options.streams);
  return withConnection(options, async (connection) => work(await sessionOf(options, connection, loaded)));
}

/** The same under the database's lock, which is taken before the records are read. */
export async function withLockedSession<T>(
  options: MigratorOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  if (!(options.lockTimeoutMs > 0)) throw new MigrationError('bad_request', 'lockTimeoutMs must be above 0');
  const loaded = await loadStreams(options.streams);
  const say = options.say ?? (() => undefined);
  return withConnection(options, (connection) =>
    withDatabaseLock(connection, { timeoutMs: options.lockTimeoutMs, say }, async () =>
      work(await sessionOf(options, connection, loaded)),
    ),
  );
}

/** The session with its records read again. */
export async function refreshed(session: Session): Promise<Session> {
  return sessionOf(session.options, session.connection, session.situation.loaded);
}

export function contextOf(options: MigratorOptions, connection: MigrationConnection): ApplyContext {
  return {
    connection,
    url: options.url,
    service: options.service,
    versionTable: options.versionTable,
    protectedTables: options.protectedTables ?? [],
    clock: options.clock ?? systemClock,
    appVersion: options.appVersion ?? '',
  };
}

async function withConnection<T>(
  { url, dialect, service }: MigratorOptions,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  const applicationName = `quinta migrate ${service}`;
  const connection = await connect({ url, applicationName, ...(dialect ? { dialect } : {}) });
  try {
    return await work(connection);
  } finally {
    // A connection that the server has closed cannot be closed again, and that is no news.
    await connection.close().catch(() => undefined);
  }
}

async function sessionOf(
  options: MigratorOptions,
  connection: MigrationConnection,
  loaded: Situation['loaded'],
): Promise<Session> {
  const partial = options.streams.filter((stream) => stream.only !== undefined).map((stream) => stream.name);
  const situation: Situation = {
    service: options.service,
    loaded,
    records: await readRecords(connection),
    partialStreams: new Set(partial),
  };
  return { options, connection, situation, context: contextOf(options, connection) };
}
