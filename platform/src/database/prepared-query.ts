/**
 * Statements on their way through a connection of `pg`, which lets a query be written outside of it (`Submittable`):
 * one, or several of a transaction in one round trip, each run after the one before; where one fails, the server passes
 * over those after it.
 *
 * Its own asks the server at each run which columns a statement has, makes their parsers anew, and raises an event for
 * each row. A statement that has a name never changes its columns on a connection (where a migration changes them, the
 * server refuses the statement), so here they are asked for once a connection and kept. What goes over the wire is
 * otherwise the same: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
 */

import type { Connection, PoolClient } from 'pg';
import type { Result } from './contract.ts';
import type { ParameterValue } from './parameters.ts';

/** The parser of a column's text, by the number of its type. */
export type ParserOf = (oid: number, format: string) => (text: string) => unknown;

export interface PreparedStatement {
  readonly text: string;
  /** Empty for a statement that is used once. */
  readonly name: string;
  readonly values: readonly ParameterValue[];
  /** Told once it was done or has failed; one that the server has passed over is told nothing. */
  readonly ended?: StatementEnded | undefined;
}

export type StatementEnded = (durationMs: number, failed: boolean) => void;

/** What became of a statement. */
export interface Answered extends Result<unknown> {
  /** What the server calls what it did: `INSERT 0 1`, `COMMIT`. */
  readonly command: string;
}

/** What holds for all statements of a pool. */
export interface PreparedOptions {
  readonly parserOf: ParserOf;
  /** How long the server may be silent: its own timeout does not help where it is paused or the network is gone. */
  readonly patienceMs: number;
}

/**
 * Runs statements on a connection that nobody else uses meanwhile; resolves when the last of them is done. Throws what
 * the server or the driver throws, and an Error `Query read timeout`, after which the connection is of no use any more.
 */
export async function runPrepared(
  client: PoolClient,
  statements: readonly PreparedStatement[],
  options: PreparedOptions,
): Promise<readonly Answered[]> {
  const query = new PreparedQuery(statements, options.parserOf);
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

/** One statement of those that are sent together, and what has come of it so far. */
interface Step {
  readonly name: string;
  readonly text: string;
  readonly values: ParameterValue[];
  readonly ended: StatementEnded | undefined;
  columns: readonly Column[] | undefined;
  readonly rows: unknown[];
  affected: number;
  command: string;
}

function stepOf({ name, text, values, ended }: PreparedStatement): Step {
  return { name, text, values: [...values], ended, columns: undefined, rows: [], affected: 0, command: '' };
}

/**
 * The methods are those that the driver calls as the server answers; `name` and `text` it reads, too.
 *
 * It has no `callback`, and the pool no `query_timeout`, with which the driver would put a function around it: V8 keeps a
 * function that is assigned to a property where it stands, and what it closes over, until the next collection, so that
 * every row of every answer would be copied once and often grow old.
 */
class PreparedQuery {
  readonly #answer: Promise<readonly Answered[]>;
  readonly #resolve: (answers: readonly Answered[]) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #steps: readonly Step[];
  readonly #parserOf: ParserOf;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #known = new Map<string, readonly Column[]>();
  /** Where the step stands that the server answers now. */
  #at = 0;
  #fault: unknown;

  constructor(statements: readonly PreparedStatement[], parserOf: ParserOf) {
    const { promise, resolve, reject } = Promise.withResolvers<readonly Answered[]>();
    this.#answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#steps = statements.map(stepOf);
    this.#parserOf = parserOf;
  }

  /** Of the step that is being answered: the driver notes that this one is parsed. */
  get name(): string {
    return this.#steps[this.#at]?.name ?? '';
  }

  get text(): string {
    return this.#steps[this.#at]?.text ?? '';
  }

  answerWithin(patienceMs: number): Promise<readonly Answered[]> {
    this.#startedMs = performance.now();
    this.#timer = setTimeout(giveUp, patienceMs, this);
    return this.#answer;
  }

  submit(connection: Connection): void {
    const { parsedStatements } = connection as TrackedConnection;
    this.#known = columnsOn(connection);
    const parsed = new Set<string>();
    connection.stream.cork(); // All of it in one write.
    try {
      for (const step of this.#steps) {
        const isParsed = parsedStatements[step.name] !== undefined || parsed.has(step.name);
        if (step.name !== '') parsed.add(step.name);
        this.#write(connection, step, isParsed);
      }
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  #write(connection: Connection, step: Step, isParsed: boolean): void {
    const { name, text, values } = step;
    step.columns = name === '' ? undefined : this.#known.get(name);
    if (!isParsed) connection.parse({ name, text, types: [] }, true);
    connection.bind({ statement: name, values }, true);
    if (!step.columns) connection.describe({ type: 'P' }, true);
    connection.execute({}, true);
  }

  handleRowDescription({ fields }: { readonly fields: readonly FieldDescription[] }): void {
    const columns = fields.map(({ name, dataTypeID, format }) => ({ name, parse: this.#parserOf(dataTypeID, format) }));
    this.#learn(columns);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const step = this.#steps[this.#at];
    if (!step || this.#fault !== undefined) return;
    try {
      step.rows.push(rowOf(step.columns ?? [], fields));
    } catch (error) {
      this.#fault = error; // A parser's: the rest of the answer must be read before the connection can be used again.
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const step = this.#steps[this.#at];
    if (!step) return;
    step.affected = Number(numberOfRows.exec(text)?.[0] ?? 0);
    step.command = text;
    if (!step.columns) this.#learn([]);
    this.#end(false);
  }

  /** Nothing was to be done, and nothing has come of it. */
  handleEmptyQuery(): void {
    this.#end(false);
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
    this.#end(true);
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    clearTimeout(this.#timer);
    if (this.#fault !== undefined) return this.#reject(this.#fault);
    this.#resolve(this.#steps.map(({ rows, affected, command }) => ({ rows, affected, command })));
  }

  #end(failed: boolean): void {
    this.#steps[this.#at]?.ended?.(performance.now() - this.#startedMs, failed);
    this.#at += 1;
  }

  #learn(columns: readonly Column[]): void {
    const step = this.#steps[this.#at];
    if (!step) return;
    step.columns = columns;
    if (step.name !== '') this.#known.set(step.name, columns);
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
