import {
  type CalendarDate,
  delinquencyRanges,
  formatCalendarDate,
  type LoanState,
  nonPerformingDays,
  rangeOf,
  replayLoan,
  reserveOf,
  type ReserveTable,
} from '../engine/index.ts';
import { dayClose, type Posting } from '../ledger/entry.ts';
import type { LoanHistory } from '../loan/event-store.ts';
import { type LoanRow, type LoanStatus, servedBy } from '../loan/loan.ts';
import { minorOf } from '../loan/loan-terms.ts';

/** Where a loan stands at the end of a day; amounts in centavos. */
export interface Position {
  readonly daysPastDue: number;
  /** Past due for the regulator: then no more interest is put on the books. */
  readonly isNonPerforming: boolean;
  readonly balance: bigint;
  readonly pastDue: bigint;
  readonly pastDuePrincipal: bigint;
  readonly penalty: bigint;
  readonly nextDueOn: string | undefined;
  readonly nextDue: bigint | undefined;
}

/** What the close of a day makes of a loan. */
export interface ClosedLoan {
  readonly loan: LoanRow;
  readonly position: Position;
  readonly postings: readonly Posting[];
  readonly receivable: bigint;
  readonly reserve: bigint;
  readonly status: LoanStatus;
  /** The names of the delinquency ranges, where it has left one for another; `current` is none. */
  readonly delinquency: { readonly from: string; readonly to: string } | undefined;
}

export interface LoanToClose {
  readonly loan: LoanRow;
  readonly history: LoanHistory;
  /** Days past due at the close before. */
  readonly daysBefore: number;
}

/**
 * Closes a day of a loan. No input or output, so that a close that is repeated posts the same centavos.
 *
 * Interest on the books becomes what is owed at the end of the day, rounded from what has accrued unrounded since the
 * beginning, less what was paid since then; for a non-performing loan it only falls. The reserve is the table's share of
 * the principal and, for a performing loan, of the interest owed at the end of that day. A loan that had ended by then loses both.
 */
export function closeLoan(
  { loan, history, daysBefore }: LoanToClose,
  day: CalendarDate,
  table: ReserveTable,
): ClosedLoan {
  const terms = servedBy(loan);
  const state = replayLoan(terms, history.events, day);
  if (!state) throw new Error(`Loan ${loan.id} was closed on a day before it was paid out`);
  // On that day: it may have ended since.
  const isServed = state.status === 'active' && loan.status !== 'CANCELLED';
  const limit = terms.loan.method === 'bullet' ? nonPerformingDays.bullet : nonPerformingDays.installments;
  const isNonPerforming = isServed && state.daysPastDue > limit;
  const [receivable, reserve] = [minorOf(loan.interest_receivable), minorOf(loan.reserve)];
  const owed = interestOwed(state);
  const unpaid = isServed ? atLeastNothing(owed - interestPaidAfter(loan, history, day)) : 0n;
  const target = isNonPerforming && unpaid > receivable ? receivable : unpaid;
  const exposure = state.outstandingPrincipal + (isNonPerforming ? 0n : owed);
  const reserveTarget = isServed ? reserveOf(exposure, state.daysPastDue, table) : 0n;
  return {
    loan,
    position: positionOf(state, isNonPerforming),
    postings: dayClose({ interest: target - receivable, reserve: reserveTarget - reserve }),
    receivable: target,
    reserve: reserveTarget,
    // Nobody agreed on due dates with those who borrowed from the earlier system: a person judges their loans.
    status: isNonPerforming && loan.status === 'ACTIVE' && loan.product_code !== null ? 'DEFAULTED' : loan.status,
    delinquency: moved(rangeName(daysBefore), rangeName(state.daysPastDue)),
  };
}

/** Everything that is owed of interest, due or not, as it would be posted on the day. */
function interestOwed({ due, accruedInterest }: LoanState): bigint {
  return due.interest + accruedInterest.rounded;
}

/** A close that comes late finds payments of later days: what they paid is off the books already. */
function interestPaidAfter(loan: LoanRow, { events }: LoanHistory, day: CalendarDate): bigint {
  const last = events.reduce((latest, { date }) => (date > latest ? date : latest), day);
  if (last === day) return 0n;
  const payments = replayLoan(servedBy(loan), events, last)?.payments ?? new Map<string, never>();
  let paid = 0n;
  for (const { date, split } of payments.values()) if (date > day) paid += split.interest;
  return paid;
}

function positionOf(state: LoanState, isNonPerforming: boolean): Position {
  const { pastDue, installments } = state;
  const next = installments.find(({ dueDate, unpaid }) => dueDate > state.asOf && unpaid > 0n);
  return {
    daysPastDue: state.daysPastDue,
    isNonPerforming,
    balance: state.outstandingPrincipal,
    pastDue: pastDue.penalty + pastDue.fee + pastDue.vat + pastDue.interest + pastDue.principal,
    pastDuePrincipal: pastDue.principal,
    penalty: pastDue.penalty,
    nextDueOn: next && formatCalendarDate(next.dueDate),
    nextDue: next?.unpaid,
  };
}

function rangeName(days: number): string {
  return rangeOf(days, delinquencyRanges)?.name ?? 'current';
}

function moved(from: string, to: string): ClosedLoan['delinquency'] {
  return from === to ? undefined : { from, to };
}

function atLeastNothing(amount: bigint): bigint {
  return amount > 0n ? amount : 0n;
}
