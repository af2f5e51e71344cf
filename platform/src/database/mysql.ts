import { createPool, type Pool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { mysql } from './dialect.ts';
import type { PoolOptions } from './postgresql.ts';
import type { Connection, Engine } from './session.ts';

const preparedMax = 500;
const silenceMs = 2_000;

/** MySQL and MariaDB through `mysql2`, with its own cache of prepared statements on each connection. */
export function openMysql(options: PoolOptions): Engine {
  const pool = createPool({
    uri: options.url,
    connectionLimit: options.connectionsMax,
    connectTimeout: options.connectTimeoutMs,
    timezone: 'Z',
    supportBigNumbers: true,
    enableKeepAlive: true,
    maxPreparedStatements: preparedMax,
    connectAttributes: { program_name: options.applicationName },
  });
  const prepared = new WeakSet<object>();
  const open = new Set<object>();
  let busy = 0;
  pool.on('connection', (connection) => {
    open.add(connection);
    // One that the server ends while it is idle is never released.
    connection.once('end', () => open.delete(connection));
    connection.once('error', () => open.delete(connection));
  });
  return {
    dialect: mysql,
    pool: {
      get total() {
        return open.size;
      },
      get idle() {
        return Math.max(open.size - busy, 0);
      },
      get waiting() {
        return 0; // mysql2 does not say how many wait
      },
    },
    connect: async () => {
      const connection = await withDeadline(pool, options.connectTimeoutMs);
      busy += 1;
      if (!prepared.has(connection.connection)) {
        for (const setting of sessionSettings(options)) await connection.query(setting);
        prepared.add(connection.connection);
      }
      // MySQL limits reads by itself at most, and no server does while it is paused.
      const timeoutMs = options.statementTimeoutMs + silenceMs;
      return connectionOf(connection, timeoutMs, (isBroken) => {
        busy -= 1;
        if (!isBroken) return connection.release();
        open.delete(connection.connection);
        return connection.destroy();
      });
    },
    close: () => pool.end(),
  };
}

function connectionOf(connection: PoolConnection, timeoutMs: number, release: (isBroken: boolean) => void): Connection {
  const query: Connection['query'] = async (text, params) => {
    const [outcome] = await connection.execute<RowDataPacket[] | ResultSetHeader>(
      { sql: text, timeout: timeoutMs },
      params.map(asValue),
    );
    return Array.isArray(outcome)
      ? { rows: outcome, affected: outcome.length }
      : { rows: [], affected: outcome.affectedRows };
  };
  // One after the other, never sent ahead: a deadlock ends the whole transaction, and what came behind it would stand.
  const waiting = createWaiting(query);
  return {
    query: async (text, params) => {
      await waiting.run();
      return query(text, params);
    },
    begin: async (isolation) => {
      if (isolation) await connection.query(`set transaction isolation level ${isolation}`);
      await connection.beginTransaction();
      return true;
    },
    later: waiting.add,
    flush: waiting.run,
    commit: async () => {
      await waiting.run();
      await connection.commit();
    },
    rollback: () => connection.rollback(),
    release,
  };
}

/**
 * Statements that run before the next one does, in their order. Where one fails, those after it do not run, and nothing
 * may be committed without them, even where the failure was swallowed: each `run` from then on throws it again.
 */
function createWaiting(query: Connection['query']): {
  readonly add: Connection['later'];
  readonly run: () => Promise<void>;
} {
  let waiting: Parameters<Connection['later']>[] = [];
  let failure: { readonly error: unknown } | undefined;
  const runOne = async (...[text, params, ended]: Parameters<Connection['later']>): Promise<void> => {
    const startedMs = performance.now();
    try {
      await query(text, params);
    } catch (error) {
      failure = { error };
    }
    ended(performance.now() - startedMs, failure !== undefined);
  };
  return {
    add: (...statement) => void waiting.push(statement),
    run: async () => {
      const taken = waiting;
      waiting = [];
      for (const statement of taken) if (!failure) await runOne(...statement);
      if (failure) throw failure.error;
    },
  };
}

/** The pool of mysql2 has no limit on the wait for a connection; a request must not hang on it. */
async function withDeadline(pool: Pool, timeoutMs: number): Promise<PoolConnection> {
  const asked = pool.getConnection();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      void asked.then((connection) => connection.release()).catch(() => undefined); // nobody waits for it any more
      reject(Object.assign(new Error('No database connection was free in time'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** MariaDB reads the comments that begin with M, and MySQL (whose limit is of reads alone) the others. */
function sessionSettings(options: PoolOptions): readonly string[] {
  const lockSeconds = Math.max(1, Math.ceil(options.lockTimeoutMs / 1000));
  return [
    `set time_zone = '+00:00', innodb_lock_wait_timeout = ${lockSeconds},
       sql_mode = concat(@@sql_mode, ',STRICT_ALL_TABLES')
       /*M!100100 , max_statement_time = ${options.statementTimeoutMs / 1000} */
       /*M!100300 , idle_transaction_timeout = ${Math.ceil((options.statementTimeoutMs * 3) / 1000)} */
       /*!50708 , max_execution_time = ${options.statementTimeoutMs} */`,
    // MySQL calls the variable transaction_isolation, MariaDB tx_isolation; both know this statement.
    'set session transaction isolation level read committed',
  ];
}

type Value = string | number | bigint | boolean | Date | Buffer | null;

function asValue(param: unknown): Value {
  if (param === undefined || param === null) return null;
  if (param instanceof Date || Buffer.isBuffer(param)) return param;
  if (param instanceof Uint8Array) return Buffer.from(param);
  return typeof param === 'object' ? JSON.stringify(param) : (param as Value);
}
