import { query } from '../../bench/stage/sql.ts';
import type { Database } from '../../platform/src/database/index.ts';
import type { Acknowledged } from '../load/desk.ts';

interface PaymentRow {
  readonly id: string;
  readonly loan_id: string;
  readonly cents: string;
  readonly events: string;
}

interface LoanRow {
  readonly id: string;
  readonly status: string;
  readonly lent: string;
  readonly owed: string;
}

/** What the database has. */
export interface KeptRows {
  readonly clients: readonly { readonly id: string }[];
  readonly loans: readonly LoanRow[];
  readonly payments: readonly PaymentRow[];
}

export async function keptRows(sql: Database): Promise<KeptRows> {
  return {
    clients: await query<{ id: string }>(sql, 'select id::text from clients'),
    loans: await query<LoanRow>(
      sql,
      `select id::text, status, (amount * 100)::bigint::text as lent, (current_balance * 100)::bigint::text as owed
         from loans`,
    ),
    payments: await query<PaymentRow>(
      sql,
      `with told as (
         select entity_id, count(*) as events from outbox where event_type = 'payment_registered' group by entity_id
       )
       select p.id::text, p.loan_id::text, (p.amount * 100)::bigint::text as cents, coalesce(events, 0)::text as events
         from payments p left join told on told.entity_id = p.id::text`,
    ),
  };
}

/**
 * Where the database is not what the API has confirmed: clients, loans and payments are there, each once, a payment with
 * one event, and nothing else is; a loan owes what was not paid of it.
 */
export function acknowledgedFaults({ clients, loans, payments }: KeptRows, made: Acknowledged): readonly string[] {
  const paid = paidOf(made);
  return [
    ...differences('Client', made.clients, clients),
    ...differences('Loan', [...made.loans.keys()], loans),
    ...differences('Payment', [...made.payments.keys()], payments),
    ...payments.flatMap((row) => paymentFaults(row, made)),
    ...loans.flatMap((row) => loanFaults(row, made.loans.get(row.id), paid.get(row.id) ?? 0)),
  ];
}

function differences(
  what: string,
  confirmed: readonly string[],
  rows: readonly { readonly id: string }[],
): readonly string[] {
  const [wanted, found] = [new Set(confirmed), new Set(rows.map(({ id }) => id))];
  return [
    ...[...wanted].filter((id) => !found.has(id)).map((id) => `${what} ${id} was confirmed and is not there`),
    ...[...found].filter((id) => !wanted.has(id)).map((id) => `${what} ${id} is there and was not confirmed`),
  ];
}

function paymentFaults(row: PaymentRow, { payments }: Acknowledged): readonly string[] {
  const known = payments.get(row.id);
  const faults = row.events === '1' ? [] : [`Payment ${row.id} has ${row.events} events`];
  if (!known || (known.loanId === row.loan_id && String(known.amount * 100) === row.cents)) return faults;
  return [...faults, `Payment ${row.id} is ${row.cents} cents of loan ${row.loan_id}, which nobody has paid`];
}

/** What a loan owes is what was lent less what was paid, and where that is nothing it is paid off. */
function loanFaults({ id, status, lent, owed }: LoanRow, amount: number | undefined, paid: number): readonly string[] {
  const left = Number(lent) - paid * 100;
  const isRight = amount !== undefined && amount * 100 === Number(lent) && left === Number(owed);
  if (isRight && (status === 'PAID_OFF') === (left === 0)) return [];
  return [`Loan ${id} of ${lent} cents, of which ${paid * 100} were paid, is ${status} and owes ${owed}`];
}

/** By loan: what was paid of it. */
function paidOf({ payments }: Acknowledged): ReadonlyMap<string, number> {
  const paid = new Map<string, number>();
  for (const { loanId, amount } of payments.values()) paid.set(loanId, (paid.get(loanId) ?? 0) + amount);
  return paid;
}
