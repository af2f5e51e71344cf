import type { Dialect } from '../dialect.ts';
import { parseDatabaseUrl } from '../url.ts';
import type { MigrationRunner } from '../migration.ts';
import { MigrationError, messageOf } from './migration-error.ts';
import { connectMysql } from './mysql-connection.ts';
import { connectPostgresql } from './postgresql-connection.ts';

/** One connection to one database: what the migrator does everything with. */
export interface MigrationConnection extends MigrationRunner {
  /** The database's name as the server knows it. */
  readonly database: string;
  /** Engine, host, port and database without user or password, for messages. */
  readonly place: string;
  /** Runs `work` in a transaction; rolls back and throws what it threw. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Runs `work` in a transaction that cannot write, and rolls it back. */
  readOnly<T>(work: () => Promise<T>): Promise<T>;
  /** Whether a table (or view) of this name is in the current schema. */
  hasTable(name: string): Promise<boolean>;
  /**
   * Takes the lock of this name, which the engine gives back when the connection ends, however it ends.
   * @param timeoutMs how long to wait; 0 asks once
   */
  takeLock(name: string, timeoutMs: number): Promise<boolean>;
  /** Which session of the server holds the lock, as far as we may see it. */
  lockHolder(name: string): Promise<string | undefined>;
  releaseLock(name: string): Promise<void>;
  /** Columns, constraints, indexes, triggers and routines of the current schema, one a line, sorted. */
  describe(): Promise<readonly SchemaFact[]>;
  /** A statement that gives another database the defaults of this one (character set), where the engine has any. */
  defaultsStatement(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** One line about the schema; `table` is undefined for what belongs to none (a function, a type). */
export interface SchemaFact {
  readonly table: string | undefined;
  readonly text: string;
}

export interface ConnectOptions {
  readonly url: string;
  /** Default: as the URL says. */
  readonly dialect?: Dialect;
  /** Shown in pg_stat_activity and SHOW PROCESSLIST. */
  readonly applicationName?: string;
  /** Default 10 seconds. */
  readonly connectTimeoutMs?: number;
}

/** What an engine's own connect function needs. */
export interface EngineOptions {
  readonly url: string;
  readonly place: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
}

const engines = { postgresql: connectPostgresql, mysql: connectMysql };

/** Opens one connection, in UTC and without statement timeouts. Throws a MigrationError when it cannot. */
export async function connect(options: ConnectOptions): Promise<MigrationConnection> {
  const address = parseDatabaseUrl(options.url);
  const dialect = options.dialect?.name ?? address.dialect;
  const place = `${dialect} at ${address.host}:${address.port}/${address.database}`;
  try {
    return await engines[dialect]({
      url: address.url,
      place,
      applicationName: options.applicationName ?? 'quinta migrate',
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    });
  } catch (error) {
    const reason = withoutPassword(messageOf(error), address.url);
    // The driver's own error may carry the URL among its properties, so it is not kept as the cause.
    throw new MigrationError('unreachable', `Cannot connect to ${place}: ${reason}`);
  }
}

/** The text without the URL's password, in whatever form a driver may repeat it. */
export function withoutPassword(text: string, url: string): string {
  const [, written = ''] = /^\w+:\/\/[^/?#:@]*:([^/?#]*)@/.exec(url) ?? [];
  if (written === '') return text;
  return text.replaceAll(written, '***').replaceAll(decoded(written), '***');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone percent sign: the password is what is written
  }
}
