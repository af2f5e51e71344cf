import type { CalendarDate } from '../calendar/calendar-date.ts';
import { LendingRefusal } from '../refusal.ts';
import { formatMinor } from '@quinta/platform/kernel';
import { addSplits, type Allocation, allocatePayment, type Component, defaultOrder, type Split } from './allocation.ts';
import type { Amounts, Book, Row } from './book.ts';
import { type BookClaim, claimsAhead, claimsOnBooks, moratoryDue, sumOf } from './claims.ts';
import { targetForNext } from './posting.ts';
import { projectRows, type ProjectedRow } from './projection.ts';
import { unpostedPrincipal } from './book.ts';

/**
 * Spends a payment on a book that has reached its day and returns its split. Throws a LendingRefusal when it is more than
 * what pays the loan off on that day.
 */
export function applyPayment(book: Book, date: CalendarDate, amount: bigint): Split {
  const claims = [...claimsOnBooks(book, date), ...claimsAhead(book, date)];
  const payoff = sumOf(claims);
  if (amount <= 0n || amount > payoff) throw exceedsPayoff(amount, payoff);
  const isAhead = book.terms.prepayment === 'next_installment' && amount < payoff;
  const split = isAhead ? payNextInstallments(book, date, amount) : payOff(book, date, amount, claims);
  closeIfPaid(book, date);
  return split;
}

/** Forgives a part of what is owed: claims of one component, the oldest first. */
export function applyWaiver(book: Book, date: CalendarDate, waived: { component: Component; amount: bigint }): Split {
  const { component, amount } = waived;
  const claims = [...claimsOnBooks(book, date), ...claimsAhead(book, date)]
    .filter((claim) => component === 'vat' || claim.component === component)
    .map((claim) => (component === 'vat' ? { ...claim, amount: 0n } : { ...claim, vat: 0n }));
  const owed = sumOf(claims);
  if (amount <= 0n || amount > owed) {
    const fault = {
      field: 'amount',
      given: formatMinor(amount),
      expected: `at most the ${component} of ${formatMinor(owed)}`,
    };
    throw new LendingRefusal('nothing_to_waive', fault);
  }
  const allocation = allocatePayment(amount, claims, defaultOrder);
  for (const { claim, amount: settled, vat } of allocation.settled) {
    if (typeof claim.on !== 'string' && 'waived' in claim.on) claim.on.waived += settled + vat;
  }
  settleAll(book, date, allocation);
  closeIfPaid(book, date);
  return allocation.split;
}

/**
 * All claims together, so that interest accrued to the day comes before principal. On a due date that was moved off a
 * holiday what is due comes first alone: the days since the contractual date must cost nobody a part of the instalment.
 */
// oxlint-disable-next-line eslint/max-params -- the payment, and the claims that were summed for it
function payOff(book: Book, date: CalendarDate, amount: bigint, claims: readonly BookClaim[]): Split {
  const last = book.rows[book.next - 1];
  const isMovedDay = last !== undefined && last.contractualDate < date && date <= last.dueDate;
  if (!isMovedDay) return spend(book, date, amount, claims).split;
  const onBooks = spend(
    book,
    date,
    amount,
    claims.filter(({ isAhead }) => !isAhead),
  );
  return addSplits(
    onBooks.split,
    spend(
      book,
      date,
      onBooks.rest,
      claims.filter(({ isAhead }) => isAhead),
    ).split,
  );
}

// oxlint-disable-next-line eslint/max-params -- a payment of an amount on a day, on some claims of a book
function spend(book: Book, date: CalendarDate, amount: bigint, claims: readonly BookClaim[]): Allocation<BookClaim> {
  const allocation = allocatePayment(amount, claims, book.terms.allocation ?? defaultOrder);
  settleAll(book, date, allocation);
  return allocation;
}

/** What is due first; the rest pays the next instalments as they stand, one after the other, interest of each included. */
function payNextInstallments(book: Book, date: CalendarDate, amount: bigint): Split {
  let { split, rest } = spend(book, date, amount, claimsOnBooks(book, date));
  for (const projected of projectRows(book)) {
    if (rest === 0n) break;
    const allocation = spend(book, date, rest, claimsOnProjected(projected));
    split = addSplits(split, allocation.split);
    rest = allocation.rest;
  }
  return split;
}

function claimsOnProjected({ row, due }: ProjectedRow): readonly BookClaim[] {
  const left = (part: keyof Amounts): bigint => due[part] - row.settled[part];
  const ahead = { on: row, timing: 'in_advance', isAhead: true } as const;
  return [
    { ...ahead, component: 'fee', amount: left('fee'), vat: left('feeVat') },
    { ...ahead, component: 'interest', amount: left('interest'), vat: left('interestVat') },
    { ...ahead, component: 'principal', amount: left('principal'), vat: 0n },
  ];
}

function settleAll(book: Book, date: CalendarDate, allocation: Allocation<BookClaim>): void {
  let repaidAhead = 0n;
  for (const { claim, amount, vat } of allocation.settled) {
    const { on } = claim;
    if (on === 'moratory') {
      book.moratorySettled += amount;
    } else if ('settledVat' in on) {
      on.settled += amount;
      on.settledVat += vat;
    } else {
      settleOnRow(book, on, { claim, amount, vat });
      if (claim.component === 'principal' && claim.isAhead) repaidAhead += amount;
    }
  }
  const last = book.rows[book.next - 1];
  if (repaidAhead > 0n && last?.contractualDate === date && book.terms.prepayment === 'reduce_installment') {
    book.target = targetForNext({ plan: book.plan, planRow: last.planRow }, unpostedPrincipal(book));
  }
}

function settleOnRow(book: Book, row: Row, part: { claim: BookClaim; amount: bigint; vat: bigint }): void {
  const { claim, amount, vat } = part;
  const [name, vatName] =
    claim.component === 'fee' ? (['fee', 'feeVat'] as const) : (['interest', 'interestVat'] as const);
  const isExtra = claim.isAhead && row.isPosted;
  if (claim.component === 'principal') {
    row.settled.principal += amount;
    book.outstanding -= amount;
    if (isExtra) row.due.principal += amount;
    return;
  }
  row.settled[name] += amount;
  row.settled[vatName] += vat;
  if (!isExtra) return;
  // Paid on the very day of the instalment: it is a part of that instalment, and no longer of the next.
  row.due[name] += amount;
  row.due[vatName] += vat;
  book.deferred -= amount;
}

function closeIfPaid(book: Book, date: CalendarDate): void {
  if (book.outstanding > 0n || moratoryDue(book) > 0n) return;
  if (sumOf(claimsOnBooks(book, date)) + sumOf(claimsAhead(book, date)) > 0n) return;
  book.status = 'paid_off';
  book.paidOffOn = date;
}

function exceedsPayoff(amount: bigint, payoff: bigint): LendingRefusal {
  const expected = `more than 0.00 and at most the pay-off of ${formatMinor(payoff)}`;
  return new LendingRefusal('payment_exceeds_payoff', { field: 'amount', given: formatMinor(amount), expected });
}
