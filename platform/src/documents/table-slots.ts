import { createHash } from 'node:crypto';
import { type Database, ignoringDuplicates, queryBuilder, readOn, type Tx, writeOn } from '../database/index.ts';
import type { JsonDocument } from './contract.ts';
import type { Collection } from './backend.ts';
import { indexedFieldsMax, textOf, valueAt } from './bounds.ts';

/** The column of each field that is indexed. */
export type Slots = ReadonlyMap<string, number>;

interface SlotRow {
  readonly slot: number;
  readonly field: string;
  readonly is_filled: number;
}

export interface DocumentTables {
  documents: Record<string, string | null>;
  document_indexes: { collection: string; slot: number; field: string };
}

const batchSize = 200;
const roundsMax = 10;

const findSlots = readOn<SlotRow, { collection: string }>(
  'documents.slots',
  () => `select slot, field, case when filled_at is null then 0 else 1 end as is_filled
           from document_indexes where collection = :collection order by slot`,
);
const findBatch = readOn<{ id: string; body: string }, { collection: string; behind: string }>(
  'documents.batch',
  () => `select id, body from documents where collection = :collection and id > :behind order by id limit ${batchSize}`,
);
const markFilled = writeOn<never, { collection: string; slot: number }>(
  'documents.mark_filled',
  (on) => `update document_indexes set filled_at = ${on.now} where collection = :collection and slot = :slot`,
);

/**
 * Gives each field of a collection a column, the same in every process: whoever comes first writes it down. A field that
 * comes later is filled in for the documents that are there. Throws a RangeError where the collection is ordered by
 * another field, or no column is left.
 */
export async function ensureSlots(database: Database, collection: Collection): Promise<Slots> {
  const { name, instant, fields } = collection;
  for (let round = 1; round <= roundsMax; round += 1) {
    const rows = await findSlots(database, { collection: name });
    const ordering = rows.find(({ slot }) => slot === 0);
    if (ordering && ordering.field !== instant) {
      throw new RangeError(`The collection ${name} is ordered by ${ordering.field} and stays so`);
    }
    const missing = [...(ordering ? [] : [{ slot: 0, field: instant }]), ...missingSlots(collection, rows)];
    if (missing.length === 0) {
      await fillAll(database, collection, rows);
      return new Map(rows.filter(({ field }) => fields.includes(field)).map(({ field, slot }) => [field, slot]));
    }
    await database.transact((tx) => claim(tx, name, missing));
  }
  throw new Error(`The indexes of ${name} change all the time`);
}

/** What is kept of an indexed text. */
export function keyOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

function missingSlots(
  { name, fields }: Collection,
  rows: readonly SlotRow[],
): readonly { readonly slot: number; readonly field: string }[] {
  const taken = new Set(rows.map(({ slot }) => slot));
  const free = Array.from({ length: indexedFieldsMax }, (_, place) => place + 1).filter((slot) => !taken.has(slot));
  return fields
    .filter((field) => rows.every((row) => row.field !== field))
    .map((field, place) => {
      const slot = free[place];
      if (slot === undefined) throw new RangeError(`The collection ${name} has had ${indexedFieldsMax} other fields`);
      return { slot, field };
    });
}

/** Of two at once, one gets a column; the other reads again. */
async function claim(
  tx: Tx,
  collection: string,
  slots: readonly { readonly slot: number; readonly field: string }[],
): Promise<void> {
  for (const row of slots) {
    const insert = queryBuilder<DocumentTables>(tx)
      .insertInto('document_indexes')
      .values({ collection, ...row });
    await ignoringDuplicates(insert, tx.dialect).execute();
  }
}

async function fillAll(database: Database, collection: Collection, rows: readonly SlotRow[]): Promise<void> {
  const open = rows.filter(({ slot, is_filled: isFilled }) => slot > 0 && isFilled === 0);
  if (open.length === 0) return;
  let behind = '';
  for (;;) {
    const batch = await findBatch(database, { collection: collection.name, behind });
    await database.transact(async (tx) => {
      for (const { id, body } of batch) await fill(tx, collection.name, id, valuesOf(open, body));
    });
    const last = batch.at(-1);
    if (last === undefined) break;
    behind = last.id;
  }
  await database.transact(async (tx) => {
    for (const { slot } of open) await markFilled(tx, { collection: collection.name, slot });
  });
}

function valuesOf(open: readonly SlotRow[], body: string): Readonly<Record<string, string>> {
  const document = JSON.parse(body) as JsonDocument;
  return Object.fromEntries(
    open.flatMap(({ slot, field }) => {
      const value = textOf(valueAt(document, field));
      return value === undefined ? [] : [[`field_${slot}`, keyOf(value)]];
    }),
  );
}

async function fill(tx: Tx, collection: string, id: string, values: Readonly<Record<string, string>>): Promise<void> {
  if (Object.keys(values).length === 0) return;
  await queryBuilder<DocumentTables>(tx)
    .updateTable('documents')
    .set(values)
    .where('collection', '=', collection)
    .where('id', '=', id)
    .execute();
}
