import type { Database } from '../database/index.ts';
import type { DocumentStore } from './contract.ts';
import { couchDocuments } from './couch.ts';
import { type CouchConfig, couchAddressOf } from './couch-address.ts';
import type { StoreOptions } from './store.ts';
import { tableDocuments } from './table.ts';

export interface OpenDocumentsOptions extends StoreOptions {
  /** Names a CouchDB, or none. */
  readonly config: CouchConfig;
  /** For the documents where there is no CouchDB. */
  readonly database: Database;
}

/** The store that the settings name: CouchDB, or a table of the database. Throws a RangeError for a URL that is none. */
export function openDocuments(options: OpenDocumentsOptions): DocumentStore {
  const address = couchAddressOf(options.config);
  return address ? couchDocuments({ ...options, address }) : tableDocuments(options);
}
