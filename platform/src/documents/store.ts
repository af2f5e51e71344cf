import { type Log, type Page, pageOf, silentLog } from '../kernel/index.ts';
import { type Health, HealthWatch, within } from '../keyvalue/index.ts';
import { type Backend, type Collection, CollectionGone } from './backend.ts';
import { checkCollection, documentsPerPutMax, isId, isSame } from './bounds.ts';
import {
  type CollectionOptions,
  type DocumentQuery,
  type DocumentStore,
  DocumentsUnavailable,
  type JsonDocument,
  type PutOutcome,
} from './contract.ts';
import type { DocumentObserver } from './observe.ts';
import { putSet } from './put-set.ts';
import { keysOf, readQuery } from './query.ts';

/** What every adapter's store can be told. */
export interface StoreOptions {
  readonly log?: Log;
  readonly observe?: DocumentObserver;
  /** How long one call may take; default 10 s. */
  readonly timeoutMs?: number;
  /** How often the store is asked whether it is there; default 5 s. */
  readonly beatEveryMs?: number;
}

export const timeoutDefaultMs = 10_000;
const beatDefaultMs = 5_000;
/** Indexes of a large collection take their time. */
const ensureTimeoutMs = 60_000;
const callsMax = 256;

type Work<T> = (signal: AbortSignal) => Promise<T>;

interface Declared {
  readonly collection: Collection;
  /** Undefined until it was tried, and again after it failed or the collection went. */
  made: Promise<void> | undefined;
}

/** The port over an adapter: checks arguments, makes collections, limits times, tells health and metrics. */
export class BackedStore implements DocumentStore {
  readonly #backend: Backend;
  readonly #options: StoreOptions;
  readonly #log: Log;
  readonly #timeoutMs: number;
  readonly #declared = new Map<string, Declared>();
  readonly #health = new HealthWatch({ isUp: false, reason: 'it was not asked yet' });
  readonly #beat: NodeJS.Timeout;
  #calls = 0;
  #hasWarned = false;
  #closing: Promise<void> | undefined;

  constructor(backend: Backend, options: StoreOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#log = options.log ?? silentLog;
    this.#timeoutMs = options.timeoutMs ?? timeoutDefaultMs;
    this.#beat = setInterval(() => void this.#askHealth(), options.beatEveryMs ?? beatDefaultMs).unref();
    void this.#askHealth();
  }

  async ensureCollection(name: string, options: CollectionOptions): Promise<void> {
    const collection = checkCollection(name, options);
    const known = this.#declared.get(name);
    const declared = known && isSame(known.collection, collection) ? known : { collection, made: undefined };
    this.#declared.set(name, declared);
    await this.#call('ensure', () => this.#made(declared), ensureTimeoutMs);
  }

  async put(name: string, documents: readonly JsonDocument[]): Promise<readonly PutOutcome[]> {
    if (documents.length > documentsPerPutMax) throw new RangeError(`At most ${documentsPerPutMax} documents in a put`);
    const outcomes = await this.#on(name, 'put', (collection, signal) =>
      putSet(this.#backend, collection, documents, signal),
    );
    for (const outcome of outcomes) this.#options.observe?.onPut(typeof outcome === 'string' ? outcome : 'refused');
    return outcomes;
  }

  async get(name: string, id: string): Promise<JsonDocument | undefined> {
    return this.#on(name, 'get', async (collection, signal) =>
      isId(id) ? (await this.#backend.fetch(collection, [id], signal))[0] : undefined,
    );
  }

  async find(name: string, query: DocumentQuery = {}): Promise<Page<JsonDocument>> {
    const ready = readQuery(this.#declaredAs(name).collection, query);
    return this.#on(name, 'find', async (collection, signal) => {
      const found = await this.#backend.find(collection, { ...ready, limit: ready.limit + 1 }, signal);
      return pageOf(found, ready.limit, (document) => keysOf(collection, document));
    });
  }

  async count(name: string): Promise<number> {
    return this.#on(name, 'count', (collection, signal) => this.#backend.count(collection, signal));
  }

  async ping(): Promise<number> {
    const startMs = performance.now();
    await this.#call('ping', (signal) => this.#backend.ping(signal));
    return performance.now() - startMs;
  }

  watchHealth(listener: (health: Health) => void): () => void {
    return this.#health.watch(listener);
  }

  close(): Promise<void> {
    if (!this.#closing) {
      clearInterval(this.#beat);
      this.#health.close();
      this.#closing = this.#backend.close();
    }
    return this.#closing;
  }

  #declaredAs(name: string): Declared {
    const declared = this.#declared.get(name);
    if (!declared) throw new RangeError(`The collection ${JSON.stringify(name)} was not declared`);
    return declared;
  }

  async #on<T>(
    name: string,
    operation: string,
    work: (collection: Collection, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const declared = this.#declaredAs(name);
    return this.#call(operation, async (signal) => {
      const made = this.#made(declared);
      await made;
      try {
        return await work(declared.collection, signal);
      } catch (error) {
        // Unless another call has begun to make it again already.
        if (error instanceof CollectionGone && declared.made === made) declared.made = undefined;
        throw error;
      }
    });
  }

  /** One at a time makes a collection, with a time limit of its own: those who wait for it have theirs. */
  #made(declared: Declared): Promise<void> {
    if (declared.made) return declared.made;
    const made = this.#inTime('ensure', ensureTimeoutMs, (signal) => this.#backend.ensure(declared.collection, signal));
    declared.made = made;
    made.catch(() => {
      if (declared.made === made) declared.made = undefined;
    });
    return made;
  }

  async #call<T>(operation: string, work: Work<T>, timeoutMs = this.#timeoutMs): Promise<T> {
    if (this.#closing) throw new DocumentsUnavailable(operation, 'it was closed');
    if (this.#calls >= callsMax) throw new DocumentsUnavailable(operation, `${callsMax} calls are under way`);
    const startMs = performance.now();
    let outcome: 'done' | 'unavailable' | 'failed' = 'done';
    this.#calls += 1;
    try {
      const value = await this.#inTime(operation, timeoutMs, work);
      this.#onUp();
      return value;
    } catch (error) {
      outcome = error instanceof DocumentsUnavailable ? 'unavailable' : 'failed';
      // That a collection has gone is an answer, too.
      if (error instanceof DocumentsUnavailable && !(error instanceof CollectionGone)) this.#onDown(error.message);
      throw error;
    } finally {
      this.#calls -= 1;
      this.#options.observe?.onCall({ operation, outcome, durationMs: performance.now() - startMs });
    }
  }

  #inTime<T>(operation: string, timeoutMs: number, work: Work<T>): Promise<T> {
    const waiting = new AbortController();
    return within(work(waiting.signal), timeoutMs, () => {
      waiting.abort();
      return new DocumentsUnavailable(operation, `no answer within ${timeoutMs} ms`);
    });
  }

  async #askHealth(): Promise<void> {
    await this.ping().catch(() => undefined); // the call has told what there is to tell
  }

  #onUp(): void {
    if (this.#closing) return;
    this.#health.report({ isUp: true });
    if (this.#hasWarned) this.#log.info({}, 'The document store is back');
    this.#hasWarned = false;
  }

  #onDown(reason: string): void {
    if (this.#closing) return;
    this.#health.report({ isUp: false, reason });
    if (!this.#hasWarned) this.#log.warn({ reason }, 'The document store is unreachable');
    this.#hasWarned = true;
  }
}
