import type { Database, Db, Result, TransactOptions, Tx } from './contract.ts';
import type { Dialect } from './dialect.ts';
import { clientFault, isConnectionLost, isRetryable } from './faults.ts';
import type { StatementEnded } from './prepared-query.ts';

/** One connection of an engine, as its adapter gives it. */
export interface Connection {
  query(text: string, params: readonly unknown[]): Promise<Result<unknown>>;
  /** Resolves to whether the server has heard of it: it may be sent with the first statement. */
  begin(isolation: TransactOptions['isolation']): Promise<boolean>;
  /** Runs before the next statement or the commit, which throws where it fails; `ended` is told of it as it ends. */
  later(text: string, params: readonly unknown[], ended: StatementEnded): void;
  /** Resolves when what was left for later is done. */
  flush(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Back to the pool, or destroyed where it is broken. */
  release(isBroken: boolean): void;
}

/** What an adapter brings; everything else about a database is the same on both engines. */
export interface Engine {
  readonly dialect: Dialect;
  connect(): Promise<Connection>;
  readonly pool: Database['pool'];
  close(): Promise<void>;
}

/** Told of each statement: for the slow-query log and the metrics. */
export type StatementObserver = (operation: string, durationMs: number, failed: boolean) => void;

/** Runs any SQL text: the door of the query builder, not of services. */
export interface TextRunner {
  runText(operation: string, text: string, params: readonly unknown[]): Promise<Result<unknown>>;
}

const attemptsMaxDefault = 5;
const backoffBaseMs = 5;

/** A Database on an engine: transactions, retries, and errors told as problems. */
export class PooledDatabase implements Database, TextRunner {
  readonly #engine: Engine;
  readonly #observe: StatementObserver;
  readonly #tellFollowerFailed: (error: unknown) => void;
  /** Those who have a connection or wait for one. */
  #busy = 0;
  #whenIdle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(engine: Engine, observe: StatementObserver, tellFollowerFailed: (error: unknown) => void) {
    this.#engine = engine;
    this.#observe = observe;
    this.#tellFollowerFailed = tellFollowerFailed;
  }

  get dialect(): Dialect {
    return this.#engine.dialect;
  }

  get pool(): Database['pool'] {
    return this.#engine.pool;
  }

  run<Row>(statement: { operation: string; text: string }, params: readonly unknown[]): Promise<Result<Row>> {
    return this.runText(statement.operation, statement.text, params) as Promise<Result<Row>>;
  }

  runAlone<Row>(statement: { operation: string; text: string }, params: readonly unknown[]): Promise<Result<Row>> {
    return this.#retrying(attemptsMaxDefault, () =>
      this.#with(
        (connection) => this.#observed(statement.operation, connection, statement.text, params) as Promise<Result<Row>>,
      ),
    );
  }

  /** A read outside a transaction: connections that died while they were idle are replaced, however many there are. */
  async runText(operation: string, text: string, params: readonly unknown[]): Promise<Result<unknown>> {
    for (let dead = 0; ; dead++) {
      let connection: Connection | undefined;
      let isBroken = false;
      this.#busy += 1;
      try {
        connection = await this.#engine.connect();
        return await this.#observed(operation, connection, text, params);
      } catch (error) {
        isBroken = isConnectionLost(error);
        // A server that cannot be reached at all is not asked again and again.
        if (!connection || !isBroken || dead > this.pool.total + 1) throw clientFault(error);
      } finally {
        connection?.release(isBroken);
        this.#leave();
      }
    }
  }

  transact<T>(work: (tx: Tx) => Promise<T>, options: TransactOptions = {}): Promise<T> {
    return this.#retrying(options.attemptsMax ?? attemptsMaxDefault, async () => {
      const { value, after } = await this.#with((connection) => this.#attempt(connection, work, options));
      await this.#follow(after);
      return value;
    });
  }

  async ping(): Promise<number> {
    const started = performance.now();
    await this.runText('database.ping', 'select 1', []);
    return performance.now() - started;
  }

  /** Lets those end who have a connection or wait for one: a pool that ends under them leaves some without an answer. */
  close(): Promise<void> {
    return (this.#closed ??= this.#closeOnce());
  }

  async #closeOnce(): Promise<void> {
    if (this.#busy > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.#engine.close();
  }

  #leave(): void {
    this.#busy -= 1;
    if (this.#busy === 0) this.#whenIdle?.();
  }

  /** What is committed is done: a follower that fails is told, and neither undoes nor repeats it. */
  async #follow(after: readonly (() => void | Promise<void>)[]): Promise<void> {
    for (const follow of after) {
      try {
        await follow();
      } catch (error) {
        this.#tellFollowerFailed(error);
      }
    }
  }

  async #attempt<T>(
    connection: Connection,
    work: (tx: Tx) => Promise<T>,
    options: TransactOptions,
  ): Promise<{ value: T; after: (() => void | Promise<void>)[] }> {
    let wasAnswered = false;
    /** What is asked first finds out whether the connection is still there. */
    const asking = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
      try {
        const answer = await ask();
        wasAnswered = true;
        return answer;
      } catch (error) {
        if (!wasAnswered && isConnectionLost(error)) throw new NeverBegun(error);
        throw error;
      }
    };
    const transaction = new OpenTransaction(this.dialect, {
      query: (operation, text, params) => asking(() => this.#observed(operation, connection, text, params)),
      later: (operation, text, params) =>
        connection.later(text, params, (durationMs, failed) => this.#observe(operation, durationMs, failed)),
    });
    wasAnswered = await asking(() => connection.begin(options.isolation));
    try {
      // The mark of a Tx is a type alone: only here is one made.
      const value = await work(transaction as unknown as Tx);
      if (!wasAnswered) await asking(() => connection.flush());
      await connection.commit();
      return { value, after: transaction.followers };
    } catch (error) {
      // A rollback that fails leaves a connection in an unknown state; #with destroys it because of `error`.
      if (!isConnectionLost(error) && !(error instanceof NeverBegun)) await connection.rollback();
      throw error;
    } finally {
      transaction.end();
    }
  }

  async #with<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    let connection: Connection | undefined;
    let isBroken = false;
    this.#busy += 1;
    try {
      connection = await this.#engine.connect();
      return await work(connection);
    } catch (error) {
      isBroken = isConnectionLost(error) || error instanceof NeverBegun;
      throw error;
    } finally {
      connection?.release(isBroken);
      this.#leave();
    }
  }

  async #observed(
    operation: string,
    connection: Connection,
    text: string,
    params: readonly unknown[],
  ): Promise<Result<unknown>> {
    const started = performance.now();
    let failed = true;
    try {
      const result = await connection.query(text, params);
      failed = false;
      return result;
    } finally {
      this.#observe(operation, performance.now() - started, failed);
    }
  }

  async #retrying<T>(attemptsMax: number, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1, dead = 0; ;) {
      try {
        return await work();
      } catch (error) {
        const wasNeverBegun = error instanceof NeverBegun;
        if (wasNeverBegun && dead <= this.pool.total + 1) {
          dead += 1;
          continue;
        }
        if (wasNeverBegun) throw clientFault(error.cause);
        if (!isRetryable(error) || attempt >= attemptsMax) throw clientFault(error);
        await pause(backoffBaseMs * 2 ** attempt * Math.random());
        attempt += 1;
      }
    }
  }
}

/** The connection was dead before the transaction began: nothing was done, so another one may be tried. */
class NeverBegun extends Error {
  constructor(cause: unknown) {
    super('The connection was lost before the transaction began', { cause });
  }
}

interface TransactionDoors {
  readonly query: TextRunner['runText'];
  readonly later: (...asked: Parameters<TextRunner['runText']>) => void;
}

/** The Tx that a use case gets; dead once its transaction has ended, so that a forgotten await is heard. */
class OpenTransaction implements TextRunner {
  readonly dialect: Dialect;
  readonly followers: (() => void | Promise<void>)[] = [];
  readonly #doors: TransactionDoors;
  #isOpen = true;

  constructor(dialect: Dialect, doors: TransactionDoors) {
    this.dialect = dialect;
    this.#doors = doors;
  }

  run(statement: { operation: string; text: string }, params: readonly unknown[]): Promise<Result<unknown>> {
    return this.runText(statement.operation, statement.text, params);
  }

  runText(operation: string, text: string, params: readonly unknown[]): Promise<Result<unknown>> {
    this.#refuseEnded(operation);
    return this.#doors.query(operation, text, params);
  }

  runLater({ operation, text }: { operation: string; text: string }, params: readonly unknown[]): void {
    this.#refuseEnded(operation);
    this.#doors.later(operation, text, params);
  }

  afterCommit(work: () => void | Promise<void>): void {
    this.followers.push(work);
  }

  end(): void {
    this.#isOpen = false;
  }

  #refuseEnded(operation: string): void {
    if (!this.#isOpen) throw new Error(`${operation} ran in a transaction that had ended`);
  }
}

/** What a Db really is, for the query builder. */
export function textRunnerOf(db: Db): TextRunner {
  return db as unknown as TextRunner;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
