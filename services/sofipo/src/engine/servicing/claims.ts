import type { CalendarDate } from '../calendar/calendar-date.ts';
import { roundRational } from '../number/rational.ts';
import { vatOn } from '../schedule/vat.ts';
import type { Claim, Timing } from './allocation.ts';
import { type Book, type Charge, type Row, unpaid } from './book.ts';

/** A claim and what it is on: an instalment, a charge, or the moratory interest of the loan. */
export interface BookClaim extends Claim {
  readonly on: Row | Charge | 'moratory';
  /** Whether it is on what the schedule asks for later: settling it changes the schedule. */
  readonly isAhead: boolean;
}

/** What is posted, charged or accrued as moratory interest, and unpaid on a day. */
export function claimsOnBooks(book: Book, date: CalendarDate): readonly BookClaim[] {
  const claims: BookClaim[] = [];
  const moratory = moratoryDue(book);
  if (moratory > 0n) claims.push(claim('moratory', 'past_due', 'penalty', moratory, 0n));
  for (const charge of book.charges) {
    const amount = charge.amount - charge.settled;
    const vat = charge.vat - charge.settledVat;
    if (amount + vat > 0n) claims.push(claim(charge, timingOf(charge.dueDate, date), charge.component, amount, vat));
  }
  for (const row of book.rows) {
    if (row.isPosted) claims.push(...claimsOnRow(row, date));
  }
  return claims;
}

/** Interest accrued to the day with its VAT, and principal that is not due: what may be paid in advance. */
export function claimsAhead(book: Book, date: CalendarDate): readonly BookClaim[] {
  const { principal, interest, vat, row } = aheadOf(book, date);
  if (!row) return [];
  const ahead = { on: row, timing: 'in_advance', isAhead: true } as const;
  return [
    { ...ahead, component: 'interest', amount: interest, vat },
    { ...ahead, component: 'principal', amount: principal, vat: 0n },
  ];
}

/** Moratory interest to the day, rounded, less what is settled. */
export function moratoryDue(book: Book): bigint {
  return roundRational(book.moratory, 'half_even') - book.moratorySettled;
}

/** Interest since the last posting, rounded, with what was deferred, less what was paid in advance. */
export function interestNotDue(book: Book): bigint {
  const owed = roundRational(book.accrued, book.plan.rounding) + book.deferred;
  const rest = owed - interestPaidAhead(book);
  return rest > 0n ? rest : 0n;
}

/** Interest that was paid on instalments before they were posted. */
function interestPaidAhead({ rows, next }: Book): bigint {
  let sum = 0n;
  for (let index = next; index < rows.length; index += 1) sum += rows[index]?.settled.interest ?? 0n;
  return sum;
}

/** What is claimed altogether, in centavos. */
export function sumOf(claims: readonly Claim[]): bigint {
  return claims.reduce((sum, { amount, vat }) => sum + amount + vat, 0n);
}

function aheadOf(
  book: Book,
  date: CalendarDate,
): { principal: bigint; interest: bigint; vat: bigint; row: Row | undefined } {
  const upcoming = book.rows[book.next];
  const interest = interestNotDue(book);
  const { interest: inAdvance, interestVat: vatSoFar } = upcoming?.settled ?? { interest: 0n, interestVat: 0n };
  const vat = vatOn(interest + inAdvance, book.plan.vatRate) - vatSoFar;
  let principal = book.outstanding;
  for (const row of book.rows) principal -= unpaid(row, 'principal');
  const last = book.rows[book.next - 1];
  const row = last?.contractualDate === date ? last : upcoming;
  return { principal, interest, vat: vat > 0n ? vat : 0n, row };
}

function claimsOnRow(row: Row, date: CalendarDate): readonly BookClaim[] {
  const timing = row.dueDate < date ? 'past_due' : 'due';
  return [
    claim(row, timing, 'fee', unpaid(row, 'fee'), unpaid(row, 'feeVat')),
    claim(row, timing, 'interest', unpaid(row, 'interest'), unpaid(row, 'interestVat')),
    claim(row, timing, 'principal', unpaid(row, 'principal'), 0n),
  ].filter(({ amount, vat }) => amount + vat > 0n);
}

function timingOf(dueDate: CalendarDate, date: CalendarDate): Timing {
  if (dueDate < date) return 'past_due';
  return dueDate === date ? 'due' : 'in_advance';
}

// oxlint-disable-next-line eslint/max-params -- the five columns of a claim, in the order of its type
function claim(
  on: BookClaim['on'],
  timing: Timing,
  component: Claim['component'],
  amount: bigint,
  vat: bigint,
): BookClaim {
  return { on, timing, component, amount, vat, isAhead: false };
}
