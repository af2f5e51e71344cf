import type { Rational } from '../number/rational.ts';
import { LendingRefusal } from '../refusal.ts';
import type { LoanTerms } from '../schedule/terms.ts';
import { type Bucket, checkOrder } from './allocation.ts';

/** What money that comes before it is due does: shorten the loan, lower its instalments, or pay the next ones as they are. */
export type PrepaymentPolicy = 'reduce_term' | 'reduce_installment' | 'next_installment';

/** How a loan is served; the product pins it. */
export interface ServicingTerms {
  readonly loan: LoanTerms;
  /**
   * `schedule` (default): interest is that of the schedule, an instalment that is late bears none. `daily`: interest
   * accrues on all principal that is owed, from the day it was due when late. Money that comes early lowers both.
   */
  readonly accrual?: 'schedule' | 'daily';
  readonly prepayment?: PrepaymentPolicy;
  readonly allocation?: readonly Bucket[];
  /** A fee for each instalment that is not paid so many days after it was due. Not together with a penalty. */
  readonly lateFee?: { readonly amount: bigint; readonly graceDays: number };
  /** Moratory interest on overdue principal, from so many days after it was due. Not together with a late fee. */
  readonly penalty?: { readonly annualRate: Rational; readonly daysPerYear: 360 | 365; readonly graceDays: number };
}

/** Throws a LendingRefusal for terms that charge one event twice, or allocate to a bucket never or twice. */
export function checkServicing(terms: ServicingTerms): void {
  if (terms.allocation) checkOrder(terms.allocation);
  if (!terms.lateFee || !terms.penalty) return;
  const expected = 'a late fee or a penalty rate, because one event is charged once';
  throw new LendingRefusal('conflicting_terms', { field: 'late_fee', given: 'set beside a penalty rate', expected });
}
