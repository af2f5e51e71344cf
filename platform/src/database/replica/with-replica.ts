import { type Log, silentLog } from '../../kernel/index.ts';
import type { KeyValue } from '../../keyvalue/index.ts';
import type { Database, Db, Result, TransactOptions, Tx, WriteStatement } from '../contract.ts';
import { slowObserver } from '../open.ts';
import { openPostgresql, type PoolOptions } from '../postgresql.ts';
import type { Connection, Engine, StatementObserver, TextRunner } from '../session.ts';
import { textRunnerOf } from '../session.ts';
import type { CallerReads, CallerWrites, ReadRoute, ReplicaState, RoutedDatabase } from './contract.ts';
import { Probe } from './probe.ts';
import { primaryQuestion, type PrimaryAnswer, type ReplicaAnswer, replicaQuestion } from './questions.ts';
import { CallerReader, type ReaderParts } from './reader.ts';
import { RecentWrites } from './recent-writes.ts';
import { sharedWrites } from './shared-writes.ts';
import { replicaPool } from './replica-pool.ts';
import { ReplicaWatcher } from './watcher.ts';

export interface ReplicaOptions {
  /** Of the primary, which is asked for its position on a connection of its own. */
  readonly primaryUrl: string;
  readonly replicaUrl: string;
  /** How old a state the replica may have at most to be read; default 1,000 ms. */
  readonly lagMaxMs?: number;
  /** Connections to the replica a process, besides the one that looks; default 8. */
  readonly connectionsMax?: number;
  /** Of reads on the replica, after which the primary is asked; default 5,000 ms. */
  readonly statementTimeoutMs?: number;
  readonly slowMs?: number;
  readonly applicationName?: string;
  /**
   * Where other processes write for the same callers: the store that all of them share, and a name that these databases
   * alone have in it. Without it, what another process wrote is not known here.
   */
  readonly shared?: { readonly keyValue: KeyValue; readonly scope: string };
  readonly log?: Log;
  readonly observe?: StatementObserver;
  readonly onRead?: (route: ReadRoute) => void;
}

const lagMaxDefaultMs = 1_000;
/** By how much longer writes are remembered than a replica in rotation may lag. */
const windowMarginMs = 500;
const lookTimeoutMs = 500;
const callersMax = 8;

/** A database without a replica, with the same face: the primary answers everything. */
export function withoutReplica(
  primary: Database,
  onRead: (route: ReadRoute) => void = () => undefined,
): RoutedDatabase {
  return new Routed(primary, undefined, onRead);
}

/**
 * Routes reads to a streaming replica of PostgreSQL. The replica may be down: the primary answers then. How and why:
 * docs/decisions/0008-reads-from-a-replica.md. Throws a TypeError where the URLs are not of PostgreSQL.
 */
export function withReplica(primary: Database, options: ReplicaOptions): RoutedDatabase {
  const { log = silentLog, lagMaxMs = lagMaxDefaultMs } = options;
  const windowMs = lagMaxMs + windowMarginMs;
  const poolOf = (url: string): PoolOptions => replicaPool({ ...options, url });
  const [primaryPool, readPool] = [poolOf(options.primaryUrl), poolOf(options.replicaUrl)];
  const watcher = new ReplicaWatcher({
    primary: probe<PrimaryAnswer>(primaryPool, primaryQuestion),
    replica: probe<ReplicaAnswer>(readPool, replicaQuestion),
    lagMaxMs,
    log,
  });
  const { shared } = options;
  return new Routed(
    primary,
    {
      primary,
      replica: readEngine(readPool, watcher),
      watcher,
      writes: new RecentWrites({ windowMs }),
      shared: shared && sharedWrites(shared.keyValue, { scope: shared.scope, windowMs }),
      observe: slowObserver(log, options.slowMs, options.observe),
      onRead: options.onRead ?? (() => undefined),
      windowMs,
    },
    options.onRead ?? (() => undefined),
  );
}

function probe<Answer>(pool: PoolOptions, question: string): Probe<Answer> {
  const engine = openPostgresql({
    ...pool,
    connectionsMax: 1,
    connectTimeoutMs: lookTimeoutMs,
    applicationName: `${pool.applicationName} replica watch`,
  });
  return new Probe<Answer>(engine, question, lookTimeoutMs);
}

/**
 * The pool of reads. A connection is used only where it leads to the server that was looked at: one that has restarted
 * replays from its last checkpoint and may for a moment be older than it was, and a name may lead elsewhere.
 */
function readEngine(pool: PoolOptions, watcher: ReplicaWatcher): Engine {
  const verify = async (connection: Connection): Promise<void> => {
    const { rows } = await connection.query(replicaQuestion, []);
    const answer = rows[0] as ReplicaAnswer | undefined;
    if (!answer || !watcher.vouchesFor(answer)) throw new Error('The connection leads to another state of the replica');
  };
  return openPostgresql({ ...pool, isReadOnly: true, verify });
}

type RoutingParts = ReaderParts & { readonly windowMs: number };

class Routed implements RoutedDatabase, TextRunner {
  readonly #primary: Database;
  readonly #parts: RoutingParts | undefined;
  readonly #onRead: (route: ReadRoute) => void;

  constructor(primary: Database, parts: RoutingParts | undefined, onRead: (route: ReadRoute) => void) {
    this.#primary = primary;
    this.#parts = parts;
    this.#onRead = onRead;
  }

  get dialect(): Database['dialect'] {
    return this.#primary.dialect;
  }

  get pool(): Database['pool'] {
    return this.#primary.pool;
  }

  run: Database['run'] = (statement, params) => this.#primary.run(statement, params);
  runAlone: Database['runAlone'] = (statement, params) => this.#primary.runAlone(statement, params);
  transact: Database['transact'] = (work, options) => this.#primary.transact(work, options);

  runText(operation: string, text: string, params: readonly unknown[]): Promise<Result<unknown>> {
    return textRunnerOf(this.#primary).runText(operation, text, params);
  }

  ping(): Promise<number> {
    return this.#primary.ping();
  }

  reader(callers: readonly string[]): CallerReader | PrimaryReader {
    checkCallers(callers);
    return this.#parts
      ? new CallerReader(this.#parts, callers)
      : new PrimaryReader(this.#primary, () => this.#onRead({ server: 'primary', reason: 'none' }));
  }

  writer(callers: readonly string[]): CallerWrites {
    checkCallers(callers);
    const note = (): Promise<void> => this.#note(callers);
    // Also after a failure: a connection that is lost at COMMIT may have committed.
    const noteAfter = async (error: unknown): Promise<never> => {
      await note();
      throw error;
    };
    return {
      transact: <T>(work: (tx: Tx) => Promise<T>, options?: TransactOptions) => {
        const notedFirst = (tx: Tx): Promise<T> => {
          tx.afterCommit(note); // before any other follower, which may tell somebody of the write
          return work(tx);
        };
        return this.#primary.transact(notedFirst, options).catch(noteAfter);
      },
      runAlone: async <Params extends readonly unknown[], Row>(
        statement: WriteStatement<Params, Row>,
        params: Params,
      ) => {
        const result = await this.#primary.runAlone(statement, params).catch(noteAfter);
        await note();
        return result;
      },
      noteWrite: note,
    };
  }

  replicaState(): ReplicaState | undefined {
    return this.#parts?.watcher.state();
  }

  async close(): Promise<void> {
    this.#parts?.shared?.close();
    await this.#parts?.watcher.close();
    await this.#parts?.replica.close();
    await this.#primary.close();
  }

  async #note(callers: readonly string[]): Promise<void> {
    if (!this.#parts) return;
    const { writes, shared, watcher, windowMs } = this.#parts;
    const nowMs = performance.now();
    writes.note(callers, nowMs);
    if (!shared || callers.length === 0) return;
    try {
      await shared.tell(callers);
    } catch {
      // Nobody else can be told, so the caller hears of the write once nobody needs to be: when the replica has it, or
      // when a replica without it is out of everybody's rotation.
      await watcher.untilCovered(nowMs, windowMs);
    }
  }
}

/** Reads on the primary alone, and cannot be taken for a Database. */
class PrimaryReader implements CallerReads, TextRunner {
  readonly #primary: Database;
  readonly #onRead: () => void;

  constructor(primary: Database, onRead: () => void) {
    this.#primary = primary;
    this.#onRead = onRead;
  }

  get dialect(): Database['dialect'] {
    return this.#primary.dialect;
  }

  run: Database['run'] = (statement, params) => {
    this.#onRead();
    return this.#primary.run(statement, params);
  };

  runText(operation: string, text: string, params: readonly unknown[]): Promise<Result<unknown>> {
    this.#onRead();
    return textRunnerOf(this.#primary).runText(operation, text, params);
  }

  snapshot<T>(work: (db: Db) => Promise<T>): Promise<T> {
    this.#onRead();
    return this.#primary.transact(work, { isolation: 'repeatable read' });
  }
}

function checkCallers(callers: readonly string[]): void {
  if (callers.length > callersMax) throw new RangeError(`At most ${callersMax} keys name a caller`);
}
