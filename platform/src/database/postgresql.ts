import { createHash } from 'node:crypto';
import { Pool, type PoolClient, type QueryConfig, types } from 'pg';
import type { Log } from '../kernel/index.ts';
import type { Result, TransactOptions } from './contract.ts';
import { postgresql } from './dialect.ts';
import { parameterValue } from './parameters.ts';
import {
  type Answered,
  type PreparedOptions,
  type PreparedStatement,
  runPrepared,
  type StatementEnded,
} from './prepared-query.ts';
import type { Connection, Engine } from './session.ts';
import { utcInstant } from './utc-instant.ts';

export interface PoolOptions {
  readonly url: string;
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly log: Log;
  /** Shown in pg_stat_activity and SHOW PROCESSLIST. */
  readonly applicationName: string;
  /** Every transaction refuses to write. */
  readonly isReadOnly?: boolean;
  /** Looks at each new connection before its first use; one that it throws for is closed. */
  readonly verify?: (connection: Connection) => Promise<void>;
}

/** The driver's own parsers, by the plain number that the protocol sends. */
const builtIn = types as { getTypeParser(oid: number, format: string): (text: string) => unknown };

const silenceMs = 2_000;
const namesMax = 2_000;
const replanFrom = 32;
const idleTimeoutMs = 60_000;
const timestampOid = 1114;

/** PostgreSQL through `pg`: each statement is named by a hash of its text, so that the server plans it once. */
export function openPostgresql(options: PoolOptions): Engine {
  const pool = new Pool({
    connectionString: options.url,
    max: options.connectionsMax,
    connectionTimeoutMillis: options.connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    application_name: options.applicationName,
    keepAlive: true,
    options: sessionOptions(options),
    types: { getTypeParser: parserOf },
  });
  // A server that goes away tells idle connections so; the pool drops them and the next request opens new ones.
  pool.on('error', (error) => options.log.warn({ error }, 'An idle database connection was lost'));
  // One that is lost while it is in use fails its query, and also raises an event that nobody else listens to: unheard,
  // it would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const session = sessionsOf(options.statementTimeoutMs + silenceMs);
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
    connect: connector(pool, session, options.verify),
    close: () => pool.end(),
  };
}

function connector(
  pool: Pool,
  session: (client: PoolClient) => Connection,
  verify: PoolOptions['verify'],
): Engine['connect'] {
  if (!verify) return () => pool.connect().then(session);
  const verified = new WeakSet<PoolClient>();
  return async () => {
    const client = await pool.connect();
    const connection = session(client);
    if (verified.has(client)) return connection;
    try {
      await verify(connection);
    } catch (error) {
      connection.release(true);
      throw error;
    }
    verified.add(client);
    return connection;
  };
}

/** @param patienceMs how long the server may be silent before its connection counts as lost */
function sessionsOf(patienceMs: number): (client: PoolClient) => Connection {
  const nameOf = statementNames();
  const release = planRenewal(patienceMs);
  const options: PreparedOptions = { parserOf, patienceMs };
  return (client) => {
    const run: Run = (statements) =>
      runPrepared(
        client,
        statements.map((statement) => ({ name: nameOf(statement.text) ?? '', ...statement })),
        options,
      );
    return new PostgresqlConnection(run, (isBroken) => release(client, isBroken));
  };
}

type Statement = Omit<PreparedStatement, 'name'>;
type Run = (statements: readonly Statement[]) => Promise<readonly Answered[]>;

const plain = (text: string): Statement => ({ text, values: [] });

/**
 * A transaction costs no round trips of its own: BEGIN goes out with the first statement, and what nobody waits for with
 * the next one or with COMMIT, which the server passes over where a statement before it has failed.
 */
class PostgresqlConnection implements Connection {
  readonly #run: Run;
  readonly release: (isBroken: boolean) => void;
  #beginning: Statement | undefined;
  #waiting: Statement[] = [];

  constructor(run: Run, release: (isBroken: boolean) => void) {
    this.#run = run;
    this.release = release;
  }

  async query(text: string, params: readonly unknown[]): Promise<Result<unknown>> {
    const values = params.map(parameterValue); // Throws for what is no value, while everything still waits.
    const answers = await this.#run([...this.#takeWaiting(), { text, values }]);
    const answer = answers.at(-1);
    if (!answer) throw new Error('The driver has not told what became of a statement');
    return { rows: answer.rows, affected: answer.affected };
  }

  begin(isolation: TransactOptions['isolation']): Promise<boolean> {
    const beginning: Statement = {
      ...plain(isolation === undefined ? 'begin' : `begin isolation level ${isolation}`),
      // What comes after it was passed over, and must not run outside of a transaction either.
      ended: (_, failed) => {
        if (failed) this.#beginning = beginning;
      },
    };
    this.#beginning = beginning;
    return Promise.resolve(false);
  }

  later(text: string, params: readonly unknown[], ended: StatementEnded): void {
    this.#waiting.push({ text, values: params.map(parameterValue), ended });
  }

  async flush(): Promise<void> {
    if (this.#waiting.length > 0) await this.#run(this.#takeWaiting());
  }

  async commit(): Promise<void> {
    if (this.#beginning) await this.flush(); // Whether it is still there is known before it is told to commit.
    if (this.#beginning) return this.#forget();
    const answers = await this.#run([...this.#takeWaiting(), plain('commit')]);
    // After a failed statement whose error somebody swallowed, COMMIT answers ROLLBACK and raises nothing.
    if (answers.at(-1)?.command !== 'COMMIT') {
      throw new Error('The transaction was rolled back: a statement in it had failed');
    }
  }

  async rollback(): Promise<void> {
    const hasBegun = !this.#beginning;
    this.#forget();
    if (hasBegun) await this.#run([plain('rollback')]);
  }

  #takeWaiting(): readonly Statement[] {
    const taken = this.#beginning ? [this.#beginning, ...this.#waiting] : this.#waiting;
    this.#forget();
    return taken;
  }

  #forget(): void {
    this.#beginning = undefined;
    this.#waiting = [];
  }
}

/** A statement without values or rows; resolves to what the server calls it once it is done. */
async function command(client: PoolClient, text: string, patienceMs: number): Promise<string> {
  const asked: QueryConfig & { readonly query_timeout: number } = { text, query_timeout: patienceMs };
  return (await client.query(asked)).command;
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

/**
 * Gives a connection back, and lets it plan its named statements anew after 32, 64, 128 … uses. The server keeps a plan
 * that it made when a table was empty, and which reads the whole table, until the table is next analyzed; a fresh
 * installation under load grows a thousandfold before that. So no plan is older than half of what its connection did.
 */
function planRenewal(patienceMs: number): (client: PoolClient, isBroken: boolean) => void {
  const uses = new WeakMap<PoolClient, number>();
  return (client, isBroken) => {
    const count = (uses.get(client) ?? 0) + 1;
    uses.set(client, count);
    if (isBroken || count < replanFrom || !Number.isInteger(Math.log2(count))) return client.release(isBroken);
    // Whoever used it has their answer already and does not wait for this.
    command(client, 'discard plans', patienceMs).then(
      () => client.release(),
      () => client.release(true),
    );
  };
}

function sessionOptions(options: PoolOptions): string {
  return [
    '-c TimeZone=UTC',
    '-c DateStyle=ISO',
    `-c statement_timeout=${options.statementTimeoutMs}`,
    `-c lock_timeout=${options.lockTimeoutMs}`,
    `-c idle_in_transaction_session_timeout=${options.statementTimeoutMs * 3}`,
    '-c default_transaction_isolation=read\\ committed',
    ...(options.isReadOnly ? ['-c default_transaction_read_only=on'] : []),
  ].join(' ');
}

function parserOf(oid: number, format = 'text'): (text: string) => unknown {
  if (oid === timestampOid) return utcInstant;
  return builtIn.getTypeParser(oid, format);
}
