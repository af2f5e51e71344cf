import { addDays, type CalendarDate } from '../calendar/calendar-date.ts';
import { vatOn } from '../schedule/vat.ts';
import { accrueTo, openRowAfterMaturity } from './accrual.ts';
import { type Book, type Row, unpaidTotal } from './book.ts';
import { postNext } from './posting.ts';

/**
 * Takes a book to a day: interest accrues from one day on which something changes to the next, instalments are posted on
 * their contractual dates, late fees are charged. What falls on the day itself happens before the events of that day.
 */
export function advanceTo(book: Book, date: CalendarDate): void {
  while (book.status === 'active') {
    openRowAfterMaturity(book);
    const day = nextChange(book, date);
    accrueTo(book, day);
    while (book.rows[book.next]?.contractualDate === day) postNext(book);
    chargeLateFees(book, day);
    if (day === date) return;
  }
}

/** The first day after the book's own, and not after `limit`, on which an instalment is posted or turns late. */
function nextChange(book: Book, limit: CalendarDate): CalendarDate {
  let first = limit;
  const consider = (day: CalendarDate): void => {
    if (day > book.accruedUntil && day < first) first = day;
  };
  const upcoming = book.rows[book.next];
  if (upcoming) consider(upcoming.contractualDate);
  for (let index = 0; index < book.next; index += 1) {
    const row = book.rows[index];
    if (row && unpaidTotal(row) > 0n) changesOf(book, row).forEach(consider);
  }
  return first;
}

function changesOf({ terms }: Book, row: Row): readonly CalendarDate[] {
  const days = [row.dueDate];
  if (terms.penalty) days.push(addDays(row.dueDate, terms.penalty.graceDays));
  if (terms.lateFee && !row.hasLateFee) days.push(lateFeeDay(row, terms.lateFee.graceDays));
  return days;
}

function chargeLateFees(book: Book, day: CalendarDate): void {
  const { lateFee } = book.terms;
  if (!lateFee) return;
  for (let index = 0; index < book.next; index += 1) {
    const row = book.rows[index];
    if (!row || row.hasLateFee || lateFeeDay(row, lateFee.graceDays) > day || unpaidTotal(row) === 0n) continue;
    row.hasLateFee = true;
    const vat = book.loan.vatOnFees ? vatOn(lateFee.amount, book.plan.vatRate) : 0n;
    book.charges.push({ component: 'fee', amount: lateFee.amount, vat, dueDate: day, settled: 0n, settledVat: 0n });
  }
}

function lateFeeDay(row: Row, graceDays: number): CalendarDate {
  return addDays(row.dueDate, graceDays + 1);
}
