import { type CursorKeys, decodeCursor } from '../kernel/index.ts';
import type { Collection, Place, ReadyQuery } from './backend.ts';
import { documentsPerPageMax, textOf, valueAt } from './bounds.ts';
import type { DocumentQuery, JsonDocument } from './contract.ts';

const limitDefault = 100;

/** The query as an adapter gets it. Throws a RangeError for one that cannot be asked. */
export function readQuery(collection: Collection, query: DocumentQuery): ReadyQuery {
  const { where = {}, from, to, order = 'newest', limit = limitDefault, cursor } = query;
  const unknown = Object.keys(where).find((field) => !collection.fields.includes(field));
  if (unknown !== undefined) throw new RangeError(`${collection.name} has no index on ${JSON.stringify(unknown)}`);
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > documentsPerPageMax) {
    throw new RangeError(`limit is a whole number from 1 to ${documentsPerPageMax}, not ${limit}`);
  }
  return {
    where: collection.fields.flatMap((field) => {
      const value = where[field];
      return value === undefined ? [] : [{ field, value }];
    }),
    from: from && textOfInstant(from),
    to: to && textOfInstant(to),
    isNewestFirst: order === 'newest',
    behind: cursor === undefined ? undefined : placeOf(cursor),
    limit,
  };
}

/** What the cursor behind a document says. */
export function keysOf(collection: Collection, document: JsonDocument): CursorKeys {
  return [textOf(valueAt(document, collection.instant)) ?? '', document._id];
}

function placeOf(cursor: string): Place {
  const [instant, id] = decodeCursor(cursor, 2) ?? [];
  if (typeof instant !== 'string' || typeof id !== 'string') throw new RangeError('The cursor is none of this list');
  return { instant, id };
}

function textOfInstant(instant: Date): string {
  const text = instant.toISOString();
  if (!/^\d{4}-/.test(text)) throw new RangeError('An instant lies in the years 0 to 9999');
  return text;
}
