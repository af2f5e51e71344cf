/**
 * The documents port: JSON documents under ids that their writer gives, kept for ever and never changed. Every call
 * settles within the store's time limit: it answers, or it rejects with `DocumentsUnavailable`, and may be made again:
 * what was stored the first time then `exists`.
 */

import type { Page } from '../kernel/index.ts';
import type { Health } from '../keyvalue/contract.ts';

export interface DocumentStore {
  /**
   * Declares a collection, makes it where it is missing, and its indexes. Comes before any other call for it in this
   * process; where it rejects, the next call for the collection tries again. Throws a RangeError for a name or a field
   * that is none, and where the collection is ordered by another field already.
   */
  ensureCollection(collection: string, options: CollectionOptions): Promise<void>;
  /**
   * Stores a set of at most `documentsPerPutMax`. One outcome a document, in their order: each is stored or not by
   * itself. It rejects with `DocumentsUnavailable` where the outcome of any is unknown.
   */
  put(collection: string, documents: readonly JsonDocument[]): Promise<readonly PutOutcome[]>;
  get(collection: string, id: string): Promise<JsonDocument | undefined>;
  /** A page by instant, ties by id. What is put meanwhile neither doubles nor hides what the next page shows. */
  find(collection: string, query?: DocumentQuery): Promise<Page<JsonDocument>>;
  count(collection: string): Promise<number>;
  /** A round trip; resolves to milliseconds. */
  ping(): Promise<number>;
  /** Tells the present health at once and then each change. Returns what ends it. */
  watchHealth(listener: (health: Health) => void): () => void;
  /** May be called twice. Every later call rejects. */
  close(): Promise<void>;
}

/** A JSON object. `_id` has 1 to 128 printable ASCII characters; no other name begins with `_`. */
export interface JsonDocument {
  readonly _id: string;
  readonly [name: string]: unknown;
}

export interface CollectionOptions {
  readonly indexes: CollectionIndexes;
}

/** Fields are names, or paths with dots: `payload.loan_id`. */
export interface CollectionIndexes {
  /**
   * The field that orders the collection. Each document has an ISO 8601 instant in it, in UTC with a `Z`. They compare
   * as texts, so those of one collection should have the same number of digits.
   */
  readonly instant: string;
  /** Up to four fields with texts that `find` can ask for; put those that tell more documents apart first. */
  readonly fields?: readonly string[];
}

/**
 * `stored`: by this call. `exists`: with the same content, which is as good. `differs`: the id is taken by other content.
 * A refusal is for good: the same document will never be taken.
 */
export type PutOutcome = 'stored' | 'exists' | 'differs' | DocumentRefused;

export interface DocumentQuery {
  /** Texts that declared fields hold. */
  readonly where?: Readonly<Record<string, string | undefined>>;
  /** Counts. */
  readonly from?: Date | undefined;
  /** Does not count. */
  readonly to?: Date | undefined;
  /** Default newest first. */
  readonly order?: 'newest' | 'oldest';
  /** 1 to `documentsPerPageMax`; default 100. */
  readonly limit?: number;
  /** The `next` of the page before, of the same query. */
  readonly cursor?: string | undefined;
}

/** The store did not answer in time, or could not do it now. What was asked may have happened or not. */
export class DocumentsUnavailable extends Error {
  readonly operation: string;

  constructor(operation: string, reason: string, cause?: unknown) {
    super(`Cannot ${operation} in the document store: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'DocumentsUnavailable';
    this.operation = operation;
  }
}

/** A document that the store will never take: too large, not well formed, or forbidden by a rule of the database. */
export class DocumentRefused extends Error {
  readonly id: string;
  readonly reason: string;

  constructor(id: string, reason: string) {
    super(`The document ${JSON.stringify(id)} was refused: ${reason}`);
    this.name = 'DocumentRefused';
    this.id = id;
    this.reason = reason;
  }
}
