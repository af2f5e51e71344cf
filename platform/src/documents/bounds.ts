import { parseInstant } from '../kernel/index.ts';
import type { Collection, ReadyDocument } from './backend.ts';
import { type CollectionOptions, DocumentRefused, type JsonDocument } from './contract.ts';

export const documentsPerPutMax = 1_000;
export const documentsPerPageMax = 1_000;
/** Of its JSON. */
export const documentBytesMax = 1_048_576;
export const indexedFieldsMax = 4;
const valueLengthMax = 1_024;

const collectionName = /^[a-z][a-z0-9_]{0,62}$/;
const fieldName = /^[a-zA-Z]\w{0,30}(\.[a-zA-Z]\w{0,30}){0,2}$/;
const idPattern = /^(?!_)[\u0021-\u007e]{1,128}$/;
const utcInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;
/** JSON escapes them alone of all surrogates; CouchDB takes none. */
const loneSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/;

/** Throws a RangeError for a name that is none. */
export function checkCollection(name: string, { indexes }: CollectionOptions): Collection {
  const { instant, fields = [] } = indexes;
  if (!collectionName.test(name)) throw new RangeError('A collection has a name such as business_events');
  const all = [instant, ...fields];
  if (!all.every((field) => fieldName.test(field))) {
    throw new RangeError('An indexed field has a name such as entity_id, or a path such as payload.loan_id');
  }
  if (new Set(all).size < all.length) throw new RangeError('A field is indexed once');
  if (fields.length > indexedFieldsMax) throw new RangeError(`A collection has ${indexedFieldsMax} fields at most`);
  return { name, instant, fields };
}

/** Whether two declarations of a collection say the same. */
export function isSame(one: Collection, other: Collection): boolean {
  return one.instant === other.instant && one.fields.join() === other.fields.join();
}

export function isId(id: string): boolean {
  return idPattern.test(id);
}

/** The document as it goes to the store, or why no store would take it. */
export function readDocument(collection: Collection, document: JsonDocument): ReadyDocument | DocumentRefused {
  // Whoever read it from a queue may have had no more than a hope of an `_id`.
  const id: unknown = document._id;
  const refused = (reason: string): DocumentRefused => new DocumentRefused(String(id).slice(0, 128), reason);
  if (typeof id !== 'string' || !isId(id)) {
    return refused('its _id must have 1 to 128 printable ASCII characters and not begin with "_"');
  }
  const text = jsonOf(document);
  if (text === undefined) return refused('it is no JSON object');
  const bytes = Buffer.byteLength(text);
  if (bytes > documentBytesMax) return refused(`it has ${bytes} bytes, and ${documentBytesMax} at most are taken`);
  if (loneSurrogate.test(text)) return refused('a text in it is no Unicode');
  const content = JSON.parse(text) as JsonDocument;
  const reserved = Object.keys(content).find((name) => name.startsWith('_') && name !== '_id');
  if (reserved !== undefined) return refused('a name beside _id begins with "_"');
  const instant = valueAt(content, collection.instant);
  if (typeof instant !== 'string' || !utcInstant.test(instant) || parseInstant(instant) === undefined) {
    return refused(`its ${collection.instant} must be an instant such as 2026-01-31T15:04:05.123Z`);
  }
  const values = collection.fields.map((field) => textOf(valueAt(content, field)));
  if (values.some((value) => (value?.length ?? 0) > valueLengthMax)) {
    return refused(`an indexed field has at most ${valueLengthMax} characters`);
  }
  return { id, text, bytes, instant, values };
}

/** What lies at a path of names; undefined where there is nothing. */
export function valueAt(document: JsonDocument, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function jsonOf(document: JsonDocument): string | undefined {
  try {
    const text: string | undefined = JSON.stringify(document);
    return text?.startsWith('{') ? text : undefined;
  } catch {
    return undefined; // a bigint, a circle, or nested without end: the caller says that it is no JSON
  }
}
