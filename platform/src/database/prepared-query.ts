/**
 * One statement on its way through a connection of `pg`, which lets a query be written outside of it (`Submittable`).
 *
 * Its own asks the server at each run which columns a statement has, makes their parsers anew, and raises an event for
 * each row. A statement that has a name never changes its columns on a connection (where a migration changes them, the
 * server refuses the statement), so here they are asked for once a connection and kept. What goes over the wire is
 * otherwise the same: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */

import type { Connection, PoolClient } from 'pg';
import type { Result } from './contract.ts';
import { type ParameterValue, parameterValue } from './parameters.ts';

/** The parser of a column's text, by the number of its type. */
export type ParserOf = (oid: number, format: string) => (text: string) => unknown;

export interface PreparedStatement {
  readonly text: string;
  /** Empty for a statement that is used once. */
  readonly name: string;
}

/** What holds for all statements of a pool. */
export interface PreparedOptions {
  readonly parserOf: ParserOf;
  /** How long the server may be silent: its own timeout does not help where it is paused or the network is gone. */
  readonly patienceMs: number;
}

/**
 * Runs a statement on a connection that nobody else uses meanwhile. Throws what the server or the driver throws, and an
 * Error `Query read timeout`, after which the connection is of no use any more.
 */
export async function runPrepared(
  client: PoolClient,
  statement: PreparedStatement,
  params: readonly unknown[],
  options: PreparedOptions,
): Promise<Result<unknown>> {
  const query = new PreparedQuery(statement, params.map(parameterValue), options.parserOf);
  try {
    client.query(query);
    return await query.answerWithin(options.patienceMs);
  } catch (error) {
    // The driver's stack tells where the socket was read; this one, who asked.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

interface FieldDescription {
  readonly name: string;
  readonly dataTypeID: number;
  readonly format: string;
}

/** What the driver keeps of each connection and its declarations leave out. */
interface TrackedConnection extends Connection {
  readonly parsedStatements: Readonly<Record<string, string | undefined>>;
  sendCopyFail(reason: string): void;
}

/** The columns of the named statements of each connection. */
const knownColumns = new WeakMap<Connection, Map<string, readonly Column[]>>();

const numberOfRows = /\d+$/;

/**
 * The methods are those that the driver calls as the server answers; `name` and `text` it reads, too.
 *
 * It has no `callback`, and the pool no `query_timeout`, with which the driver would put a function around it: V8 keeps a
 * function that is assigned to a property where it stands, and what it closes over, until the next collection, so that
 * every row of every answer would be copied once and often grow old.
 */
class PreparedQuery {
  readonly name: string;
  readonly text: string;
  readonly #answer: Promise<Result<unknown>>;
  readonly #resolve: (result: Result<unknown>) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #values: ParameterValue[];
  readonly #parserOf: ParserOf;
  #timer: NodeJS.Timeout | undefined;
  #known = new Map<string, readonly Column[]>();
  #columns: readonly Column[] | undefined;
  readonly #rows: unknown[] = [];
  #affected = 0;
  #fault: unknown;

  constructor({ name, text }: PreparedStatement, values: ParameterValue[], parserOf: ParserOf) {
    const { promise, resolve, reject } = Promise.withResolvers<Result<unknown>>();
    this.name = name;
    this.text = text;
    this.#answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#values = values;
    this.#parserOf = parserOf;
  }

  answerWithin(patienceMs: number): Promise<Result<unknown>> {
    this.#timer = setTimeout(giveUp, patienceMs, this);
    return this.#answer;
  }

  submit(connection: Connection): void {
    const { parsedStatements } = connection as TrackedConnection;
    this.#known = columnsOn(connection);
    this.#columns = this.name === '' ? undefined : this.#known.get(this.name);
    connection.stream.cork(); // All of it in one write.
    try {
      if (parsedStatements[this.name] === undefined) {
        connection.parse({ name: this.name, text: this.text, types: [] }, true);
      }
      connection.bind({ statement: this.name, values: this.#values }, true);
      if (!this.#columns) connection.describe({ type: 'P' }, true);
      connection.execute({}, true);
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  handleRowDescription({ fields }: { readonly fields: readonly FieldDescription[] }): void {
    this.#learn(fields.map(({ name, dataTypeID, format }) => ({ name, parse: this.#parserOf(dataTypeID, format) })));
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#fault !== undefined) return;
    try {
      this.#rows.push(rowOf(this.#columns ?? [], fields));
    } catch (error) {
      this.#fault = error; // A parser's: the rest of the answer must be read before the connection can be used again.
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#affected = Number(numberOfRows.exec(text)?.[0] ?? 0);
    if (!this.#columns) this.#learn([]);
  }

  handleEmptyQuery(): void {
    // Nothing was to be done, and nothing has come of it.
  }

  handleCopyInResponse(connection: TrackedConnection): void {
    connection.sendCopyFail('Nothing is copied through a prepared statement');
    connection.sync(); // The server has not read the one before: it waited for what is to be copied.
  }

  handleCopyData(): void {
    // The same: what a statement copies out is not asked for.
  }

  handleError(error: unknown): void {
    clearTimeout(this.#timer);
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    clearTimeout(this.#timer);
    if (this.#fault === undefined) this.#resolve({ rows: this.#rows, affected: this.#affected });
    else this.#reject(this.#fault);
  }

  #learn(columns: readonly Column[]): void {
    this.#columns = columns;
    if (this.name !== '') this.#known.set(this.name, columns);
  }
}

function giveUp(query: PreparedQuery): void {
  query.handleError(new Error('Query read timeout'));
}

function columnsOn(connection: Connection): Map<string, readonly Column[]> {
  const known = knownColumns.get(connection) ?? new Map<string, readonly Column[]>();
  knownColumns.set(connection, known);
  return known;
}

function rowOf(columns: readonly Column[], fields: readonly (string | null)[]): unknown {
  const row: Record<string, unknown> = {};
  let place = 0;
  for (const { name, parse } of columns) {
    const text = fields[place] ?? null;
    row[name] = text === null ? null : parse(text);
    place += 1;
  }
  return row;
}
