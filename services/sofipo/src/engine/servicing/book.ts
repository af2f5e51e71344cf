import { addPeriods, seedDayOf } from '../calendar/due-dates.ts';
import type { CalendarDate } from '../calendar/calendar-date.ts';
import { nextBusinessDay } from '../calendar/holidays.ts';
import { type Rational, zero } from '../number/rational.ts';
import { planOf } from '../schedule/lasting-plan.ts';
import type { Plan } from '../schedule/plan.ts';
import type { LoanTerms } from '../schedule/terms.ts';
import type { Split } from './allocation.ts';
import type { ServicingTerms } from './servicing-terms.ts';

/** The parts of an instalment, in centavos; VAT stands beside what it is on. */
export interface Amounts {
  principal: bigint;
  interest: bigint;
  interestVat: bigint;
  fee: bigint;
  feeVat: bigint;
}

/** An instalment while the events are replayed. What is due is known once it is posted, on its contractual date. */
export interface Row {
  readonly number: number;
  /** Its place in the plan; behind the last where interest fell due after the end of the plan. */
  readonly planRow: number;
  readonly contractualDate: CalendarDate;
  /** The contractual date, or the business day it was moved to. */
  readonly dueDate: CalendarDate;
  isPosted: boolean;
  due: Amounts;
  /** What payments and waivers have settled; before the posting, what came in advance. */
  settled: Amounts;
  waived: bigint;
  hasLateFee: boolean;
}

/** A penalty or fee that was charged by an event, or for being late. */
export interface Charge {
  readonly component: 'penalty' | 'fee';
  readonly amount: bigint;
  readonly vat: bigint;
  readonly dueDate: CalendarDate;
  settled: bigint;
  settledVat: bigint;
}

/** What a payment, waiver or recovery was spent on. */
export interface Spent {
  readonly date: CalendarDate;
  readonly amount: bigint;
  readonly split: Split;
}

export type LoanStatus = 'not_disbursed' | 'active' | 'paid_off' | 'written_off';

/** The working state of a replay. It lives inside one call and is never shared. */
export interface Book {
  readonly terms: ServicingTerms;
  /** The terms as the last reschedule left them. */
  loan: LoanTerms;
  plan: Plan;
  target: bigint;
  status: LoanStatus;
  rows: Row[];
  /** The first row that is not posted. */
  next: number;
  outstanding: bigint;
  /** Interest since the last posting, unrounded. */
  accrued: Rational;
  accruedUntil: CalendarDate;
  /** Interest that was rounded and falls due with the next instalment. */
  deferred: bigint;
  /** Moratory interest since the beginning, unrounded, and what of it is settled. */
  moratory: Rational;
  moratorySettled: bigint;
  readonly charges: Charge[];
  readonly payments: Map<string, Spent>;
  readonly waivers: Map<string, Spent>;
  /** Interest that a reschedule turned into principal, and behind which instalment. */
  readonly capitalized: { readonly afterNumber: number; readonly amount: bigint }[];
  paidOffOn: CalendarDate | undefined;
  writtenOff: Split | undefined;
  recovered: bigint;
}

/** A book on the day on which the loan is paid out. */
export function openBook(terms: ServicingTerms, startDate: CalendarDate): Book {
  const loan = { ...terms.loan, startDate };
  const plan = planOf(loan);
  return {
    terms,
    loan,
    plan,
    target: plan.target,
    status: 'active',
    rows: rowsOfPlan(plan, 0),
    next: 0,
    outstanding: plan.principal,
    accrued: zero,
    accruedUntil: startDate,
    deferred: 0n,
    moratory: zero,
    moratorySettled: 0n,
    charges: [],
    payments: new Map(),
    waivers: new Map(),
    capitalized: [],
    paidOffOn: undefined,
    writtenOff: undefined,
    recovered: 0n,
  };
}

/** The instalments of a plan, not yet posted, numbered on from `numberBefore`. */
export function rowsOfPlan(plan: Plan, numberBefore: number): Row[] {
  return plan.contractualDates.map((contractualDate, planRow) => ({
    ...emptyRow(),
    number: numberBefore + planRow + 1,
    planRow,
    contractualDate,
    dueDate: plan.dueDates[planRow] ?? contractualDate,
  }));
}

/** A row for interest that still accrues when the plan has ended, one period after the last. */
export function rowAfterMaturity({ plan, loan, rows }: Book): Row {
  const last = rows.at(-1);
  const planRow = (last?.planRow ?? -1) + 1;
  const contractualDate = addPeriods(plan.seed.firstDueDate, plan.seed.frequency, planRow, seedDayOf(plan.seed));
  const isMoved = loan.businessDays === 'following';
  const dueDate = isMoved ? nextBusinessDay(contractualDate, loan.holidays ?? 'mx_bank') : contractualDate;
  return { ...emptyRow(), number: (last?.number ?? 0) + 1, planRow, contractualDate, dueDate };
}

/** What is posted and unpaid of one part of a row. */
export function unpaid(row: Row, part: keyof Amounts): bigint {
  return row.isPosted ? row.due[part] - row.settled[part] : 0n;
}

/** Everything that is posted and unpaid of a row. */
export function unpaidTotal(row: Row): bigint {
  if (!row.isPosted) return 0n;
  return totalOf(row.due) - totalOf(row.settled);
}

export function totalOf({ principal, interest, interestVat, fee, feeVat }: Amounts): bigint {
  return principal + interest + interestVat + fee + feeVat;
}

/**
 * Principal whose instalments are not posted, as if nothing had been paid in advance on them: what the schedule goes by.
 */
export function unpostedPrincipal(book: Book): bigint {
  let principal = book.outstanding;
  for (const row of book.rows)
    principal += row.isPosted ? row.settled.principal - row.due.principal : row.settled.principal;
  return principal;
}

function noAmounts(): Amounts {
  return { principal: 0n, interest: 0n, interestVat: 0n, fee: 0n, feeVat: 0n };
}

function emptyRow(): Pick<Row, 'isPosted' | 'due' | 'settled' | 'waived' | 'hasLateFee'> {
  return { isPosted: false, due: noAmounts(), settled: noAmounts(), waived: 0n, hasLateFee: false };
}
