/**
 * How the house reads and writes. A store's functions take `db: Db | Tx` to read and `tx: Tx` to write; a write
 * outside a transaction does not compile. Only a use case sees `Database`, which opens transactions.
 */

import type { Dialect } from './dialect.ts';

declare const paramsOf: unique symbol;
declare const rowOf: unique symbol;
declare const insideTransaction: unique symbol;

interface StatementShape<Params extends readonly unknown[], Row> {
  /** The operation's name in logs and metrics: `vale.issue`. */
  readonly operation: string;
  /** SQL with the placeholders of its engine (`$1` or `?`). */
  readonly text: string;
  readonly [paramsOf]?: Params;
  readonly [rowOf]?: Row;
}

export interface ReadStatement<Params extends readonly unknown[], Row> extends StatementShape<Params, Row> {
  readonly kind: 'read';
}

export interface WriteStatement<Params extends readonly unknown[], Row> extends StatementShape<Params, Row> {
  readonly kind: 'write';
}

/** `readStatement<[id: number], VoucherRow>('vale.find', 'select … where id = $1')` */
export function readStatement<Params extends readonly unknown[], Row>(
  operation: string,
  text: string,
): ReadStatement<Params, Row> {
  return { kind: 'read', operation, text };
}

export function writeStatement<Params extends readonly unknown[], Row>(
  operation: string,
  text: string,
): WriteStatement<Params, Row> {
  return { kind: 'write', operation, text };
}

export interface Result<Row> {
  readonly rows: readonly Row[];
  /** How many rows a write changed (MySQL: matched by its WHERE). */
  readonly affected: number;
}

/** What may read. */
export interface Db {
  readonly dialect: Dialect;
  run<Params extends readonly unknown[], Row>(
    statement: ReadStatement<Params, Row>,
    params: Params,
  ): Promise<Result<Row>>;
}

/** An open transaction: what may write. */
export interface Tx extends Db {
  readonly [insideTransaction]: true;
  run<Params extends readonly unknown[], Row>(
    statement: ReadStatement<Params, Row> | WriteStatement<Params, Row>,
    params: Params,
  ): Promise<Result<Row>>;
  /**
   * A write whose outcome nothing in the transaction asks for, which is most of what is written at its end: it is sent
   * with the next statement or with the commit, and costs no round trip of its own. Where it fails, they throw.
   */
  runLater<Params extends readonly unknown[]>(statement: WriteStatement<Params, never>, params: Params): void;
  /**
   * Runs after a successful commit (cache invalidation, a socket's push); never after a rollback. One that fails is
   * logged: the caller's work is done all the same.
   */
  afterCommit(work: () => void | Promise<void>): void;
}

/** `read uncommitted` sees on MySQL what others have not committed yet; on PostgreSQL it is `read committed`. */
export type Isolation = 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable';

export interface TransactOptions {
  /** Default: read committed, on both engines. */
  readonly isolation?: Isolation;
  /** How often a deadlock or serialization failure is tried in all; default 5. */
  readonly attemptsMax?: number;
}

/** A pool of connections to one database. */
export interface Database extends Db {
  /**
   * Runs `work` in a transaction and commits. A deadlock or a serialization failure runs all of it again, so it must
   * do nothing that a rollback does not undo. A connection lost at COMMIT is not tried again: whether it held is
   * unknown, and the caller's idempotency key decides.
   */
  transact<T>(work: (tx: Tx) => Promise<T>, options?: TransactOptions): Promise<T>;
  /** One write statement that is a whole transaction, with its audit rows inside: one round trip. */
  runAlone<Params extends readonly unknown[], Row>(
    statement: WriteStatement<Params, Row>,
    params: Params,
  ): Promise<Result<Row>>;
  /** A round trip, for readiness; resolves to milliseconds. */
  ping(): Promise<number>;
  /** Connections of the pool, for metrics. */
  readonly pool: { readonly total: number; readonly idle: number; readonly waiting: number };
  close(): Promise<void>;
}
