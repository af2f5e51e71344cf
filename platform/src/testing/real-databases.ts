import { randomBytes } from 'node:crypto';
import { connect } from '../database/migrations/connection.ts';
import { type Dialect, mysql, postgresql } from '../database/dialect.ts';

/** An empty database of its own for one test. */
export interface ThrowAwayDatabase {
  readonly url: string;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

/** One engine that a suite runs on. */
export interface RealDatabaseCase {
  /** `postgresql` or `mysql`; with the reason in brackets where the server does not answer. */
  readonly name: string;
  readonly dialect: Dialect;
  /** Why the suite must be skipped: `describe.skipIf(real.unreachable !== undefined)(real.name, …)`. */
  readonly unreachable: string | undefined;
  createDatabase(): Promise<ThrowAwayDatabase>;
}

interface Server {
  readonly dialect: Dialect;
  readonly variable: string;
  readonly url: string;
  readonly create: (name: string) => string;
  readonly drop: (name: string) => string;
}

const servers: readonly Server[] = [
  {
    dialect: postgresql,
    variable: 'QUINTA_TEST_POSTGRES_URL',
    url: 'postgresql://postgres@127.0.0.1:5432/postgres',
    create: (name) => `create database ${name}`,
    drop: (name) => `drop database if exists ${name} with (force)`,
  },
  {
    dialect: mysql,
    variable: 'QUINTA_TEST_MYSQL_URL',
    url: 'mysql://root@127.0.0.1:3306/mysql',
    create: (name) => `create database ${name} character set utf8mb4`,
    drop: (name) => `drop database if exists ${name}`,
  },
];

const probeTimeoutMs = 5_000;

/**
 * The servers that tests of SQL run on: PostgreSQL, and MySQL or MariaDB. QUINTA_TEST_POSTGRES_URL and
 * QUINTA_TEST_MYSQL_URL name others than the local ones; their user must be allowed to create databases.
 * A server that does not answer is printed and marked; with QUINTA_TEST_REQUIRE_REAL=1 it is an error.
 */
export function realDatabases(): Promise<readonly RealDatabaseCase[]> {
  return Promise.all(servers.map(caseOf));
}

async function caseOf(server: Server): Promise<RealDatabaseCase> {
  const url = process.env[server.variable] ?? server.url;
  const unreachable = await probe(url);
  if (unreachable !== undefined) announce(server, unreachable);
  const { name } = server.dialect;
  return {
    name: unreachable === undefined ? name : `${name} (skipped: ${unreachable})`,
    dialect: server.dialect,
    unreachable,
    createDatabase: () => createDatabase(server, url),
  };
}

async function probe(url: string): Promise<string | undefined> {
  try {
    const connection = await connect({ url, connectTimeoutMs: probeTimeoutMs });
    await connection.close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function announce(server: Server, reason: string): void {
  const hint = `set ${server.variable} to a server whose user may create databases`;
  if (process.env['QUINTA_TEST_REQUIRE_REAL'] === '1') throw new Error(`${reason}; ${hint}`);
  process.stderr.write(`Tests on ${server.dialect.name} are skipped: ${reason}; ${hint}.\n`);
}

async function createDatabase(server: Server, url: string): Promise<ThrowAwayDatabase> {
  const name = `quinta_test_${randomBytes(8).toString('hex')}`;
  await runOnce(url, server.create(name));
  return { url: withDatabase(url, name), drop: () => runOnce(url, server.drop(name)) };
}

async function runOnce(url: string, sql: string): Promise<void> {
  const connection = await connect({ url });
  try {
    await connection.run(sql);
  } finally {
    await connection.close();
  }
}

/** The same server with another database; socket URLs without a host included. */
function withDatabase(url: string, name: string): string {
  return url.replace(/^(\w+(?:\+\w+)?:\/\/[^/?#]*)(?:\/[^?#]*)?/, `$1/${name}`);
}
