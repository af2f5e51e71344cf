import type { CalendarDate } from '../calendar/calendar-date.ts';
import { zero } from '../number/rational.ts';
import { planOf } from '../schedule/lasting-plan.ts';
import { nothingSplit, type Split } from './allocation.ts';
import { type Book, rowsOfPlan, unpaid } from './book.ts';
import { claimsAhead, claimsOnBooks, interestNotDue } from './claims.ts';
import type { Reschedule } from './events.ts';

/**
 * Gives what is still owed a new schedule from a day on. Instalments that are due keep what was paid on them; their
 * principal goes into the new schedule, their fees become charges on its first due date, and their interest falls due with
 * the first new instalment, or becomes principal.
 */
export function applyReschedule(book: Book, date: CalendarDate, change: Reschedule): void {
  const interest = unpaidInterest(book);
  const capitalized = change.unpaidInterest === 'capitalize' ? interest : 0n;
  const amount = book.outstanding + capitalized;
  const { fixedInstallment: _agreed, firstDueDate: _former, ...kept } = book.loan;
  const { unpaidInterest: _treatment, term, ...changes } = change;
  const loan = { ...kept, ...named(changes), amount, term, startDate: date };
  const plan = planOf(loan);
  const firstDueDate = plan.dueDates[0] ?? date;
  closeRows(book, firstDueDate);
  const last = book.rows.at(-1)?.number ?? 0;
  if (capitalized > 0n) book.capitalized.push({ afterNumber: last, amount: capitalized });
  Object.assign(book, {
    loan,
    plan,
    target: plan.target,
    rows: [...book.rows, ...rowsOfPlan(plan, last)],
    outstanding: amount,
    accrued: zero,
    deferred: interest - capitalized,
  } satisfies Partial<Book>);
}

/** Takes a loan off the books: what is owed on the day, by component. From then on only recoveries are taken. */
export function applyWriteOff(book: Book, date: CalendarDate): void {
  book.writtenOff = owedOn(book, date);
  closeRows(book, date);
  book.charges.length = 0;
  book.outstanding = 0n;
  book.accrued = zero;
  book.deferred = 0n;
  book.status = 'written_off';
}

/** Everything that pays the loan off on a day, by component. */
export function owedOn(book: Book, date: CalendarDate): Split {
  const owed = { ...nothingSplit };
  for (const { component, amount, vat } of [...claimsOnBooks(book, date), ...claimsAhead(book, date)]) {
    owed[component] += amount;
    owed.vat += vat;
  }
  return owed;
}

function unpaidInterest(book: Book): bigint {
  let interest = interestNotDue(book);
  for (const row of book.rows) interest += unpaid(row, 'interest');
  return interest;
}

/** Ends the running schedule: each instalment is what was settled of it, and those that are untouched are gone. */
function closeRows(book: Book, feesDueDate: CalendarDate): void {
  for (const row of book.rows) {
    const [amount, vat] = [unpaid(row, 'fee'), unpaid(row, 'feeVat')];
    if (amount + vat > 0n) {
      book.charges.push({ component: 'fee', amount, vat, dueDate: feesDueDate, settled: 0n, settledVat: 0n });
    }
    row.due = { ...row.settled };
    row.isPosted = true;
  }
  book.rows = book.rows.filter(({ due }) => due.principal + due.interest + due.interestVat + due.fee + due.feeVat > 0n);
  book.next = book.rows.length;
}

/** The fields that were named at all: an absent one must not hide what the loan had before. */
function named(changes: Omit<Reschedule, 'term' | 'unpaidInterest'>): typeof changes {
  const { interestRate, firstDueDate, graceOnPrincipal, graceOnInterest } = changes;
  return {
    ...(interestRate === undefined ? {} : { interestRate }),
    ...(firstDueDate === undefined ? {} : { firstDueDate }),
    graceOnPrincipal: graceOnPrincipal ?? 0,
    graceOnInterest: graceOnInterest ?? 0,
  };
}
