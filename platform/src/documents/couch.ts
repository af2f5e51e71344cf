import { type Log, silentLog } from '../kernel/index.ts';
import {
  type Backend,
  type Collection,
  CollectionGone,
  type InsertOutcome,
  type ReadyDocument,
  type ReadyQuery,
} from './backend.ts';
import { DocumentRefused, type DocumentStore, DocumentsUnavailable, type JsonDocument } from './contract.ts';
import { type CouchAddress, withoutSecrets } from './couch-address.ts';
import { indexQuery, isAsked, type MangoIndex, mangoIndexes, mangoQuery } from './couch-find.ts';
import { type CouchAnswer, type CouchRequest, CouchUnreachable, type CouchWire, openCouchWire } from './couch-wire.ts';
import { BackedStore, type StoreOptions, timeoutDefaultMs } from './store.ts';

export interface CouchDocumentsOptions extends StoreOptions {
  /** See `couchAddressOf`. */
  readonly address: CouchAddress;
}

/** Documents in CouchDB 3.3. A server that is down is no error here, but each call's. */
export function couchDocuments(options: CouchDocumentsOptions): DocumentStore {
  const { address, log = silentLog, timeoutMs = timeoutDefaultMs } = options;
  return new BackedStore(new CouchBackend(address, openCouchWire(address, timeoutMs), log), options);
}

const indexAttemptsMax = 3;
const designDocumentsMax = 1_000;
const indexRowsMax = 65_536;

interface Failure {
  readonly error?: string | number;
  readonly reason?: string;
}

interface Row extends Failure {
  readonly id?: unknown;
  readonly ok?: unknown;
  readonly doc?: (JsonDocument & { readonly _deleted?: boolean }) | null;
}

class CouchBackend implements Backend {
  readonly #address: CouchAddress;
  readonly #wire: CouchWire;
  readonly #log: Log;
  #hasSystemDatabases = false;

  constructor(address: CouchAddress, wire: CouchWire, log: Log) {
    this.#address = address;
    this.#wire = wire;
    this.#log = log;
  }

  async ensure(collection: Collection, signal: AbortSignal): Promise<void> {
    await this.#ensureSystemDatabases(signal);
    const made = await this.#ask('ensure', { method: 'PUT', path: [collection.name], signal });
    // 412: somebody else made it, now or earlier.
    if (!isGood(made) && made.status !== 412) throw this.#fault('ensure', made);
    for (const index of mangoIndexes(collection)) await this.#ensureIndex(collection, index, signal);
  }

  async insert(
    collection: Collection,
    documents: readonly ReadyDocument[],
    signal: AbortSignal,
  ): Promise<readonly InsertOutcome[]> {
    const body = { docs: documents.map(({ text }) => JSON.parse(text) as JsonDocument) };
    const answer = await this.#ask('put', { method: 'POST', path: [collection.name, '_bulk_docs'], body, signal });
    if (isGood(answer)) return this.#outcomes(documents, rowsOf('put', answer.body));
    if (!isRefusal(answer)) throw this.#fault('put', answer);
    const [only] = documents;
    if (documents.length === 1 && only) return [new DocumentRefused(only.id, this.#reasonOf(answer))];
    // One document made it refuse the whole set; halves find which, and the others go through.
    const middle = documents.length >> 1;
    const first = await this.insert(collection, documents.slice(0, middle), signal);
    return [...first, ...(await this.insert(collection, documents.slice(middle), signal))];
  }

  async fetch(collection: Collection, ids: readonly string[], signal: AbortSignal): Promise<readonly JsonDocument[]> {
    const answer = await this.#ask('get', {
      method: 'POST',
      path: [collection.name, '_all_docs'],
      query: { include_docs: 'true' },
      body: { keys: ids },
      signal,
    });
    if (!isGood(answer)) throw this.#fault('get', answer);
    const rows = rowsOf('get', listIn(answer.body, 'rows'));
    return rows.flatMap(({ doc }) => (doc && doc._deleted !== true ? [contentOf(doc)] : []));
  }

  async find(collection: Collection, query: ReadyQuery, signal: AbortSignal): Promise<readonly JsonDocument[]> {
    const answer = await this.#askFind(collection, mangoQuery(collection, query), signal);
    if (isWithoutIndex(answer)) return this.#findByIndexAlone(collection, query, signal);
    return this.#foundIn(answer);
  }

  /**
   * For express-pouchdb, which takes no condition beside the columns of an index: reads more and more of the index until
   * enough of it was asked for. CouchDB comes here only where its index was deleted, and refuses this as well.
   */
  async #findByIndexAlone(
    collection: Collection,
    query: ReadyQuery,
    signal: AbortSignal,
  ): Promise<readonly JsonDocument[]> {
    for (let { limit } = query; limit <= indexRowsMax; limit *= 4) {
      const answer = await this.#askFind(collection, indexQuery(collection, { ...query, limit }), signal);
      const rows = this.#foundIn(answer);
      const asked = rows.filter((document) => isAsked(collection, query, document));
      if (asked.length >= query.limit || rows.length < limit) return asked.slice(0, query.limit);
    }
    throw new DocumentsUnavailable('find', `the server finds by one field only, and ${indexRowsMax} have it`);
  }

  #askFind({ name }: Collection, body: object, signal: AbortSignal): Promise<CouchAnswer> {
    return this.#ask('find', { method: 'POST', path: [name, '_find'], body, signal });
  }

  #foundIn(answer: CouchAnswer): readonly JsonDocument[] {
    if (!isGood(answer)) throw this.#fault('find', answer);
    const docs = rowsOf('find', listIn(answer.body, 'docs')) as readonly unknown[] as readonly JsonDocument[]; // asked for
    return docs.map(contentOf);
  }

  /** All documents less those that hold indexes and rules. */
  async count(collection: Collection, signal: AbortSignal): Promise<number> {
    const all = await this.#ask('count', { method: 'GET', path: [collection.name], signal });
    if (!isGood(all)) throw this.#fault('count', all);
    const design = await this.#ask('count', {
      method: 'GET',
      path: [collection.name, '_all_docs'],
      query: { startkey: '_design/', endkey: '_design0', limit: String(designDocumentsMax) },
      signal,
    });
    if (!isGood(design)) throw this.#fault('count', design);
    const total = Number((all.body as { readonly doc_count?: unknown }).doc_count);
    if (!Number.isSafeInteger(total)) throw incomprehensible('count');
    return total - rowsOf('count', listIn(design.body, 'rows')).length;
  }

  /** `/` and not `/_up`, which some servers of this protocol lack, and which says nothing of the user. */
  async ping(signal: AbortSignal): Promise<void> {
    const answer = await this.#ask('ping', { method: 'GET', path: [''], signal });
    if (!isGood(answer)) throw this.#fault('ping', answer);
  }

  async close(): Promise<void> {
    // Nothing is kept open: the runtime ends idle connections by itself.
  }

  /** CouchDB 3 complains in its log, and cannot keep users, until these are there. Not every user may make them. */
  async #ensureSystemDatabases(signal: AbortSignal): Promise<void> {
    if (this.#hasSystemDatabases) return;
    for (const name of ['_users', '_replicator']) {
      const answer = await this.#ask('ensure', { method: 'PUT', path: [name], signal });
      if (isGood(answer) || answer.status === 412) continue;
      this.#log.info({ database: name, reason: this.#reasonOf(answer) }, 'A system database of CouchDB was not made');
    }
    this.#hasSystemDatabases = true;
  }

  async #ensureIndex({ name }: Collection, index: MangoIndex, signal: AbortSignal): Promise<void> {
    const body = { index: { fields: index.fields }, ddoc: index.name, name: index.name, type: 'json' };
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#ask('ensure', { method: 'POST', path: [name, '_index'], body, signal });
      if (isGood(answer)) return;
      // Somebody else makes the same one at this moment; when asked again it is there.
      if (answer.status !== 409 || attempt >= indexAttemptsMax) throw this.#fault('ensure', answer);
    }
  }

  #outcomes(documents: readonly ReadyDocument[], rows: readonly Row[]): readonly InsertOutcome[] {
    const byId = new Map(rows.map((row) => [row.id, row]));
    return documents.map(({ id }) => {
      const row = byId.get(id);
      if (row?.error === undefined) {
        if (row === undefined) throw incomprehensible('put');
        return 'stored';
      }
      if (row.error === 'conflict') return 'taken';
      const reason = this.#clean(`${row.error}: ${row.reason}`);
      // What a validate function has thrown.
      if (row.error === 'forbidden' || row.error === 'unauthorized') return new DocumentRefused(id, reason);
      throw new DocumentsUnavailable('put', reason);
    });
  }

  async #ask(operation: string, request: CouchRequest): Promise<CouchAnswer> {
    try {
      return await this.#wire(request);
    } catch (error) {
      if (!(error instanceof CouchUnreachable)) throw error;
      throw new DocumentsUnavailable(operation, error.message, error);
    }
  }

  /** What an answer that is no success means for the caller. */
  #fault(operation: string, answer: CouchAnswer): Error {
    const reason = this.#reasonOf(answer);
    if (isGone(answer)) return new CollectionGone(operation, reason);
    // Of these we know none that passes by itself but those that an operator mends: user, rights, the server itself.
    return new DocumentsUnavailable(operation, reason, new CouchUnreachable(`status ${answer.status}: ${reason}`));
  }

  #reasonOf({ status, body }: CouchAnswer): string {
    const { error = status, reason = '' } = body as Failure;
    return this.#clean(`${error}: ${reason}`);
  }

  #clean(text: string): string {
    return withoutSecrets(text, this.#address);
  }
}

function isGood({ status }: CouchAnswer): boolean {
  return status < 400;
}

/** The request was understood and what is in it will never be taken. */
function isRefusal({ status }: CouchAnswer): boolean {
  return status === 400 || status === 413;
}

/** The database or its index is not there, though it was made: somebody has deleted it. */
function isGone(answer: CouchAnswer): boolean {
  return answer.status === 404 || isWithoutIndex(answer);
}

function isWithoutIndex({ body }: CouchAnswer): boolean {
  return (body as Failure).error === 'no_usable_index';
}

/** What we stored, without what CouchDB adds: its revision, and marks of conflicts. */
function contentOf(document: JsonDocument): JsonDocument {
  const content = Object.entries(document).filter(([name]) => name === '_id' || !name.startsWith('_'));
  return Object.fromEntries(content) as unknown as JsonDocument; // `_id` is in it: every document has one
}

function listIn(body: unknown, name: string): unknown {
  return (body as Readonly<Record<string, unknown>>)[name];
}

function rowsOf(operation: string, rows: unknown): readonly Row[] {
  if (!Array.isArray(rows)) throw incomprehensible(operation);
  return rows as Row[];
}

function incomprehensible(operation: string): DocumentsUnavailable {
  return new DocumentsUnavailable(operation, 'the answer is not one of CouchDB');
}
