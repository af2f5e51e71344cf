import { formatMinor } from '@quinta/platform/kernel';

import type { CalendarDate } from '../calendar/calendar-date.ts';
import { LendingRefusal } from '../refusal.ts';
import { bearingPrincipal, interestBetween } from './accrual.ts';
import { plus } from '../number/rational.ts';
import { addSplits, nothingSplit, type Split } from './allocation.ts';
import { type Book, openBook } from './book.ts';
import { applyReschedule, applyWriteOff, owedOn } from './change-loan.ts';
import { effectiveEvents, type LoanEvent } from './events.ts';
import { checkServicing, type ServicingTerms } from './servicing-terms.ts';
import { applyPayment, applyWaiver } from './settle.ts';
import { type LoanState, stateOf } from './state.ts';
import { advanceTo } from './timeline.ts';

/** What pays a loan off. */
export interface PayoffQuote {
  readonly split: Split;
  readonly total: bigint;
}

/**
 * The state of a loan on a day: terms and events, replayed from the beginning. Events may come in any order; they count by
 * date, kind and id, so that the same events always give the same centavos. A reversed payment is as if it had never been.
 * Throws a LendingRefusal for what cannot have happened (more paid than was owed, a payment before the disbursement).
 */
export function replayLoan(
  terms: ServicingTerms,
  events: readonly LoanEvent[],
  asOf: CalendarDate,
): LoanState | undefined {
  const book = bookOn(terms, events, asOf);
  return book && stateOf(book, asOf);
}

/**
 * What pays the loan off on a day: everything due, interest accrued to the day, all principal. `rest_date` asks for the
 * interest of the whole running period, `pre_close_date` (default) for that of its days so far. Undefined before the
 * disbursement.
 */
export function quotePayoff(
  terms: ServicingTerms,
  events: readonly LoanEvent[],
  date: CalendarDate,
  basis: 'pre_close_date' | 'rest_date' = 'pre_close_date',
): PayoffQuote | undefined {
  const book = bookOn(terms, events, date);
  if (!book) return undefined;
  if (basis === 'rest_date') runToRestDate(book);
  const split = owedOn(book, date);
  const total = Object.values(split).reduce((sum, part) => sum + part, 0n);
  return { split, total };
}

/** The book of a loan as its events have left it on a day; undefined before the disbursement. */
export function bookOn(terms: ServicingTerms, events: readonly LoanEvent[], asOf: CalendarDate): Book | undefined {
  checkServicing(terms);
  const [first, ...rest] = effectiveEvents(events, asOf);
  if (!first) return undefined;
  if (first.kind !== 'disbursed') throw outOfPlace('not_disbursed', first, 'a disbursement before anything else');
  const book = openBook(terms, first.date);
  for (const event of rest) {
    advanceTo(book, event.date);
    apply(book, event);
  }
  advanceTo(book, asOf);
  return book;
}

function apply(book: Book, event: LoanEvent): void {
  if (book.status === 'written_off' && event.kind !== 'recovery') {
    throw outOfPlace('written_off', event, 'a recovery, because the loan is written off');
  }
  switch (event.kind) {
    case 'payment':
      book.payments.set(event.id, spent(event, applyPayment(book, event.date, event.amount)));
      return;
    case 'waiver':
      book.waivers.set(event.id, spent(event, applyWaiver(book, event.date, event)));
      return;
    case 'charge':
      applyCharge(book, event);
      return;
    case 'reschedule':
      applyReschedule(book, event.date, termsOf(event));
      return;
    case 'write_off':
      applyWriteOff(book, event.date);
      return;
    case 'recovery':
      applyRecovery(book, event);
      return;
    case 'disbursed':
      throw outOfPlace('duplicate_event', event, 'one disbursement');
    case 'reversal':
      throw new TypeError('Reversals are left out before the events are applied');
  }
}

function applyCharge(book: Book, event: LoanEvent & { readonly kind: 'charge' }): void {
  const { component, amount, vat = 0n, date, dueDate = date } = event;
  book.charges.push({ component, amount, vat, dueDate, settled: 0n, settledVat: 0n });
  if (book.status !== 'paid_off') return;
  Object.assign(book, { status: 'active', paidOffOn: undefined, accruedUntil: date } satisfies Partial<Book>);
}

function applyRecovery(book: Book, event: LoanEvent & { readonly kind: 'recovery' }): void {
  if (!book.writtenOff) throw outOfPlace('not_written_off', event, 'a payment, because the loan is not written off');
  const lost = Object.values(addSplits(book.writtenOff, nothingSplit)).reduce((sum, part) => sum + part, 0n);
  if (event.amount <= 0n || event.amount > lost - book.recovered) {
    const expected = `at most ${formatMinor(lost - book.recovered)}, what was written off and not recovered`;
    throw new LendingRefusal('payment_exceeds_payoff', { field: 'amount', given: formatMinor(event.amount), expected });
  }
  book.recovered += event.amount;
}

function runToRestDate(book: Book): void {
  const end = book.rows[book.next]?.contractualDate;
  if (end === undefined || book.status !== 'active') return;
  book.accrued = plus(book.accrued, interestBetween(book, bearingPrincipal(book), book.accruedUntil, end));
}

function spent(
  { date, amount }: { date: CalendarDate; amount: bigint },
  split: Split,
): {
  readonly date: CalendarDate;
  readonly amount: bigint;
  readonly split: Split;
} {
  return { date, amount, split };
}

function termsOf(event: LoanEvent & { readonly kind: 'reschedule' }): Parameters<typeof applyReschedule>[2] {
  const { id: _id, sequence: _sequence, date: _date, kind: _kind, ...change } = event;
  return change;
}

function outOfPlace(
  code: 'not_disbursed' | 'written_off' | 'not_written_off' | 'duplicate_event',
  event: LoanEvent,
  expected: string,
): LendingRefusal {
  return new LendingRefusal(code, { field: 'kind', given: `${event.kind} ${event.id}`, expected });
}
