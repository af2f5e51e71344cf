import { query } from '../stage/sql.ts';
import type { BenchDatabase } from '../stage/stage.ts';
import { ask, type LendingPlace } from './place.ts';

/** How a loan of the bench is granted, beside its client. */
export interface LoanBody {
  readonly amount: string;
  readonly interest_rate: number;
  readonly term_months: number;
  readonly start_date: string;
}

/** Level instalments for two years, unless it says otherwise; three months old, so that instalments are due. */
export function usualLoan({ amount = '500000.00', daysAgo = 95 } = {}): LoanBody {
  const start_date = new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10);
  return { amount, interest_rate: 0.15, term_months: 24, start_date };
}

/** The key of the n-th copied loan, from 1 on; pgbench makes the same. */
export function loanId(place: number): string {
  return `d0000000-0000-4000-8000-${String(place).padStart(12, '0')}`;
}

/** The n-th copied client's RFC: of the right shape, and nobody's. */
export function rfcOf(place: number): string {
  const letter = String.fromCodePoint(65 + Math.floor(place / rfcsPerLetter));
  const tail = (place % rfcsPerLetter).toString(16).toUpperCase().padStart(3, '0');
  return `BEN${letter}800101${tail}`;
}

const rfcsPerLetter = 4_096;
const copiesMax = 26 * rfcsPerLetter - 1;

/** Grants a loan over HTTP, to a client who is registered for it; resolves to its key. */
export async function grantLoan(place: LendingPlace, body: LoanBody): Promise<string> {
  people += 1;
  // The copies' RFCs end in digits below G.
  const rfc = `BENZ900101Z${people.toString(36).toUpperCase().padStart(2, '0')}`;
  const person = { full_name: `Bench ${people}`, email: `granted${people}@bench.example`, rfc };
  const { id } = await ask<{ id: string }>(place, '/clients/', person);
  return (await ask<{ id: string }>(place, '/loans/', { client_id: id, ...body })).id;
}

let people = 0;

/**
 * Copies loans that were granted over HTTP, with everything that stands beneath them, until there are so many: each copy
 * has a client, events and entries of its own. Whatever columns a table has, a copy has them too.
 */
export async function copyLoans(
  { sql }: Pick<BenchDatabase, 'sql'>,
  originals: readonly string[],
  count: number,
): Promise<void> {
  if (count > copiesMax) throw new RangeError(`At most ${copiesMax} loans have clients with RFCs of their own`);
  const tables = ['clients', 'loans', 'loan_events', 'entries'] as const;
  const columns = new Map<string, string>();
  for (const table of tables) columns.set(table, await columnsOf(sql, table));
  for (const { table, changed, from } of copying) {
    const list = columns.get(table) ?? '';
    const fresh = list.replaceAll(/[^,\s]+/g, (column) => `r.${column}`);
    await query(
      sql,
      `insert into ${table} (${list}) overriding system value
       select ${fresh} from (${copies}) c ${from}, lateral jsonb_populate_record(t, jsonb_build_object(${changed})) r
        order by c.n`,
      [[...originals], count],
    );
  }
  await query(sql, copyPostings, [[...originals], count]);
  for (const table of [...tables, 'postings']) await query(sql, `analyze ${table}`);
}

/** Columns that a statement may write: the others the database reckons. */
async function columnsOf(sql: BenchDatabase['sql'], table: string): Promise<string> {
  const rows = await query<{ column_name: string }>(
    sql,
    `select column_name from information_schema.columns
      where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' order by ordinal_position`,
    [table],
  );
  return rows.map((row) => row.column_name).join(', ');
}

const digits = "lpad(n::text, 12, '0')";
const copies = `
  select n, t.id as original, ('c0000000-0000-4000-8000-' || ${digits})::uuid as client,
         ('d0000000-0000-4000-8000-' || ${digits})::uuid as loan
    from generate_series(1, $2::int) n
    join (select o.id, o.place from unnest($1::uuid[]) with ordinality as o (id, place)) t
      on t.place = n % cardinality($1::uuid[]) + 1`;

/** The key of what happened to a copy, made of the copy's and the place of the original event. */
const eventId = (position: string): string => `md5(c.loan::text || ${position})::uuid`;

const nextOf = (column: string, table: string): string => `nextval(pg_get_serial_sequence('${table}', '${column}'))`;

/** What of each row is the copy's own; `t` is the original row. */
const copying = [
  {
    table: 'clients',
    from: 'join loans l on l.id = c.original join clients t on t.id = l.client_id',
    changed: `'id', c.client, 'email', 'copy' || c.n || '@bench.example', 'rfc', 'BEN'
      || chr(65 + c.n / ${rfcsPerLetter}) || '800101' || lpad(upper(to_hex(c.n % ${rfcsPerLetter})), 3, '0')`,
  },
  { table: 'loans', from: 'join loans t on t.id = c.original', changed: `'id', c.loan, 'client_id', c.client` },
  {
    table: 'loan_events',
    from: 'join loan_events t on t.loan_id = c.original',
    changed: `'id', ${eventId('t.position')}, 'loan_id', c.loan, 'position', ${nextOf('position', 'loan_events')}`,
  },
  {
    table: 'entries',
    from: 'join entries t on t.loan_id = c.original join loan_events e on e.id = t.event_id',
    changed: `'id', ${nextOf('id', 'entries')}, 'loan_id', c.loan, 'event_id', ${eventId('e.position')}`,
  },
] as const;

const copyPostings = `
  insert into postings (entry_id, account, amount)
  select k.id, p.account, p.amount
    from (${copies}) c
    join loan_events t on t.loan_id = c.original
    join entries e on e.event_id = t.id
    join postings p on p.entry_id = e.id
    join entries k on k.loan_id = c.loan and k.event_id = ${eventId('t.position')}`;
