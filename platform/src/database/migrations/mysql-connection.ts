import { createHash } from 'node:crypto';
import { type Connection, createConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { mysql } from '../dialect.ts';
import type { EngineOptions, MigrationConnection } from './connection.ts';
import { describeMysql } from './mysql-schema.ts';

type Row = Record<string, unknown>;

/** GET_LOCK takes names of at most 64 characters. */
const lockNameMax = 64;

/**
 * The mode is fixed so that a migration makes the same table on every server; MariaDB's limit on the length of a
 * statement is lifted by a comment that MySQL does not read.
 */
const sessionSettings = [
  `set time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'
     /*M!, max_statement_time = 0 */`,
  'set session transaction isolation level read committed',
] as const;

export async function connectMysql(options: EngineOptions): Promise<MigrationConnection> {
  const connection = await createConnection({
    uri: options.url,
    connectTimeout: options.connectTimeoutMs,
    timezone: 'Z',
    supportBigNumbers: true,
    enableKeepAlive: true,
    connectAttributes: { program_name: options.applicationName },
  });
  // A connection that ends between two statements is reported by the next one.
  connection.on('error', () => undefined);
  const run = runnerOf(connection);
  for (const setting of sessionSettings) await run(setting);
  const [server] = await run('select database() as name');
  return {
    dialect: mysql,
    database: String(server?.['name']),
    place: options.place,
    run,
    ...transactionsOf(run),
    ...locksOf(run),
    hasTable: async (name) => {
      const rows = await run(
        'select 1 from information_schema.tables where table_schema = database() and table_name = ? limit 1',
        [name],
      );
      return rows.length > 0;
    },
    describe: () => describeMysql(run),
    defaultsStatement: async () => {
      const [row] = await run('select @@character_set_database as charset, @@collation_database as collation');
      return `alter database character set ${String(row?.['charset'])} collate ${String(row?.['collation'])}`;
    },
    close: () => connection.end(),
  };
}

type Run = (sql: string, params?: readonly unknown[]) => Promise<readonly Row[]>;

function runnerOf(connection: Connection): Run {
  return async (sql, params) => {
    // CREATE TRIGGER and its like cannot be prepared, so what has no parameters is sent as it is.
    const [outcome] =
      params === undefined
        ? await connection.query<RowDataPacket[] | ResultSetHeader>(sql)
        : await connection.execute<RowDataPacket[] | ResultSetHeader>(sql, params.map(asValue));
    return Array.isArray(outcome) ? outcome : [];
  };
}

type Value = string | number | bigint | boolean | Date | Buffer | null;

function asValue(param: unknown): Value {
  if (param === undefined || param === null) return null;
  if (param instanceof Date || Buffer.isBuffer(param)) return param;
  if (param instanceof Uint8Array) return Buffer.from(param);
  return typeof param === 'object' ? JSON.stringify(param) : (param as Value);
}

function transactionsOf(run: Run): Pick<MigrationConnection, 'transaction' | 'readOnly'> {
  const rollback = async (): Promise<void> => {
    // A connection that is gone has rolled back already, and the first error is the one that matters.
    await run('rollback').catch(() => undefined);
  };
  return {
    transaction: async (work) => {
      await run('start transaction');
      try {
        const value = await work();
        await run('commit');
        return value;
      } catch (error) {
        await rollback();
        throw error;
      }
    },
    readOnly: async (work) => {
      // DDL would end a single read-only transaction and go through; a read-only session refuses it.
      await run('set session transaction read only');
      await run('start transaction');
      try {
        return await work();
      } finally {
        await rollback();
        await run('set session transaction read write');
      }
    },
  };
}

function locksOf(run: Run): Pick<MigrationConnection, 'takeLock' | 'lockHolder' | 'releaseLock'> {
  return {
    takeLock: async (name, timeoutMs) => {
      const [row] = await run('select get_lock(?, ?) as taken', [lockName(name), Math.ceil(timeoutMs / 1000)]);
      return Number(row?.['taken']) === 1;
    },
    lockHolder: async (name) => {
      const [row] = await run('select is_used_lock(?) as holder', [lockName(name)]);
      const holder = row?.['holder'];
      return typeof holder === 'number' || typeof holder === 'string' ? `connection ${holder}` : undefined;
    },
    releaseLock: async (name) => void (await run('select release_lock(?)', [lockName(name)])),
  };
}

function lockName(name: string): string {
  return `quinta ${createHash('sha256').update(name).digest('hex')}`.slice(0, lockNameMax);
}
