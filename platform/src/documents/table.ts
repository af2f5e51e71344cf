import { randomUUID } from 'node:crypto';
import {
  type Database,
  databaseBusy,
  databaseUnavailable,
  type DialectName,
  queryBuilder,
  readOn,
  readStatement,
  type ReadStatement,
  writeStatement,
  type WriteStatement,
} from '../database/index.ts';
import { Problem } from '../kernel/index.ts';
import type { Backend, Collection, InsertOutcome, ReadyDocument, ReadyQuery } from './backend.ts';
import { type DocumentStore, DocumentsUnavailable, type JsonDocument } from './contract.ts';
import { BackedStore, type StoreOptions } from './store.ts';
import { type DocumentTables, ensureSlots, keyOf, type Slots } from './table-slots.ts';

export interface TableDocumentsOptions extends StoreOptions {
  /** With the tables of the platform's migration `documents`. It is the caller's, and stays open. */
  readonly database: Database;
}

/** Documents in a table of the service's own database. */
export function tableDocuments(options: TableDocumentsOptions): DocumentStore {
  return new BackedStore(new TableBackend(options.database), options);
}

const columns = 'id, instant, field_1, field_2, field_3, field_4, body';

/** One statement over a set; a row whose id is taken is left out. Sorted, so that two sets lock in the same order. */
const insertSet: Record<DialectName, WriteStatement<[collection: string, putId: string, rows: string], never>> = {
  postgresql: writeStatement(
    'documents.put',
    `insert into documents (collection, put_id, created_at, ${columns})
     select $1, $2, now(), ${columns} from json_to_recordset($3::json) as given
       (id text, instant text, field_1 text, field_2 text, field_3 text, field_4 text, body text)
      order by id
     on conflict (collection, id) do nothing`,
  ),
  mysql: writeStatement(
    'documents.put',
    `insert ignore into documents (collection, put_id, created_at, ${columns})
     select ?, ?, now(6), ${columns} from json_table(?, '$[*]' columns (
       id varchar(128) path '$.id', instant varchar(32) path '$.instant',
       field_1 varchar(43) path '$.field_1', field_2 varchar(43) path '$.field_2',
       field_3 varchar(43) path '$.field_3', field_4 varchar(43) path '$.field_4',
       body longtext path '$.body')) as given
      order by id`,
  ),
};

type ByIds<Row> = Record<DialectName, ReadStatement<[collection: string, ids: string], Row>>;

const findMarks = byIds<{ id: string; put_id: string }>('documents.marks', 'put_id');
const findBodies = byIds<{ id: string; body: string }>('documents.get', 'body');
const countAll = readOn<{ total: number | string }, { collection: string }>(
  'documents.count',
  () => 'select count(*) as total from documents where collection = :collection',
);

function byIds<Row>(operation: string, column: string): ByIds<Row> {
  const select = `select d.id, d.${column} from documents d`;
  return {
    postgresql: readStatement(
      operation,
      `${select} where d.collection = $1 and d.id = any(array(select json_array_elements_text($2::json)))`,
    ),
    mysql: readStatement(
      operation,
      `${select} where d.collection = ?
         and d.id in (select id from json_table(?, '$[*]' columns (
           id varchar(128) character set ascii collate ascii_bin path '$')) as asked)`,
    ),
  };
}

class TableBackend implements Backend {
  readonly #database: Database;
  readonly #slots = new Map<string, Slots>();

  constructor(database: Database) {
    this.#database = database;
  }

  async ensure(collection: Collection): Promise<void> {
    this.#slots.set(collection.name, await told('ensure', () => ensureSlots(this.#database, collection)));
  }

  async insert(collection: Collection, documents: readonly ReadyDocument[]): Promise<readonly InsertOutcome[]> {
    const { name, fields } = collection;
    const database = this.#database;
    const slots = this.#slotsOf(collection);
    const rows = documents.map(({ id, instant, text, values }) => ({
      id,
      instant,
      body: text,
      ...Object.fromEntries(
        fields.map((field, place) => {
          const value = values[place];
          return [`field_${slots.get(field)}`, value === undefined ? null : keyOf(value)];
        }),
      ),
    }));
    const putId = randomUUID();
    return told('put', async () => {
      const statement = insertSet[database.dialect.name];
      const { affected } = await database.runAlone(statement, [name, putId, JSON.stringify(rows)]);
      if (affected === documents.length) return documents.map(() => 'stored' as const);
      // Some were there: those that this call wrote bear its mark.
      const ids = JSON.stringify(documents.map(({ id }) => id));
      const marks = await database.run(findMarks[database.dialect.name], [name, ids]);
      const ours = new Set(marks.rows.filter((row) => row.put_id === putId).map(({ id }) => id));
      return documents.map(({ id }) => (ours.has(id) ? ('stored' as const) : ('taken' as const)));
    });
  }

  async fetch({ name }: Collection, ids: readonly string[]): Promise<readonly JsonDocument[]> {
    const database = this.#database;
    const statement = findBodies[database.dialect.name];
    const { rows } = await told('get', () => database.run(statement, [name, JSON.stringify(ids)]));
    return rows.map(documentOf);
  }

  async find(collection: Collection, query: ReadyQuery): Promise<readonly JsonDocument[]> {
    const { where, from, to, behind, isNewestFirst, limit } = query;
    const slots = this.#slotsOf(collection);
    const side = isNewestFirst ? '<' : '>';
    let select = queryBuilder<DocumentTables>(this.#database)
      .selectFrom('documents')
      .select('body')
      .where('collection', '=', collection.name);
    for (const { field, value } of where) select = select.where(`field_${slots.get(field)}`, '=', keyOf(value));
    if (from !== undefined) select = select.where('instant', '>=', from);
    if (to !== undefined) select = select.where('instant', '<', to);
    if (behind) {
      // The first condition finds the place in the index, the other passes over what lies at the same instant.
      select = select
        .where('instant', `${side}=`, behind.instant)
        .where((is) => is.or([is('instant', side, behind.instant), is('id', side, behind.id)]));
    }
    const direction = isNewestFirst ? 'desc' : 'asc';
    const found = await told('find', () =>
      select.orderBy('instant', direction).orderBy('id', direction).limit(limit).execute(),
    );
    return found.map(({ body }) => documentOf({ body: body ?? '' }));
  }

  async count({ name }: Collection): Promise<number> {
    const rows = await told('count', () => countAll(this.#database, { collection: name }));
    return Number(rows[0]?.total);
  }

  async ping(): Promise<void> {
    await told('ping', () => this.#database.ping());
  }

  async close(): Promise<void> {
    // The database is the caller's.
  }

  #slotsOf({ name }: Collection): Slots {
    return this.#slots.get(name) ?? new Map<string, number>();
  }
}

function documentOf({ body }: { readonly body: string }): JsonDocument {
  return JSON.parse(body) as JsonDocument;
}

const passing = new Set([databaseUnavailable.definition.code, databaseBusy.definition.code]);

/** What the database says of itself when it is not there, in the words of this port. */
async function told<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Problem) || !passing.has(error.code)) throw error;
    throw new DocumentsUnavailable(operation, 'the database does not answer', error);
  }
}
