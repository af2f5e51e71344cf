import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import { formatMinor } from '@quinta/platform/kernel';
import type { LoanRow } from '../loan/loan.ts';
import { loanColumns } from '../loan/loan-store.ts';
import type { ClosedLoan } from './close-loan.ts';

/** Which days are closed. */
export interface CloseState {
  /** Begun and not finished; at most one. */
  readonly open: string | null;
  readonly finished: string | null;
}

const stateOf = readStatement<[], CloseState>(
  'close.state',
  `select (select day::text from close_days where finished_at is null) as open,
          (select max(day)::text from close_days where finished_at is not null) as finished`,
);

export async function closeState(db: Db | Tx): Promise<CloseState> {
  const { rows } = await db.run(stateOf, []);
  return rows[0] ?? { open: null, finished: null };
}

const begin = writeStatement<[day: string], never>(
  'close.begin',
  'insert into close_days (day) values ($1::date) on conflict do nothing',
);

/** Opens a day; a day that is open, or another process is opening, stays as it is. */
export async function beginDay(tx: Tx, day: string): Promise<void> {
  await tx.run(begin, [day]);
}

export interface LoanToLock extends LoanRow {
  readonly days_before: number;
}

/**
 * Which loans: `open` are served still, or have something on the books; `ended` were paid off or written off after the day
 * that is closed late, so that on that day they were part of the portfolio.
 */
export type LoansToClose = 'open' | 'ended';

const conditionOf: Readonly<Record<LoansToClose, string>> = {
  open: 'l.needs_close',
  ended: `not l.needs_close and l.status in ('PAID_OFF', 'WRITTEN_OFF') and l.updated_at > $2::date
     and exists (select 1 from loan_events e where e.loan_id = l.id and e.happened_on > $2::date)`,
};

const chunkOf = (which: LoansToClose, waiting: string): string => `
  select ${loanColumns
    .split(', ')
    .map((column) => `l.${column}`)
    .join(', ')}, coalesce(p.days_past_due, 0) as days_before
    from loans l left join loan_positions p on p.loan_id = l.id
   where ${conditionOf[which]} and l.id > $1 and l.disbursed_on <= $2::date
     and (l.closed_on is null or l.closed_on < $2::date)
   order by l.id limit $3 for no key update of l${waiting}`;

const lockOf = (which: LoansToClose) => ({
  free: readStatement<[after: string, day: string, limit: number], LoanToLock>(
    'close.lock_free',
    chunkOf(which, ' skip locked'),
  ),
  all: readStatement<[after: string, day: string, limit: number], LoanToLock>('close.lock', chunkOf(which, '')),
});
const locks = { open: lockOf('open'), ended: lockOf('ended') };

/** Locks loans that are not closed for a day: those that nobody else has at this moment, or else waits for them. */
export async function lockChunk(
  tx: Tx,
  wanted: {
    readonly which: LoansToClose;
    readonly after: string;
    readonly day: string;
    readonly limit: number;
    readonly isPatient: boolean;
  },
): Promise<readonly LoanToLock[]> {
  const { which, after, day, limit, isPatient } = wanted;
  return (await tx.run(isPatient ? locks[which].all : locks[which].free, [after, day, limit])).rows;
}

const keep = writeStatement<
  [
    day: string,
    ids: string[],
    statuses: string[],
    receivables: string[],
    reserves: string[],
    daysPastDue: number[],
    nonPerforming: boolean[],
    balances: string[],
    pastDue: string[],
    pastDuePrincipal: string[],
    penalties: string[],
    nextDueOn: (string | null)[],
    nextDue: (string | null)[],
    entryLoans: string[],
    places: number[],
    accounts: string[],
    amounts: string[],
  ],
  never
>(
  'close.keep',
  `with closed as (
    select * from unnest($2::uuid[], $3::text[], $4::numeric[], $5::numeric[], $6::int[], $7::boolean[],
        $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::date[], $13::numeric[])
      as c (id, status, receivable, reserve, days_past_due, is_non_performing, balance, past_due,
        past_due_principal, penalty, next_due_on, next_due)
  ), entry as (
    select nextval(pg_get_serial_sequence('entries', 'id')) as id, e.*
      from unnest($14::uuid[]) with ordinality as e (loan_id, place)
  ), entered as (
    insert into entries (id, loan_id, closed_on, happened_on)
    select id, loan_id, $1::date, $1::date from entry order by place
  ), posted as (
    insert into postings (entry_id, account, amount)
    select e.id, p.account, p.amount
      from unnest($15::int[], $16::text[], $17::numeric[]) as p (place, account, amount)
      join entry e on e.place = p.place
  ), moved as (
    update loans l
       set status = c.status, interest_receivable = c.receivable, reserve = c.reserve, closed_on = $1::date,
           updated_at = now()
      from closed c where l.id = c.id
  )
  insert into loan_positions (loan_id, closed_on, days_past_due, is_non_performing, balance, past_due,
      past_due_principal, penalty, interest_receivable, reserve, next_due_on, next_due)
  select id, $1::date, days_past_due, is_non_performing, balance, past_due, past_due_principal, penalty, receivable,
      reserve, next_due_on, next_due from closed
  on conflict (loan_id) do update
    set closed_on = excluded.closed_on, days_past_due = excluded.days_past_due,
        is_non_performing = excluded.is_non_performing, balance = excluded.balance, past_due = excluded.past_due,
        past_due_principal = excluded.past_due_principal, penalty = excluded.penalty,
        interest_receivable = excluded.interest_receivable, reserve = excluded.reserve,
        next_due_on = excluded.next_due_on, next_due = excluded.next_due`,
);

/** Writes what the close of a day makes of loans that the transaction has locked. */
export async function keepClosed(tx: Tx, day: string, closed: readonly ClosedLoan[]): Promise<void> {
  const posting = closed.filter(({ postings }) => postings.length > 0);
  const postings = posting.flatMap((one, index) => one.postings.map((posted) => ({ ...posted, place: index + 1 })));
  const positions = closed.map(({ position }) => position);
  await tx.run(keep, [
    day,
    closed.map(({ loan }) => loan.id),
    closed.map(({ status }) => status),
    texts(closed.map(({ receivable }) => receivable)),
    texts(closed.map(({ reserve }) => reserve)),
    positions.map(({ daysPastDue }) => daysPastDue),
    positions.map(({ isNonPerforming }) => isNonPerforming),
    texts(positions.map(({ balance }) => balance)),
    texts(positions.map(({ pastDue }) => pastDue)),
    texts(positions.map(({ pastDuePrincipal }) => pastDuePrincipal)),
    texts(positions.map(({ penalty }) => penalty)),
    positions.map(({ nextDueOn }) => nextDueOn ?? null),
    positions.map(({ nextDue }) => (nextDue === undefined ? null : formatMinor(nextDue))),
    posting.map(({ loan }) => loan.id),
    postings.map(({ place }) => place),
    postings.map(({ account }) => account),
    texts(postings.map(({ amount }) => amount)),
  ]);
}

function texts(amounts: readonly bigint[]): string[] {
  return amounts.map((amount) => formatMinor(amount));
}

/** The first day past due of each line of the reports: those of ageing and of the reserve tables together. */
const reportedDays = [0, 1, 8, 31, 61, 91, 121, 181] as const;

const finish = writeStatement<[day: string, daysFrom: number[]], { loans: number }>(
  'close.finish',
  `with line as (
    select d as days_from, lead(d) over (order by d) as days_to from unnest($2::int[]) as d
  ), portfolio as (
    insert into portfolio_days (day, days_from, loans, balance, past_due, non_performing, interest_receivable, reserve)
    select $1::date, line.days_from, count(p.loan_id), coalesce(sum(p.balance), 0), coalesce(sum(p.past_due), 0),
           coalesce(sum(p.balance) filter (where p.is_non_performing), 0), coalesce(sum(p.interest_receivable), 0),
           coalesce(sum(p.reserve), 0)
      from line left join loan_positions p
        on p.closed_on = $1::date and p.balance + p.past_due + p.interest_receivable > 0
       and p.days_past_due >= line.days_from and (line.days_to is null or p.days_past_due < line.days_to)
     group by line.days_from
    returning loans
  )
  update close_days set finished_at = now(), loans = (select sum(loans) from portfolio)
   where day = $1::date and finished_at is null returning loans`,
);

const lockDay = readStatement<[day: string], { open: boolean }>(
  'close.lock_day',
  'select finished_at is null as open from close_days where day = $1::date for update',
);

/** Sums the day up and finishes it; undefined where another process has. */
export async function finishDay(tx: Tx, day: string): Promise<{ readonly loans: number } | undefined> {
  const { rows: locked } = await tx.run(lockDay, [day]);
  if (locked[0]?.open !== true) return undefined;
  const { rows } = await tx.run(finish, [day, [...reportedDays]]);
  return rows[0];
}
