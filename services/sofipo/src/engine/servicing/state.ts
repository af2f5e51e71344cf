import type { CalendarDate } from '../calendar/calendar-date.ts';
import type { Rational } from '../number/rational.ts';
import type { Installment } from '../schedule/terms.ts';
import { addSplits, nothingSplit, type Split } from './allocation.ts';
import { type Amounts, type Book, type LoanStatus, type Row, type Spent, totalOf } from './book.ts';
import { claimsOnBooks, interestNotDue } from './claims.ts';
import { projectRows } from './projection.ts';

/** An instalment as it stands: posted with what is due, or projected with what will be. Amounts in centavos. */
export interface ServicedInstallment extends Installment {
  /** What payments and waivers have settled of it; `waived` is the part that was forgiven. */
  readonly settled: bigint;
  readonly waived: bigint;
  readonly unpaid: bigint;
  readonly unpaidPrincipal: bigint;
  readonly isPosted: boolean;
  readonly daysPastDue: number;
}

/** A loan as its events have left it on a day. Amounts in centavos. */
export interface LoanState {
  readonly status: LoanStatus;
  readonly asOf: CalendarDate;
  readonly outstandingPrincipal: bigint;
  /** Interest that is not yet part of an instalment: as it accrues, and as it would be posted today. */
  readonly accruedInterest: { readonly unrounded: Rational; readonly rounded: bigint };
  /** What should be paid by today, late or not, by component. */
  readonly due: Split;
  /** The part of it that is late. */
  readonly pastDue: Split;
  readonly daysPastDue: number;
  readonly installments: readonly ServicedInstallment[];
  readonly payments: ReadonlyMap<string, Spent>;
  readonly waivers: ReadonlyMap<string, Spent>;
  readonly paidOffOn: CalendarDate | undefined;
  readonly writtenOff: Split | undefined;
  readonly recovered: bigint;
}

/** Reads the state off a book that has reached the day. */
export function stateOf(book: Book, asOf: CalendarDate): LoanState {
  const claims = claimsOnBooks(book, asOf).filter(({ timing }) => timing !== 'in_advance');
  const sum = (only?: 'past_due'): Split =>
    claims
      .filter(({ timing }) => only === undefined || timing === only)
      .map(({ component, amount, vat }): Split => ({ ...nothingSplit, vat, [component]: amount }))
      .reduce(addSplits, nothingSplit);
  const installments = installmentsOf(book, asOf);
  return {
    status: book.status,
    asOf,
    outstandingPrincipal: book.outstanding,
    accruedInterest: { unrounded: book.accrued, rounded: interestNotDue(book) },
    due: sum(),
    pastDue: sum('past_due'),
    daysPastDue: installments.reduce((most, { daysPastDue }) => Math.max(most, daysPastDue), 0),
    installments,
    payments: book.payments,
    waivers: book.waivers,
    paidOffOn: book.paidOffOn,
    writtenOff: book.writtenOff,
    recovered: book.recovered,
  };
}

function installmentsOf(book: Book, asOf: CalendarDate): readonly ServicedInstallment[] {
  const posted = book.rows
    .filter(({ isPosted, due }) => isPosted && totalOf(due) > 0n)
    .map((row) => ({ row, due: row.due }));
  const rest = book.status === 'active' ? projectRows(book) : advanced(book);
  let balance = book.writtenOff?.principal ?? 0n;
  return [...posted, ...rest]
    .toReversed()
    .map(({ row, due }) => {
      for (const { afterNumber, amount } of book.capitalized) if (afterNumber === row.number) balance -= amount;
      const installment = installmentOf(row, due, { balance, asOf });
      balance += due.principal;
      return installment;
    })
    .toReversed();
}

/** What was paid on instalments that will not be posted any more, because the loan was paid off before. */
function advanced(book: Book): readonly { readonly row: Row; readonly due: Amounts }[] {
  return book.rows
    .filter(({ isPosted, settled }) => !isPosted && totalOf(settled) > 0n)
    .map((row) => ({ row, due: row.settled }));
}

function installmentOf(
  row: Row,
  due: Readonly<Amounts>,
  { balance, asOf }: { balance: bigint; asOf: CalendarDate },
): ServicedInstallment {
  const total = totalOf(due);
  const settled = totalOf(row.settled);
  const isLate = row.isPosted && settled < total && row.dueDate < asOf;
  return {
    number: row.number,
    dueDate: row.dueDate,
    principal: due.principal,
    interest: due.interest,
    vat: due.interestVat + due.feeVat,
    fees: due.fee,
    total,
    balance,
    settled,
    waived: row.waived,
    unpaid: total - settled,
    unpaidPrincipal: due.principal - row.settled.principal,
    isPosted: row.isPosted,
    daysPastDue: isLate ? asOf - row.dueDate : 0,
  };
}
