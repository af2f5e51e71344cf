/**
 * The part of CouchDB 3.3 that the adapter uses, in memory, as its manual describes it:
 * https://docs.couchdb.org/en/3.3.x/api/index.html. Texts are compared by the Unicode collation, as CouchDB's indexes do.
 */

import { createHash } from 'node:crypto';

export interface Reply {
  readonly status: number;
  readonly body: object;
}

type Json = Readonly<Record<string, unknown>>;
interface Unkept extends Json {
  readonly _id: string;
}
interface Kept extends Unkept {
  readonly _rev: string;
}
type Selector = Readonly<Record<string, unknown>>;

/** A rule of a design document: what it throws, or nothing. */
export type Validate = (document: Json) => { readonly forbidden: string } | undefined;

/** What has changed: a database was made, or a document was kept in it. */
export interface CouchChange {
  readonly database: string;
  readonly document?: Unkept;
}

const collator = new Intl.Collator('und');
const changesDefault = 100_000;

export class CouchDatabases {
  readonly #databases = new Map<string, Database>();
  /** Told of each change before its answer leaves, one after the other. */
  onChange: (change: CouchChange) => void = () => undefined;
  /** Told how many documents come at once, before any of them is kept. */
  beforeSet: (count: number) => void = () => undefined;
  /** Told of a document that was sent again though it is there. */
  onConflict: (id: string) => void = () => undefined;
  validate: Validate = () => undefined;
  /** Whether a document makes the server refuse its whole set as no JSON. */
  refusesWhole: (document: Json) => boolean = () => false;
  documentBytesMax = 8_000_000;
  /** Whether a condition beside the columns of an index is refused, as by express-pouchdb. */
  findsByIndexAlone = false;
  /** Whether `PUT /_users` and the like are refused. */
  isAdmin = true;

  get names(): readonly string[] {
    return [...this.#databases.keys()];
  }

  delete(name: string): void {
    this.#databases.delete(name);
  }

  /** What `onChange` was told, once more: after a restart the same databases are there. */
  restore({ database, document }: CouchChange): void {
    const known = this.#databases.get(database) ?? this.#open(database);
    if (document) known.restore(document);
  }

  /** What was put in, `_rev` included: as a writer puts it who is not of ours. */
  plant(name: string, document: Unkept): void {
    this.#databases.get(name)?.keep(document);
  }

  answer(method: string, path: readonly string[], query: URLSearchParams, body: Json): Reply {
    const [name = '', part = ''] = path;
    if (name === '') return { status: 200, body: { couchdb: 'Welcome', version: '3.3.3' } };
    if (method === 'PUT' && part === '') return this.#create(name);
    const database = this.#databases.get(name);
    if (!database) return failure(404, 'not_found', 'Database does not exist.');
    switch (`${method} ${part}`) {
      case 'GET ':
        return { status: 200, body: { db_name: name, doc_count: database.size } };
      case 'POST _bulk_docs':
        return this.#store(database, body['docs'] as readonly Kept[]);
      case 'POST _all_docs':
        return database.byKeys(body['keys'] as readonly string[]);
      case 'GET _all_docs':
        return database.between(keyIn(query, 'startkey'), keyIn(query, 'endkey'));
      case 'POST _index':
        return database.addIndex(body as unknown as IndexBody); // as the adapter sends it
      case 'POST _find':
        return database.find(body as unknown as FindBody, this.findsByIndexAlone); // as the adapter sends it
      case 'GET _changes':
        return database.changes(query);
      default:
        return failure(405, 'method_not_allowed', 'Only GET,PUT,POST allowed');
    }
  }

  #create(name: string): Reply {
    if (name.startsWith('_') && !this.isAdmin) return failure(401, 'unauthorized', 'You are not a server admin.');
    if (this.#databases.has(name)) return failure(412, 'file_exists', 'The database could not be created.');
    this.#open(name);
    this.onChange({ database: name });
    return { status: 201, body: { ok: true } };
  }

  #open(name: string): Database {
    const database = new Database((document) => this.onChange({ database: name, document }));
    this.#databases.set(name, database);
    return database;
  }

  #store(database: Database, documents: readonly Kept[]): Reply {
    const isTooLarge = documents.some((document) => JSON.stringify(document).length > this.documentBytesMax);
    if (isTooLarge) return failure(413, 'document_too_large', 'a document is too large');
    if (documents.some(this.refusesWhole)) return failure(400, 'bad_request', 'invalid UTF-8 JSON');
    this.beforeSet(documents.length);
    const rows = documents.map((document) => {
      const refusal = this.validate(document);
      if (refusal) return { id: document._id, error: 'forbidden', reason: refusal.forbidden };
      if (!database.has(document._id)) return { ok: true, id: document._id, rev: database.keep(document) };
      this.onConflict(document._id);
      return { id: document._id, error: 'conflict', reason: 'Document update conflict.' };
    });
    return { status: 201, body: rows };
  }
}

interface IndexBody {
  readonly index: { readonly fields: readonly string[] };
  readonly ddoc: string;
  readonly name: string;
}

interface FindBody {
  readonly selector: Selector;
  readonly sort: readonly Readonly<Record<string, 'asc' | 'desc'>>[];
  readonly use_index: readonly [string, string];
  readonly limit: number;
}

class Database {
  /** In the order in which they were written: none is ever written over. */
  readonly #documents = new Map<string, Kept>();
  readonly #onKept: (document: Unkept) => void;

  constructor(onKept: (document: Unkept) => void) {
    this.#onKept = onKept;
  }

  get size(): number {
    return this.#documents.size;
  }

  has(id: string): boolean {
    return this.#documents.has(id);
  }

  keep(document: Unkept): string {
    const rev = this.restore(document);
    this.#onKept(document);
    return rev;
  }

  restore(document: Unkept): string {
    const rev = `1-${createHash('md5').update(JSON.stringify(document)).digest('hex')}`;
    this.#documents.set(document._id, { ...document, _rev: rev });
    return rev;
  }

  byKeys(keys: readonly string[]): Reply {
    const rows = keys.map((key) => {
      const doc = this.#documents.get(key);
      return doc ? { id: key, key, value: { rev: doc._rev }, doc } : { key, error: 'not_found' };
    });
    return { status: 200, body: { total_rows: this.size, rows } };
  }

  between(from: string, to: string): Reply {
    const ids = [...this.#documents.keys()].filter((id) => id >= from && id <= to);
    return { status: 200, body: { rows: ids.map((id) => ({ id, key: id })) } };
  }

  /** `_changes` with `include_docs`: a sequence number is the place in the order of writing. */
  changes(query: URLSearchParams): Reply {
    const [since, limit] = [Number(query.get('since') ?? 0), Number(query.get('limit') ?? changesDefault)];
    const rows = [...this.#documents.values()].slice(since, since + limit);
    const results = rows.map((doc, place) => ({
      seq: since + place + 1,
      id: doc._id,
      changes: [{ rev: doc._rev }],
      doc,
    }));
    return { status: 200, body: { results, last_seq: since + rows.length, pending: this.size - since - rows.length } };
  }

  addIndex({ index, ddoc, name }: IndexBody): Reply {
    const id = `_design/${ddoc}`;
    const known = this.#documents.has(id);
    if (!known) this.keep({ _id: id, language: 'query', fields: index.fields });
    return { status: 200, body: { result: known ? 'exists' : 'created', id, name } };
  }

  find({ selector, sort, use_index: [ddoc], limit }: FindBody, byIndexAlone: boolean): Reply {
    const fields = this.#documents.get(`_design/${ddoc}`)?.['fields'];
    const columns = sort.map((column) => Object.keys(column)[0] ?? '');
    if (JSON.stringify(fields) !== JSON.stringify(columns) || new Set(sort.flatMap(Object.values)).size !== 1) {
      return failure(400, 'no_usable_index', 'No index exists for this sort, try indexing by the sort fields.');
    }
    if (byIndexAlone && Object.keys(selector).some((field) => !columns.includes(field))) {
      return failure(400, 'no_usable_index', 'There is no index available for this selector.');
    }
    const sign = Object.values(sort[0] ?? {})[0] === 'desc' ? -1 : 1;
    const docs = [...this.#documents.values()]
      .filter(({ _id }) => !_id.startsWith('_design/'))
      .filter((document) => columns.every((column) => at(document, column) !== undefined))
      .filter((document) => isMatch(document, selector))
      .toSorted((a, b) => sign * columns.reduce((so, column) => so || order(at(a, column), at(b, column)), 0));
    return { status: 200, body: { docs: docs.slice(0, limit), bookmark: 'nil' } };
  }
}

function keyIn(query: URLSearchParams, name: string): string {
  return JSON.parse(query.get(name) ?? '""') as string;
}

function isMatch(document: Json, selector: Selector): boolean {
  return Object.entries(selector).every(([field, condition]) => {
    if (field === '$or') return (condition as readonly Selector[]).some((one) => isMatch(document, one));
    const value = at(document, field);
    return Object.entries(condition as Json).every(([operator, operand]) => {
      const side = order(value, operand);
      return { $eq: side === 0, $lt: side < 0, $lte: side <= 0, $gt: side > 0, $gte: side >= 0 }[operator] ?? false;
    });
  });
}

/** Null before booleans before numbers before texts before lists before objects. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return collator.compare(a, b);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return JSON.stringify(a) === JSON.stringify(b) ? 0 : 1;
}

function rank(value: unknown): number {
  if (Array.isArray(value)) return 4;
  return value === null ? 0 : ({ boolean: 1, number: 2, string: 3 }[typeof value as string] ?? 5);
}

function at(document: Json, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Json | undefined)?.[name], document);
}

function failure(status: number, error: string, reason: string): Reply {
  return { status, body: { error, reason } };
}
