import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { postgresql } from '../dialect.ts';
import type { EngineOptions, MigrationConnection } from './connection.ts';
import { describePostgresql } from './postgresql-schema.ts';

type Row = Record<string, unknown>;

const lockNotAvailable = '55P03';

/**
 * How a session is set up. A migration may take as long as it needs. The server looks for a client that was killed
 * in the middle of a long statement, or its lock would be held until that statement ends.
 */
const sessionSettings = [
  ['TimeZone', 'UTC'],
  ['statement_timeout', '0'],
  ['lock_timeout', '0'],
  ['idle_in_transaction_session_timeout', '0'],
  ['default_transaction_isolation', 'read committed'],
] as const;
const clientCheckMs = 1_000;

export async function connectPostgresql(options: EngineOptions): Promise<MigrationConnection> {
  const client = new Client({
    connectionString: options.url,
    connectionTimeoutMillis: options.connectTimeoutMs,
    application_name: options.applicationName,
    keepAlive: true,
  });
  // A connection that ends between two statements is reported by the next one.
  client.on('error', () => undefined);
  await client.connect();
  const run = runnerOf(client);
  for (const setting of sessionSettings) await run('select set_config($1, $2, false)', setting);
  // Some platforms cannot look for a dead client; there the lock lasts as long as the killed client's statement.
  await run(`set client_connection_check_interval = ${clientCheckMs}`).catch(() => undefined);
  const [server] = await run('select current_database() as name');
  return {
    dialect: postgresql,
    database: String(server?.['name']),
    place: options.place,
    run,
    ...transactionsOf(run, client),
    ...locksOf(run),
    hasTable: async (name) => {
      const [row] = await run(
        `select exists (select from pg_class where relname = $1 and relnamespace = current_schema()::regnamespace
           and relkind in ('r', 'p', 'v', 'm', 'f')) as found`,
        [name],
      );
      return row?.['found'] === true;
    },
    describe: () => describePostgresql(run),
    defaultsStatement: () => Promise.resolve(undefined),
    close: () => client.end(),
  };
}

type Run = (sql: string, params?: readonly unknown[]) => Promise<readonly Row[]>;

function runnerOf(client: Client): Run {
  return async (sql, params) => {
    // Without parameters the simple protocol is used, which allows several statements; the last one's rows count.
    const result: unknown = await client.query(sql, params === undefined ? undefined : [...params]);
    const last = Array.isArray(result) ? (result.at(-1) as { rows: Row[] } | undefined) : (result as { rows: Row[] });
    return last?.rows ?? [];
  };
}

function transactionsOf(run: Run, client: Client): Pick<MigrationConnection, 'transaction' | 'readOnly'> {
  const rollback = async (): Promise<void> => {
    // A connection that is gone has rolled back already, and the first error is the one that matters.
    await run('rollback').catch(() => undefined);
  };
  return {
    transaction: async (work) => {
      await run('begin');
      try {
        const value = await work();
        const { command } = await client.query('commit');
        // After a failed statement whose error somebody swallowed, COMMIT answers ROLLBACK and raises nothing.
        if (command !== 'COMMIT') throw new Error('it was rolled back, because a statement in it had failed');
        return value;
      } catch (error) {
        await rollback();
        throw error;
      }
    },
    readOnly: async (work) => {
      await run('begin transaction read only');
      try {
        return await work();
      } finally {
        await rollback();
      }
    },
  };
}

function locksOf(run: Run): Pick<MigrationConnection, 'takeLock' | 'lockHolder' | 'releaseLock'> {
  return {
    takeLock: async (name, timeoutMs) => {
      if (timeoutMs <= 0) {
        const [row] = await run('select pg_try_advisory_lock($1::bigint) as taken', [lockKey(name)]);
        return row?.['taken'] === true;
      }
      try {
        await run("select set_config('lock_timeout', $1, false)", [String(Math.ceil(timeoutMs))]);
        await run('select pg_advisory_lock($1::bigint)', [lockKey(name)]);
        return true;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === lockNotAvailable) return false;
        throw error;
      } finally {
        await run('set lock_timeout = 0');
      }
    },
    lockHolder: async (name) => {
      const [row] = await run(
        `select 'process ' || pid as holder from pg_locks
         where locktype = 'advisory' and granted and objsubid = 1
           and database = (select oid from pg_database where datname = current_database())
           and (classid::bigint << 32 | objid::bigint) = $1::bigint`,
        [lockKey(name)],
      );
      return typeof row?.['holder'] === 'string' ? row['holder'] : undefined;
    },
    releaseLock: async (name) => void (await run('select pg_advisory_unlock($1::bigint)', [lockKey(name)])),
  };
}

/** Advisory locks have numbers for names: the first eight bytes of the name's SHA-256, signed. */
function lockKey(name: string): string {
  return createHash('sha256').update(name).digest().readBigInt64BE(0).toString();
}
