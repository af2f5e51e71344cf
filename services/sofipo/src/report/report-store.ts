import { type Db, readStatement, type Tx } from '@quinta/platform/database';

/** A line of a day's portfolio: the loans that were so many days past due, up to the next line. */
export interface PortfolioLine {
  readonly days_from: number;
  readonly loans: number;
  readonly balance: string;
  readonly past_due: string;
  readonly non_performing: string;
  readonly interest_receivable: string;
  readonly reserve: string;
}

const closedDay = readStatement<[day: string | null], { day: string | null }>(
  'report.day',
  `select max(day)::text as day from close_days where finished_at is not null and ($1::date is null or day = $1::date)`,
);

/** The last day that was closed, or the named one; undefined where that was not. */
export async function findClosedDay(db: Db | Tx, day: string | undefined): Promise<string | undefined> {
  return (await db.run(closedDay, [day ?? null])).rows[0]?.day ?? undefined;
}

const lines = readStatement<[day: string], PortfolioLine>(
  'report.portfolio',
  `select days_from, loans, balance::text, past_due::text, non_performing::text, interest_receivable::text, reserve::text
     from portfolio_days where day = $1::date order by days_from`,
);

export async function portfolioOn(db: Db | Tx, day: string): Promise<readonly PortfolioLine[]> {
  return (await db.run(lines, [day])).rows;
}

/** Somebody to be asked for money. */
export interface CollectionRow {
  readonly loan_id: string;
  readonly client_id: string;
  readonly full_name: string;
  readonly rfc: string;
  readonly email: string;
  readonly status: string;
  readonly days_past_due: number;
  readonly past_due: string;
  readonly next_due_on: string | null;
  readonly next_due: string | null;
  readonly balance: string;
}

const collection = readStatement<[dueBy: string | null, daysMin: number, limit: number, skip: number], CollectionRow>(
  'report.collection',
  `select p.loan_id, l.client_id, c.full_name, c.rfc, c.email, l.status, p.days_past_due, p.past_due::text,
          p.next_due_on::text, p.next_due::text, p.balance::text
     from loan_positions p join loans l on l.id = p.loan_id join clients c on c.id = l.client_id
    where l.status in ('ACTIVE', 'DEFAULTED')
      and (p.days_past_due >= $2 and p.days_past_due > 0 or p.next_due_on <= $1::date)
    order by p.days_past_due desc, p.past_due desc, p.loan_id limit $3 offset $4`,
);

/** Loans that were late at the last close for so many days at least, and those whose next instalment is due by a day. */
export async function listCollection(
  db: Db | Tx,
  wanted: {
    readonly dueBy: string | undefined;
    readonly daysMin: number;
    readonly limit: number;
    readonly skip: number;
  },
): Promise<readonly CollectionRow[]> {
  const { dueBy, daysMin, limit, skip } = wanted;
  return (await db.run(collection, [dueBy ?? null, daysMin, limit, skip])).rows;
}
