import { type RawBuilder, sql } from 'kysely';
import type { Db } from './contract.ts';
import type { DialectName } from './dialect.ts';
import { readSql } from './query-builder.ts';

/**
 * Pages of a table that grows for ever, newest first: by `created_at`, then by `id`, neither of which ever changes.
 *
 * No page reads much, however many rows there are and whatever is asked for. One condition leads: its rows come in the
 * order of an index that begins with its column and goes on with `created_at` and `id`, so that a page is one stretch of
 * that index. The other conditions are looked at row by row. A lead whose rows hardly ever fulfil them would be followed
 * to its end, so a page follows it for so many rows at most. Where it stops there, the page has fewer rows than its limit,
 * even none, and says where to go on.
 */
export interface NewestFirst {
  readonly table: string;
  readonly columns: readonly string[];
  /** Those with an index as above; the index of none is (created_at, id). */
  readonly leads: readonly Lead[];
  readonly filters: readonly Condition[];
  /** Counts. */
  readonly from?: Date | undefined;
  /** Does not count. */
  readonly to?: Date | undefined;
}

/** A condition that an index begins with. */
export interface Lead {
  /** A column, or an expression that the index has. */
  readonly column: string;
  readonly value: unknown;
  /** What else the index holds or is narrowed to. */
  readonly also?: readonly Condition[];
  /** Names a few rows, whatever their order: it leads before all others, and its index need not go on. */
  readonly isExact?: boolean;
}

export type Condition =
  | readonly [column: string, operator: '=' | '>=' | '<=' | 'ilike', value: unknown]
  | readonly [column: string, operator: 'is not null' | 'is true'];

/** A page begins behind the row with this key; without one, with the newest row. */
export interface PageOfKeys {
  readonly beforeId?: number | undefined;
  readonly limit: number;
}

export interface NewestPage<Row> {
  readonly rows: Row[];
  /** What the next page begins behind; undefined where there is none. */
  readonly next: number | undefined;
}

/** The most rows that a page looks at. */
export interface Reach {
  /** Where they lie one behind the other, as they were written. */
  readonly ordered: number;
  /** Where they lie far apart, and each may be a page of the disk. */
  readonly scattered: number;
}

const reachDefault: Reach = { ordered: 4_000, scattered: 2_000 };

export async function newestFirst<Row extends object>(
  db: Db,
  wanted: NewestFirst,
  page: PageOfKeys,
  reach = reachDefault,
): Promise<NewestPage<Row>> {
  const bounds = await boundsOf(db, wanted, page);
  const lead = await chosenLead(db, wanted, bounds, reach);
  const others = wanted.leads
    .filter((other) => other !== lead)
    .flatMap(({ column, value, also = [] }) => [sql`${sql.raw(column)} = ${value}`, ...also.map(asSql)]);
  const filters = [...wanted.filters.map(asSql), ...others];
  const walk = walkOf(db.dialect.name, wanted.table, lead, bounds);
  const statement =
    filters.length === 0
      ? sql`select ${list(wanted.columns)} ${walk.rows} limit ${page.limit + 1}`
      : filtered(wanted.columns, walk, filters, { lookedAtMax: lead ? reach.scattered : reach.ordered, ...page });
  return pageOfFound(await readSql<Row & Found>(db, statement), page.limit);
}

/** A stretch of an index, from its newest row on. */
interface Walk {
  /** FROM, WHERE and ORDER BY. */
  readonly rows: RawBuilder<unknown>;
  /** All columns, and what `rows` is ordered by first. */
  readonly whole: RawBuilder<unknown>;
  /** ORDER BY of rows that were selected so. */
  readonly again: RawBuilder<unknown>;
  /** For LIMIT and OFFSET: so many rows, of which PostgreSQL is not to know that they may be all there are, and sort them. */
  readonly count: (rows: number) => RawBuilder<unknown>;
}

/** Where the lead was left is asked for only if the page is not full: the server works out a CASE as far as it goes. */
function filtered(
  columns: readonly string[],
  { rows, whole, again, count }: Walk,
  filters: readonly RawBuilder<unknown>[],
  { lookedAtMax, limit }: PageOfKeys & { readonly lookedAtMax: number },
): RawBuilder<unknown> {
  return sql`
    with found as (
      select *
        from (select ${whole} ${rows} limit ${count(lookedAtMax)}) candidate
       where ${conjunction(filters)} ${again} limit ${limit + 1}
    )
    select ${list(columns.map((column) => `found.${column}`))},
        case when (select count(*) from found) <= ${limit}
             then (select id ${rows} limit 1 offset ${count(lookedAtMax - 1)}) end as left_at
      from (select 1 as one) always
      left join found on 1 = 1
     order by found.created_at desc, found.id desc`;
}

interface Found {
  readonly id: number | string | null;
  /** Of each row the same: where the lead was left. */
  readonly left_at?: number | string | null;
}

function pageOfFound<Row extends object>(found: readonly (Row & Found)[], limit: number): NewestPage<Row> {
  const rows = found.filter(({ id }) => id !== null);
  const last = rows.length > limit ? rows[limit - 1]?.id : found[0]?.left_at;
  return {
    rows: rows.slice(0, limit).map((row) => {
      const { left_at: leftAt, ...asked } = row;
      return leftAt === undefined ? row : (asked as unknown as Row); // Row is what is left without it.
    }),
    next: last === undefined || last === null ? undefined : Number(last),
  };
}

/**
 * The lead with the fewest rows: one that ends soon, else the one whose rows reach back furthest. Keys and times in the
 * indexes are all that is read for it.
 */
async function chosenLead(
  db: Db,
  { table, leads }: NewestFirst,
  bounds: Bounds,
  { scattered }: Reach,
): Promise<Lead | undefined> {
  const exact = leads.find(({ isExact }) => isExact);
  if (exact || leads.length < 2) return exact ?? leads[0];
  const reaches = leads.map((lead, place) => {
    const { rows, count } = walkOf(db.dialect.name, table, lead, bounds);
    return sql`(select created_at ${rows} limit 1 offset ${count(scattered)}) as ${sql.ref(`lead_${place}`)}`;
  });
  const [row = {}] = await readSql<Readonly<Record<string, Date | null>>>(db, sql`select ${sql.join(reaches)}`);
  const instants = leads.map((_, place) => row[`lead_${place}`]?.getTime() ?? Number.NEGATIVE_INFINITY);
  return leads[instants.indexOf(Math.min(...instants))];
}

/** Between these the page lies. */
interface Bounds {
  readonly from?: Date | undefined;
  /** One of them at most, since two upper bounds make PostgreSQL begin at the wrong one. */
  readonly to?: Date | undefined;
  readonly behindId?: number | undefined;
}

async function boundsOf(db: Db, { table, from, to }: NewestFirst, { beforeId }: PageOfKeys): Promise<Bounds> {
  if (beforeId === undefined) return { from, to };
  if (to === undefined) return { from, behindId: beforeId };
  const rows = await readSql<{ created_at: Date }>(db, sql`select created_at ${rowOf(table, beforeId)}`);
  return rows[0] && rows[0].created_at >= to ? { from, to } : { from, behindId: beforeId };
}

function walkOf(dialect: DialectName, table: string, lead: Lead | undefined, bounds: Bounds): Walk {
  const isRange = dialect === 'postgresql' && lead !== undefined && !lead.isExact;
  const conditions = isRange ? rangeOf(table, lead, bounds) : equality(dialect, table, lead, bounds);
  const where = conjunction([...conditions, ...(lead?.also ?? []).map(asSql)]);
  const all = sql`${sql.table(table)}.*`;
  const first = isRange ? sql`${sql.raw(lead.column)} desc, ` : sql``;
  return {
    rows: sql`from ${sql.table(table)} where ${where} order by ${first}created_at desc, id desc`,
    whole: isRange ? sql`${all}, ${sql.raw(lead.column)} as lead_key` : all,
    again: sql`order by ${isRange ? sql`lead_key desc, ` : sql``}created_at desc, id desc`,
    count: (rows) => (dialect === 'postgresql' ? sql`(select ${rows}::bigint)` : sql`${rows}`),
  };
}

/**
 * The lead's rows as one range of its index, and never as an equality: PostgreSQL would take the index of all rows by
 * time for a lead that many rows have, and read all that are newer than the first of them. Nor does it see the value while
 * it plans, or it would take rows that come before (value, time) for rows whose lead is less, of which it knows of none,
 * and would rather sort all it finds.
 */
function rangeOf(table: string, { column, value }: Lead, { from, to, behindId }: Bounds): RawBuilder<unknown>[] {
  const lead = sql.raw(column);
  const unseen = sql`coalesce((select ${lead} from ${sql.table(table)} where false), ${value})`;
  const lower = sql`(${lead}, created_at) >= (${unseen}, ${from ?? '-infinity'})`;
  if (behindId === undefined) return [lower, sql`(${lead}, created_at) < (${unseen}, ${to ?? 'infinity'})`];
  const behind = sql`(select created_at ${rowOf(table, behindId)})`;
  return [lower, sql`(${lead}, created_at, id) < (${unseen}, ${behind}, ${behindId})`];
}

function equality(
  dialect: DialectName,
  table: string,
  lead: Lead | undefined,
  { from, to, behindId }: Bounds,
): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (lead) conditions.push(sql`${sql.raw(lead.column)} = ${lead.value}`);
  if (from) conditions.push(sql`created_at >= ${from}`);
  if (to) conditions.push(sql`created_at < ${to}`);
  if (behindId === undefined) return conditions;
  const behind = sql`(select created_at ${rowOf(table, behindId)})`;
  // Each engine finds its place in an index by one of the two.
  const isBehind: Record<DialectName, RawBuilder<unknown>> = {
    postgresql: sql`(created_at, id) < (${behind}, ${behindId})`,
    mysql: sql`created_at <= ${behind} and (created_at < ${behind} or id < ${behindId})`,
  };
  return [...conditions, isBehind[dialect]];
}

function rowOf(table: string, id: number): RawBuilder<unknown> {
  return sql`from ${sql.table(table)} where id = ${id}`;
}

function asSql([column, operator, value]: Condition): RawBuilder<unknown> {
  const left = sql`${sql.ref(column)} ${sql.raw(operator)}`;
  return value === undefined ? left : sql`${left} ${value}`;
}

function conjunction(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`1 = 1` : sql.join(conditions, sql` and `);
}

function list(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.ref(column)));
}
