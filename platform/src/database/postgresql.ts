import { createHash } from 'node:crypto';
import { defaults, Pool, type PoolClient, types } from 'pg';
import type { Log } from '../kernel/index.ts';
import type { Result } from './contract.ts';
import { postgresql } from './dialect.ts';
import type { Connection, Engine } from './session.ts';

export interface PoolOptions {
  readonly url: string;
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly log: Log;
  /** Shown in pg_stat_activity and SHOW PROCESSLIST. */
  readonly applicationName: string;
}

/** The driver's own parsers, by the plain number that the protocol sends. */
const builtIn = types as { getTypeParser(oid: number, format: string): (text: string) => unknown };

const silenceMs = 2_000;
const namesMax = 2_000;
const idleTimeoutMs = 60_000;
const timestampOid = 1114;

// A Date that goes into a timestamp without a zone must arrive as UTC, whatever the machine's own zone is.
defaults.parseInputDatesAsUTC = true;

/** PostgreSQL through `pg`: each statement is named by a hash of its text, so that the server plans it once. */
export function openPostgresql(options: PoolOptions): Engine {
  const pool = new Pool({
    connectionString: options.url,
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    application_name: options.applicationName,
    keepAlive: true,
    // The server's own timeout does not help where the server is paused or the network is gone.
    query_timeout: options.statementTimeoutMs + silenceMs,
    options: sessionOptions(options),
    types: { getTypeParser: parserOf },
  });
  // A server that goes away tells idle connections so; the pool drops them and the next request opens new ones.
  pool.on('error', (error) => options.log.warn({ error }, 'An idle database connection was lost'));
  // One that is lost while it is in use fails its query, and also raises an event that nobody else listens to: unheard,
  // it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const nameOf = statementNames();
  return {
    dialect: postgresql,
    pool: {
      get total() {
        return pool.totalCount;
      },
      get idle() {
        return pool.idleCount;
      },
      get waiting() {
        return pool.waitingCount;
      },
    },
    connect: async () => connectionOf(await pool.connect(), nameOf),
    close: () => pool.end(),
  };
}

function connectionOf(client: PoolClient, nameOf: (text: string) => string | undefined): Connection {
  return {
    query: async (text, params): Promise<Result<unknown>> => {
      const name = nameOf(text);
      const values = [...params];
      const result = await client.query<Record<string, unknown>>(name ? { name, text, values } : { text, values });
      return { rows: result.rows, affected: result.rowCount ?? 0 };
    },
    begin: async (isolation) =>
      void (await client.query(isolation === undefined ? 'begin' : `begin isolation level ${isolation}`)),
    commit: async () => {
      const { command } = await client.query('commit');
      // After a failed statement whose error somebody swallowed, COMMIT answers ROLLBACK and raises nothing.
      if (command !== 'COMMIT') throw new Error('The transaction was rolled back: a statement in it had failed');
    },
    rollback: async () => void (await client.query('rollback')),
    release: (isBroken) => client.release(isBroken),
  };
}

/** Names for the first statements met; those after stay unnamed, so that no client input can fill the server. */
function statementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= namesMax) return known;
    const name = `q_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
    names.set(text, name);
    return name;
  };
}

function sessionOptions(options: PoolOptions): string {
  return [
    '-c TimeZone=UTC',
    `-c statement_timeout=${options.statementTimeoutMs}`,
    `-c lock_timeout=${options.lockTimeoutMs}`,
    `-c idle_in_transaction_session_timeout=${options.statementTimeoutMs * 3}`,
    '-c default_transaction_isolation=read\\ committed',
  ].join(' ');
}

/** A timestamp without a zone is UTC here; the driver would read it in the machine's own zone. */
function parserOf(oid: number, format = 'text'): (text: string) => unknown {
  if (oid === timestampOid) return (text) => new Date(`${text.replace(' ', 'T')}Z`);
  return builtIn.getTypeParser(oid, format);
}
