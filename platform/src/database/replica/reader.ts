import type { Database, Db, ReadStatement, Result } from '../contract.ts';
import type { Dialect } from '../dialect.ts';
import { isConnectionLost } from '../faults.ts';
import { type Connection, type Engine, type StatementObserver, type TextRunner, textRunnerOf } from '../session.ts';
import type { CallerReads, PrimaryReason, ReadRoute } from './contract.ts';
import type { RecentWrites } from './recent-writes.ts';
import type { SharedWrites } from './shared-writes.ts';
import type { ReplicaWatcher } from './watcher.ts';

/** What all readers of a database share. */
export interface ReaderParts {
  readonly primary: Database;
  readonly replica: Engine;
  readonly watcher: ReplicaWatcher;
  readonly writes: RecentWrites;
  readonly shared: SharedWrites | undefined;
  readonly observe: StatementObserver;
  readonly onRead: (route: ReadRoute) => void;
}

/** How the same is read on the replica and on the primary. */
interface Servers<T> {
  readonly there: (connection: Connection) => Promise<T>;
  readonly here: (primary: Database) => Promise<T>;
}

interface Asked {
  readonly operation: string;
  readonly text: string;
  readonly params: readonly unknown[];
}

type Attempt<T> = { readonly result: T } | { readonly fault: unknown };

type Settled<T> = { readonly value: T } | { readonly refusal: unknown };

/** SQLSTATE read_only_sql_transaction: a write in the clothes of a read, which must not find a server that does it. */
const writeRefused = '25006';

/**
 * The reads of one request. The replica and the shared note of writes are asked at the same time, so that the note costs
 * no waiting; an answer of the replica counts only where there is no note.
 */
export class CallerReader implements CallerReads, TextRunner {
  readonly #parts: ReaderParts;
  readonly #keys: readonly string[];
  /** Why it stays with the primary from now on. */
  #staysFor: PrimaryReason | undefined;

  constructor(parts: ReaderParts, keys: readonly string[]) {
    this.#parts = parts;
    this.#keys = keys;
  }

  get dialect(): Dialect {
    return this.#parts.primary.dialect;
  }

  run<Params extends readonly unknown[], Row>(
    statement: ReadStatement<Params, Row>,
    params: Params,
  ): Promise<Result<Row>> {
    const { kind, operation, text }: { kind: string; operation: string; text: string } = statement;
    if (kind !== 'read') throw new TypeError(`${operation} writes, and a reader only reads`);
    return this.runText(operation, text, params) as Promise<Result<Row>>;
  }

  runText(operation: string, text: string, params: readonly unknown[]): Promise<Result<unknown>> {
    return this.#routed({
      there: (connection) => this.#observed(connection, { operation, text, params }),
      here: (primary) => textRunnerOf(primary).runText(operation, text, params),
    });
  }

  async snapshot<T>(work: (db: Db) => Promise<T>): Promise<T> {
    const outcome = await this.#routed<Settled<T>>({
      there: (connection) => this.#oneState(connection, work),
      here: async (primary) => ({ value: await primary.transact(work, { isolation: 'repeatable read' }) }),
    });
    if ('refusal' in outcome) throw outcome.refusal;
    return outcome.value;
  }

  async #routed<T>({ there, here }: Servers<T>): Promise<T> {
    const { primary, watcher, writes, shared, onRead } = this.#parts;
    this.#staysFor ??= watcher.whyNot(writes.latest(this.#keys));
    if (this.#staysFor === undefined) {
      const attempt = this.#onReplica(there);
      this.#staysFor = await shared?.heard(this.#keys);
      if (this.#staysFor === undefined) {
        const outcome = await attempt;
        if ('result' in outcome) {
          onRead({ server: 'replica', reason: 'current' });
          return outcome.result;
        }
        if (codeOf(outcome.fault) === writeRefused) throw outcome.fault;
        this.#staysFor = 'retried';
      }
    }
    onRead({ server: 'primary', reason: this.#staysFor });
    return here(primary);
  }

  /** Never rejects, and never waits for a replica that has left rotation. */
  #onReplica<T>(use: (connection: Connection) => Promise<T>): Promise<Attempt<T>> {
    const { promise, resolve } = Promise.withResolvers<Attempt<T>>();
    const { watcher } = this.#parts;
    let hasLeft = false;
    const stay = watcher.onLeave((fault) => {
      hasLeft = true;
      resolve({ fault });
    });
    const failed = (fault: unknown): void => {
      // A connection that was cut because the replica had left says nothing new of it.
      if (!hasLeft && isConnectionLost(fault)) watcher.suspect(fault);
      resolve({ fault });
    };
    void this.#connected(use)
      .then((result) => resolve({ result }), failed)
      .finally(stay);
    return promise;
  }

  async #connected<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#parts.replica.connect();
    let isHeld = true;
    const release = (isBroken: boolean): void => {
      if (isHeld) connection.release(isBroken);
      isHeld = false;
    };
    // A connection to a server that hangs would be missing when it is back.
    const stay = this.#parts.watcher.onLeave(() => release(true));
    try {
      const result = await use(connection);
      release(false);
      return result;
    } catch (error) {
      release(isConnectionLost(error));
      throw error;
    } finally {
      stay();
    }
  }

  /** Rejects for a fault of the replica; what `work` itself refuses is its outcome, which the primary would not change. */
  async #oneState<T>(connection: Connection, work: (db: Db) => Promise<T>): Promise<Settled<T>> {
    await connection.begin('repeatable read');
    const reads = new SnapshotReads(this.dialect, (statement) => this.#observed(connection, statement));
    try {
      return { value: await work(reads) };
    } catch (refusal) {
      return await (reads.fault === undefined ? { refusal } : Promise.reject(reads.fault));
    } finally {
      if (!isConnectionLost(reads.fault)) await connection.rollback();
    }
  }

  async #observed(connection: Connection, { operation, text, params }: Asked): Promise<Result<unknown>> {
    const started = performance.now();
    let failed = true;
    try {
      const result = await connection.query(text, params);
      failed = false;
      return result;
    } finally {
      this.#parts.observe(operation, performance.now() - started, failed);
    }
  }
}

/** What `work` of a snapshot reads with on the replica; it remembers what the replica itself failed. */
class SnapshotReads implements Db, TextRunner {
  readonly dialect: Dialect;
  readonly #ask: (asked: Asked) => Promise<Result<unknown>>;
  fault: unknown;

  constructor(dialect: Dialect, ask: (asked: Asked) => Promise<Result<unknown>>) {
    this.dialect = dialect;
    this.#ask = ask;
  }

  run<Params extends readonly unknown[], Row>(
    statement: ReadStatement<Params, Row>,
    params: Params,
  ): Promise<Result<Row>> {
    return this.runText(statement.operation, statement.text, params) as Promise<Result<Row>>;
  }

  async runText(operation: string, text: string, params: readonly unknown[]): Promise<Result<unknown>> {
    try {
      return await this.#ask({ operation, text, params });
    } catch (error) {
      this.fault ??= error;
      throw error;
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
