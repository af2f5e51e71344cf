import { type Database, type Db, readOn } from '../database/index.ts';

/**
 * Ids are given before a transaction commits, so a row may appear below rows that are sealed already, or never, where
 * its transaction was rolled back. An id that is not there yet is kept as part of a gap until it is certain that
 * nobody can still bring it: then the gap is closed for good, and a row that turns up in it later was added behind the
 * sealer's back.
 */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** PostgreSQL: the transactions that could write audit rows when the gap was found. */
  readonly writers: readonly string[];
  /** When it was found, in milliseconds of the process that found it. */
  readonly foundMs: number;
}

/** The gaps that rows leave which come after `afterId`, in the order of their ids. */
export function gapsBetween(afterId: number, ids: readonly number[]): { readonly from: number; readonly to: number }[] {
  let expected = afterId + 1;
  return ids.flatMap((id) => {
    const gap = { from: expected, to: id - 1 };
    expected = id + 1;
    return gap.from <= gap.to ? [gap] : [];
  });
}

/** What is left of a gap when some of its ids have come. */
export function gapWithout(gap: Gap, ids: readonly number[]): Gap[] {
  return gapsBetween(gap.from - 1, [...ids, gap.to + 1]).map((rest) => ({ ...gap, ...rest }));
}

export function parseGaps(text: string): Gap[] {
  const gaps: unknown = JSON.parse(text);
  if (!Array.isArray(gaps) || !gaps.every(isGap)) throw new Error(`audit_tree.gaps holds ${text.slice(0, 200)}`);
  return gaps;
}

function isGap(value: unknown): value is Gap {
  if (typeof value !== 'object' || value === null) return false;
  const { from, to, foundMs, writers } = value as Readonly<Record<keyof Gap, unknown>>;
  return [from, to, foundMs].every(Number.isSafeInteger) && Array.isArray(writers);
}

/** Transactions that hold the lock that each INSERT into the table takes before it takes an id. */
const findWriters = readOn<{ readonly writer: string }, Record<string, never>>(
  'audit.writers',
  () => `
    select distinct virtualtransaction as writer
      from pg_locks
     where relation = 'audit_logs'::regclass and mode = 'RowExclusiveLock' and granted
       and database = (select oid from pg_database where datname = current_database())`,
);

const findIds = readOn<{ readonly id: number | string }, { from: number; to: number }>(
  'audit.pending_ids',
  () => 'select id from audit_logs where id between :from and :to order by id limit 1',
);

/**
 * MySQL does not say which transactions write to a table, unless one may see all of them; but who reads uncommitted
 * sees a row as soon as it is there. What this cannot see is a statement that has its id and has not written its row;
 * no statement stays there for a minute.
 */
const unwrittenMs = 60_000;

/** Who could still bring rows, to be kept with a gap. */
export async function currentWriters(db: Db): Promise<readonly string[]> {
  if (db.dialect.name === 'mysql') return [];
  return (await findWriters(db, {})).map(({ writer }) => writer);
}

/** Those gaps that nobody can fill any more, as soon as they have been read once again after this. */
export async function quietGaps(database: Database, gaps: readonly Gap[], nowMs: number): Promise<ReadonlySet<number>> {
  if (gaps.length === 0) return new Set();
  const quiet =
    database.dialect.name === 'mysql' ? unwrittenGaps(database, gaps, nowMs) : abandonedGaps(database, gaps);
  return new Set((await quiet).map(({ from }) => from));
}

async function abandonedGaps(database: Database, gaps: readonly Gap[]): Promise<readonly Gap[]> {
  const writing = new Set(await currentWriters(database));
  return gaps.filter(({ writers }) => !writers.some((writer) => writing.has(writer)));
}

function unwrittenGaps(database: Database, gaps: readonly Gap[], nowMs: number): Promise<readonly Gap[]> {
  return database.transact(
    async (tx) => {
      const quiet: Gap[] = [];
      for (const gap of gaps.filter(({ foundMs }) => nowMs - foundMs >= unwrittenMs)) {
        if ((await findIds(tx, gap)).length === 0) quiet.push(gap);
      }
      return quiet;
    },
    { isolation: 'read uncommitted' },
  );
}
