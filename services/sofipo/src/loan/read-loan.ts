import { type Context, formatMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import { amountOutput } from '../amount.ts';
import type { Sofipo } from '../app.ts';
import {
  type CalendarDate,
  formatCalendarDate,
  type LoanState,
  parseCalendarDate,
  quotePayoff,
  replayLoan,
} from '../engine/index.ts';
import { refusingFields } from '../lending-refusal.ts';
import { loanNotActive, loanNotFound } from '../problems.ts';
import { historyOf, type LoanHistory, nextDay } from './event-store.ts';
import { type LoanRow, servedBy, servicedOf, type servicedOutput } from './loan.ts';
import { findLoan } from './loan-store.ts';

/** A day of this century or the one before. */
export const dateParameter = z
  .string()
  .max(10)
  .transform((text, check) => {
    const date = text >= '1990' && text <= '2101' ? parseCalendarDate(text) : undefined;
    if (date !== undefined) return date;
    check.addIssue({ code: 'custom', message: 'Expected a date of 1990 to 2100', params: { type: 'date' } });
    return z.NEVER;
  })
  .meta({ type: 'string', format: 'date', example: '2026-12-31' });

/** A loan and what has happened to it, of one moment. */
export interface KnownLoan {
  readonly loan: LoanRow;
  readonly history: LoanHistory;
}

/** A schedule as other systems read it. */
export interface ServicedSchedule {
  readonly loan_id: string;
  readonly as_of: string;
  readonly installments: z.output<typeof servicedOutput>[];
  readonly current_balance: string;
  readonly days_past_due: number;
}

/**
 * The instalments of a loan as they stand today; a loan that was cancelled, or never paid out, has none.
 * @throws Problem loan_not_found
 */
export async function scheduleOf(app: Sofipo, context: Context, loanId: string): Promise<ServicedSchedule> {
  const known = await loanWith(app, context, loanId);
  const { asOf, state } = standingOf(known, app.today());
  return scheduleAt(loanId, asOf, state);
}

/** How a loan stands today, or on the day on which it is paid out where that is yet to come. */
export function standingOf(
  { loan, history }: KnownLoan,
  today: CalendarDate,
): { readonly asOf: CalendarDate; readonly state: LoanState | undefined } {
  const next = nextDay(loan, history, today);
  const paidOut = parseCalendarDate(loan.disbursed_on ?? '') ?? next;
  const asOf = paidOut > next ? paidOut : next;
  const isServed = loan.status !== 'CANCELLED' && loan.disbursed_on !== null;
  return { asOf, state: isServed ? replayLoan(servedBy(loan), history.events, asOf) : undefined };
}

export function scheduleAt(loanId: string, asOf: CalendarDate, state: LoanState | undefined): ServicedSchedule {
  return {
    loan_id: loanId,
    as_of: formatCalendarDate(asOf),
    installments: (state?.installments ?? []).map(servicedOf),
    current_balance: formatMinor(state?.outstandingPrincipal ?? 0n),
    days_past_due: state?.daysPastDue ?? 0,
  };
}

export const payoffOutput = z.object({
  loan_id: z.guid(),
  date: z.iso.date(),
  principal: amountOutput,
  interest: amountOutput,
  vat: amountOutput,
  fee: amountOutput,
  penalty: amountOutput,
  total: amountOutput,
});

/**
 * What pays a loan off on a day.
 * @throws Problem loan_not_found, loan_not_active, or lending_refused for a day before what has happened since
 */
export async function payoffOf(
  app: Sofipo,
  context: Context,
  { loanId, date: asked }: { readonly loanId: string; readonly date?: CalendarDate | undefined },
): Promise<z.output<typeof payoffOutput>> {
  const { loan, history } = await loanWith(app, context, loanId);
  if (loan.status !== 'ACTIVE' && loan.status !== 'DEFAULTED') throw loanNotActive({ status: loan.status });
  const date = asked ?? nextDay(loan, history, app.today());
  const quote = refusingFields(() => quotePayoff(servedBy(loan), history.events, date));
  const { principal, interest, vat, fee, penalty } = quote?.split ?? nothing;
  return {
    loan_id: loanId,
    date: formatCalendarDate(date),
    principal: formatMinor(principal),
    interest: formatMinor(interest),
    vat: formatMinor(vat),
    fee: formatMinor(fee),
    penalty: formatMinor(penalty),
    total: formatMinor(quote?.total ?? 0n),
  };
}

const nothing = { principal: 0n, interest: 0n, vat: 0n, fee: 0n, penalty: 0n };

/** One snapshot of a loan and what has happened to it. */
function loanWith(app: Sofipo, context: Context, loanId: string): Promise<KnownLoan> {
  return app.reads(context, `loan:${loanId}`).snapshot(async (db) => {
    const loan = await findLoan(db, loanId);
    if (!loan) throw loanNotFound();
    return { loan, history: await historyOf(db, loanId) };
  });
}
