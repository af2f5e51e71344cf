export {
  type CollectionIndexes,
  type CollectionOptions,
  type DocumentQuery,
  DocumentRefused,
  type DocumentStore,
  DocumentsUnavailable,
  type JsonDocument,
  type PutOutcome,
} from './contract.ts';
export { documentBytesMax, documentsPerPageMax, documentsPerPutMax } from './bounds.ts';
export { couchDocuments, type CouchDocumentsOptions } from './couch.ts';
export { type CouchAddress, couchAddressOf, type CouchConfig, couchSettings } from './couch-address.ts';
export { type CallObservation, documentMetrics, type DocumentObserver } from './observe.ts';
export { openDocuments, type OpenDocumentsOptions } from './open.ts';
export { type StoreOptions } from './store.ts';
export { tableDocuments, type TableDocumentsOptions } from './table.ts';
