import type { CalendarDate } from '../calendar/calendar-date.ts';
import { unitsBetween } from '../day-count.ts';
import { plus, type Rational, rational, zero } from '../number/rational.ts';
import { flatInterestAt } from '../schedule/amortize.ts';
import { type Book, rowAfterMaturity, unpaid, unpostedPrincipal } from './book.ts';

/** Lets interest and moratory interest run up to a day. No due date and no event may lie in between. */
export function accrueTo(book: Book, to: CalendarDate): void {
  const from = book.accruedUntil;
  if (to <= from || book.status !== 'active') return;
  const base = bearingPrincipal(book) + overdueBearing(book, from);
  book.accrued = plus(book.accrued, interestBetween(book, base, from, to));
  accrueMoratory(book, from, to);
  book.accruedUntil = to;
}

/** Opens a further row where late principal bears interest and the plan has ended. */
export function openRowAfterMaturity(book: Book): void {
  if (book.next >= book.rows.length && overdueBearing(book, book.accruedUntil) > 0n)
    book.rows.push(rowAfterMaturity(book));
}

/**
 * Interest, unrounded, on `base` from one day to another within the current period. Under 30/360 a part of a period bears
 * its share of the period's days (14/29 of February); the other conventions count the days themselves. The flat method
 * asks for its fixed interest as long as anything is owed.
 */
export function interestBetween(book: Book, base: bigint, from: CalendarDate, to: CalendarDate): Rational {
  const { plan, rows, next } = book;
  const row = rows[next];
  if (!row || base <= 0n || to <= from) return zero;
  const start = periodStart(book);
  const periodDays = BigInt(row.contractualDate - start);
  const days = BigInt(to - from);
  if (plan.method === 'flat') {
    const interest = row.planRow < plan.count ? flatInterestAt(plan, row.planRow) : plan.flatInterest.each;
    return rational(interest * days, periodDays);
  }
  const { numerator, denominator } = plan.rate;
  const perYear = BigInt(plan.periods.perYear);
  if (plan.dayCount !== '30/360') {
    return rational(base * numerator * BigInt(unitsBetween(plan.dayCount, from, to)), denominator * perYear);
  }
  const units = BigInt(plan.periods.units[row.planRow] ?? plan.periods.nominal);
  return rational(base * numerator * units * days, denominator * perYear * periodDays);
}

/** Principal that bears interest by the schedule: what is not posted, less what was paid off in advance. */
export function bearingPrincipal(book: Book): bigint {
  const principal = unpostedPrincipal(book);
  if (book.terms.prepayment === 'next_installment') return principal;
  return principal - (book.rows[book.next]?.settled.principal ?? 0n);
}

/** Principal of late instalments that bears interest too, where interest accrues daily. */
function overdueBearing(book: Book, from: CalendarDate): bigint {
  return book.terms.accrual === 'daily' ? overduePrincipal(book, from) : 0n;
}

/** Principal of instalments whose due date, and so many days after it, is reached. */
function overduePrincipal(book: Book, date: CalendarDate, graceDays = 0): bigint {
  let overdue = 0n;
  for (let index = 0; index < book.next; index += 1) {
    const row = book.rows[index];
    if (row && row.dueDate + graceDays <= date) overdue += unpaid(row, 'principal');
  }
  return overdue;
}

function accrueMoratory(book: Book, from: CalendarDate, to: CalendarDate): void {
  const { penalty } = book.terms;
  if (!penalty) return;
  const overdue = overduePrincipal(book, from, penalty.graceDays);
  if (overdue === 0n) return;
  const { numerator, denominator } = penalty.annualRate;
  const interest = rational(overdue * numerator * BigInt(to - from), denominator * BigInt(penalty.daysPerYear));
  book.moratory = plus(book.moratory, interest);
}

/** The day on which the current period began. */
function periodStart({ rows, next, plan }: Book): CalendarDate {
  const before = rows[next - 1];
  const isSamePlan = before !== undefined && before.planRow === (rows[next]?.planRow ?? 0) - 1;
  return isSamePlan ? before.contractualDate : plan.seed.startDate;
}
