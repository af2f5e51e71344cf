import type { Collection, ReadyQuery } from './backend.ts';
import { textOf, valueAt } from './bounds.ts';
import type { JsonDocument } from './contract.ts';

/** An index as `_index` takes it: the name is also that of its design document. */
export interface MangoIndex {
  readonly name: string;
  readonly fields: readonly string[];
}

/** The index that a query leads with: none of the fields, or one. */
function mangoIndex({ instant }: Collection, field?: string): MangoIndex {
  const fields = [...(field === undefined ? [] : [field]), instant, '_id'];
  return { name: `quinta_by_${fields.slice(0, -1).join('_').replaceAll('.', '_')}`, fields };
}

/** All indexes of a collection. */
export function mangoIndexes(collection: Collection): readonly MangoIndex[] {
  return [mangoIndex(collection), ...collection.fields.map((field) => mangoIndex(collection, field))];
}

/**
 * The body of `_find`. The place behind which a page begins is a condition on the keys, since a bookmark of CouchDB is good
 * for one query alone and says nothing once the index has changed: https://docs.couchdb.org/en/3.3.x/api/database/find.html
 */
export function mangoQuery(collection: Collection, query: ReadyQuery): object {
  const { where, isNewestFirst, behind } = query;
  return mangoBody(collection, query, {
    ...Object.fromEntries(where.map(({ field, value }) => [field, { $eq: value }])),
    [collection.instant]: instantRange(query),
    ...(behind && { $or: isBehind(collection, behind, isNewestFirst ? '$lt' : '$gt') }),
  });
}

/**
 * The same with conditions on the columns of the index alone, for a server that refuses any other (express-pouchdb 4.2):
 * what `isAsked` says no to comes too.
 */
export function indexQuery(collection: Collection, query: ReadyQuery): object {
  const [lead] = query.where;
  return mangoBody(collection, query, {
    ...(lead && { [lead.field]: { $eq: lead.value } }),
    [collection.instant]: instantRange(query),
  });
}

/** Whether a document that came by the index is one that was asked for. */
export function isAsked({ instant }: Collection, query: ReadyQuery, document: JsonDocument): boolean {
  const { where, behind, isNewestFirst } = query;
  if (where.some(({ field, value }) => valueAt(document, field) !== value)) return false;
  if (!behind) return true;
  const at = textOf(valueAt(document, instant)) ?? '';
  const isLess = at === behind.instant ? document._id < behind.id : at < behind.instant;
  return isNewestFirst ? isLess : !isLess && document._id !== behind.id;
}

function mangoBody(collection: Collection, { where, isNewestFirst, limit }: ReadyQuery, selector: object): object {
  const { name, fields } = mangoIndex(collection, where[0]?.field);
  const direction = isNewestFirst ? 'desc' : 'asc';
  return {
    selector,
    // From the first column of the index on and in one direction, or the index is not used.
    sort: fields.map((field) => ({ [field]: direction })),
    use_index: [name, name],
    limit,
  };
}

/**
 * One stretch of the index: what an equal field leaves of it, from one instant to another. Without bounds it is all that
 * begins with a digit, in CouchDB's order of texts too, so that what is no instant is passed over.
 */
function instantRange({ from, to, behind, isNewestFirst }: ReadyQuery): object {
  const isAfterPlace = behind !== undefined && !isNewestFirst && (from === undefined || behind.instant > from);
  const isBeforePlace = behind !== undefined && isNewestFirst && (to === undefined || behind.instant < to);
  return {
    $gte: isAfterPlace ? behind.instant : (from ?? '0'),
    ...(isBeforePlace ? { $lte: behind.instant } : { $lt: to ?? 'A' }),
  };
}

/** The range begins at the place's instant, so that only those of the same instant are looked at in vain. */
function isBehind({ instant }: Collection, place: { instant: string; id: string }, side: '$lt' | '$gt'): object[] {
  return [{ [instant]: { [side]: place.instant } }, { _id: { [side]: place.id } }];
}
