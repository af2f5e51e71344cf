import { type Db, readStatement, type Result, type Tx, writeStatement } from './contract.ts';
import { type Dialect, type DialectName, mysql, postgresql } from './dialect.ts';

/**
 * Statements on both engines, written once: `:name` stands for a parameter and may be repeated, and the words below
 * say what the engines say differently. All times are the database's own, so that two processes whose clocks differ
 * agree on what is within a grace time and what has expired.
 */
export interface SqlWords {
  /** When this statement began. */
  readonly now: string;
  /** So many seconds after or before now; the argument is SQL of a number. */
  readonly after: (seconds: string) => string;
  readonly before: (seconds: string) => string;
  /** Milliseconds from an instant until now. */
  readonly ageMs: (instant: string) => string;
  /** A parameter whose type the engine could not tell from its place. */
  readonly asBytes: (parameter: string) => string;
  /** A column as text, exactly as the database holds it. */
  readonly asText: (column: string) => string;
  /** The schema in which tables without a schema's name are looked up. */
  readonly currentSchema: string;
  /** A text column for a comparison with lower-case text, letter case aside; MySQL's collations do that by themselves. */
  readonly caseless: (column: string) => string;
  /** Ends an INSERT: where a row with these keys is there already, it gets these columns of the new one. */
  readonly overwriting: (keys: readonly string[], columns: readonly string[]) => string;
  /** Whether a UUID stands in a text of UUIDs with commas between them. */
  readonly isListed: (column: string, list: string) => string;
  /** Whether a whole number stands in a text of such numbers with commas between them. */
  readonly isListedNumber: (column: string, list: string) => string;
  /** Whether a text without commas stands in a text of such texts with commas between them. */
  readonly isListedText: (column: string, list: string) => string;
}

const words: Readonly<Record<DialectName, SqlWords>> = {
  postgresql: {
    now: 'statement_timestamp()',
    after: (seconds) => `(statement_timestamp() + make_interval(secs => ${seconds}))`,
    before: (seconds) => `(statement_timestamp() - make_interval(secs => ${seconds}))`,
    ageMs: (instant) => `cast(extract(epoch from statement_timestamp() - ${instant}) * 1000 as double precision)`,
    asBytes: (parameter) => `cast(${parameter} as bytea)`,
    asText: (column) => `cast(${column} as text)`,
    currentSchema: 'current_schema()',
    caseless: (column) => `lower(${column})`,
    overwriting: (keys, columns) =>
      `on conflict (${keys.join(', ')}) do update set ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    isListed: (column, list) => `${column} = any(cast(string_to_array(${list}, ',') as uuid[]))`,
    isListedNumber: (column, list) => `${column} = any(cast(string_to_array(${list}, ',') as bigint[]))`,
    isListedText: (column, list) => `${column} = any(string_to_array(${list}, ','))`,
  },
  mysql: {
    now: 'now(6)',
    after: (seconds) => `(now(6) + interval ${seconds} second)`,
    before: (seconds) => `(now(6) - interval ${seconds} second)`,
    ageMs: (instant) => `timestampdiff(microsecond, ${instant}, now(6)) / 1000`,
    asBytes: (parameter) => parameter,
    asText: (column) => `cast(${column} as char)`,
    currentSchema: 'database()',
    caseless: (column) => column,
    overwriting: (_, columns) =>
      `on duplicate key update ${columns.map((name) => `${name} = values(${name})`).join(', ')}`,
    isListed: (column, list) => `find_in_set(${column}, ${list}) > 0`,
    isListedNumber: (column, list) => `find_in_set(${column}, ${list}) > 0`,
    isListedText: (column, list) => `find_in_set(${column}, ${list}) > 0`,
  },
};

type Params = Readonly<Record<string, unknown>>;

/** A read, or a write, with its operation's name inside; `Given` are the parameters by name. */
export type ReadOn<Row, Given> = (db: Db, params: Given) => Promise<readonly Row[]>;
export type WriteOn<Row, Given> = (tx: Tx, params: Given) => Promise<Result<Row>>;
export type LaterOn<Given> = (tx: Tx, params: Given) => void;

interface Compiled {
  readonly text: string;
  readonly names: readonly string[];
}

/** A read that both engines understand: `readOn<Row, {id: string}>('refresh.find', (on) => …)`. */
export function readOn<Row, Given extends Params>(
  operation: string,
  write: (on: SqlWords) => string,
): ReadOn<Row, Given> {
  const compiled = compiledOn(write);
  return async (db, params) => {
    const { text, names } = compiled[db.dialect.name];
    const result = await db.run(readStatement<readonly unknown[], Row>(operation, text), valuesOf(names, params));
    return result.rows;
  };
}

/** A write that both engines understand. */
export function writeOn<Row, Given extends Params>(
  operation: string,
  write: (on: SqlWords) => string,
): WriteOn<Row, Given> {
  const compiled = compiledOn(write);
  return (tx, params) => {
    const { text, names } = compiled[tx.dialect.name];
    return tx.run(writeStatement<readonly unknown[], Row>(operation, text), valuesOf(names, params));
  };
}

/** A write that both engines understand, and whose outcome nobody asks for: `Tx.runLater`. */
export function writeLaterOn<Given extends Params>(operation: string, write: (on: SqlWords) => string): LaterOn<Given> {
  const compiled = compiledOn(write);
  return (tx, params) => {
    const { text, names } = compiled[tx.dialect.name];
    tx.runLater(writeStatement<readonly unknown[], never>(operation, text), valuesOf(names, params));
  };
}

function compiledOn(write: (on: SqlWords) => string): Readonly<Record<DialectName, Compiled>> {
  return {
    postgresql: compile(write(words.postgresql), postgresql),
    mysql: compile(write(words.mysql), mysql),
  };
}

/** A repeated name is the same parameter where placeholders have numbers, and given again where they do not. */
function compile(source: string, dialect: Dialect): Compiled {
  const names: string[] = [];
  const isNumbered = dialect.placeholder(1) !== dialect.placeholder(2);
  const text = source.replaceAll(/(?<![:\w]):([a-z]\w*)/gi, (_, name: string) => {
    const known = isNumbered ? names.indexOf(name) : -1;
    return dialect.placeholder(known === -1 ? names.push(name) : known + 1);
  });
  return { text, names };
}

function valuesOf(names: readonly string[], params: Params): readonly unknown[] {
  return names.map((name) => params[name]);
}
