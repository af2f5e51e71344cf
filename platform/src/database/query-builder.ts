import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect as KyselyDialect,
  type Driver,
  type InsertQueryBuilder,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type RawBuilder,
  sql,
} from 'kysely';
import type { Db, Tx } from './contract.ts';
import type { Dialect, DialectName } from './dialect.ts';
import { textRunnerOf } from './session.ts';

/** The part of Kysely that can only read. */
export type ReadBuilder<Tables> = Pick<Kysely<Tables>, 'selectFrom' | 'selectNoFrom' | 'fn' | 'dynamic'>;

const builders = new WeakMap<Db, Kysely<unknown>>();

/**
 * Kysely's typed builder on a Db (reading only) or in a transaction, for statements whose shape depends on their
 * input. Hot statements are written once as text instead.
 */
export function queryBuilder<Tables>(tx: Tx): Kysely<Tables>;
export function queryBuilder<Tables>(db: Db): ReadBuilder<Tables>;
export function queryBuilder<Tables>(db: Db): ReadBuilder<Tables> {
  const known = builders.get(db);
  if (known) return known as Kysely<Tables>;
  const builder = new Kysely<unknown>({ dialect: dialectOn(db) });
  builders.set(db, builder);
  return builder as Kysely<Tables>;
}

/** Runs a statement that Kysely's `sql` has put together, and that reads. */
export async function readSql<Row>(db: Db, statement: RawBuilder<unknown>): Promise<readonly Row[]> {
  // The builder on a Db is a whole one: its type alone says that it reads.
  const { rows } = await statement.execute(queryBuilder(db) as Kysely<unknown>);
  return rows as Row[];
}

/** An insert that leaves a row alone whose key is taken: its `numInsertedOrUpdatedRows` is then 0. */
export function ignoringDuplicates<Tables, Table extends keyof Tables, Output>(
  insert: InsertQueryBuilder<Tables, Table, Output>,
  dialect: Dialect,
): InsertQueryBuilder<Tables, Table, Output> {
  return dialect.name === 'mysql' ? insert.ignore() : insert.onConflict((conflict) => conflict.doNothing());
}

/** Rows whose column lies before an instant, the oldest first. */
export interface OldRows {
  readonly table: string;
  readonly column: string;
  readonly before: Date;
  /** The most that one statement deletes. */
  readonly limitMax: number;
}

/**
 * Deletes old rows in one statement, however many the table has; says how many. PostgreSQL has no LIMIT there, and its
 * rows are named by their places; MySQL would read all of the table for a LIMIT inside IN.
 */
export async function deleteOld(tx: Tx, { table, column, before, limitMax }: OldRows): Promise<number> {
  const old = sql`from ${sql.table(table)} where ${sql.ref(column)} < ${before} order by ${sql.ref(column)} limit ${limitMax}`;
  const statement =
    tx.dialect.name === 'mysql'
      ? sql`delete ${old}`
      : sql`delete from ${sql.table(table)} where ctid = any(array(select ctid ${old} ${sql.raw(tx.dialect.skipLocked)}))`;
  const { numAffectedRows } = await statement.execute(queryBuilder<Record<string, never>>(tx));
  return Number(numAffectedRows);
}

/** The pattern of LIKE for texts that hold this one anywhere: no character in it is a wildcard. */
export function likeAnywhere(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

function dialectOn(db: Db): KyselyDialect {
  const parts = kyselyParts[db.dialect.name];
  return { ...parts, createDriver: () => driverOn(db) };
}

const kyselyParts: Record<DialectName, Omit<KyselyDialect, 'createDriver'>> = {
  postgresql: {
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
  mysql: {
    createAdapter: () => new MysqlAdapter(),
    createIntrospector: (kysely) => new MysqlIntrospector(kysely),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  },
};

/** A driver that runs on the pool or the transaction it was made for, and never opens a transaction itself. */
function driverOn(db: Db): Driver {
  const runner = textRunnerOf(db);
  const connection: DatabaseConnection = {
    executeQuery: async <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => {
      const result = await runner.runText(operationOf(query), query.sql, query.parameters);
      return { rows: result.rows as Row[], numAffectedRows: BigInt(result.affected) };
    },
    streamQuery: () => {
      throw new Error('Streaming is not offered: read by key, page by page');
    },
  };
  return {
    init: () => Promise.resolve(),
    acquireConnection: () => Promise.resolve(connection),
    releaseConnection: () => Promise.resolve(),
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    destroy: () => Promise.resolve(),
  };
}

function refuse(): Promise<void> {
  return Promise.reject(new Error('Transactions are opened by Database.transact'));
}

/** `select vales`: what the metrics and the slow-query log call a built statement. */
function operationOf(query: CompiledQuery): string {
  const shape = /^\W*(?:(update)|(\w+)\b[\s\S]*?\b(?:from|into))\s+[`"]?(\w+)/i;
  const [, update, verb = 'query', table = ''] = shape.exec(query.sql) ?? [];
  return `${update ?? verb} ${table}`.trim().toLowerCase();
}
