import { type DocumentRefused, DocumentsUnavailable, type JsonDocument } from './contract.ts';

/** A collection as it was declared, its fields in their order. */
export interface Collection {
  readonly name: string;
  readonly instant: string;
  readonly fields: readonly string[];
}

/** A document that was checked. */
export interface ReadyDocument {
  readonly id: string;
  /** All of it as JSON. */
  readonly text: string;
  readonly bytes: number;
  readonly instant: string;
  /** What each indexed field of the collection holds; undefined where that is no text. */
  readonly values: readonly (string | undefined)[];
}

export interface Place {
  readonly instant: string;
  readonly id: string;
}

/** A query that was checked. */
export interface ReadyQuery {
  /** The first of these leads: its index is read. In the order of the declaration. */
  readonly where: readonly { readonly field: string; readonly value: string }[];
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly isNewestFirst: boolean;
  readonly behind: Place | undefined;
  /** The most documents to answer. */
  readonly limit: number;
}

/** `taken`: the id was there already. */
export type InsertOutcome = 'stored' | 'taken' | DocumentRefused;

/**
 * What an adapter does itself; arguments were checked before, and the collection was made. The signal says that nobody
 * waits any more. Rejects with `DocumentsUnavailable` for what may go well another time.
 */
export interface Backend {
  ensure(collection: Collection, signal: AbortSignal): Promise<void>;
  /** No id is there twice. */
  insert(
    collection: Collection,
    documents: readonly ReadyDocument[],
    signal: AbortSignal,
  ): Promise<readonly InsertOutcome[]>;
  /** Those that are there, in any order. */
  fetch(collection: Collection, ids: readonly string[], signal: AbortSignal): Promise<readonly JsonDocument[]>;
  find(collection: Collection, query: ReadyQuery, signal: AbortSignal): Promise<readonly JsonDocument[]>;
  count(collection: Collection, signal: AbortSignal): Promise<number>;
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** The collection or its index was there and is gone: the next call makes it again. */
export class CollectionGone extends DocumentsUnavailable {}
