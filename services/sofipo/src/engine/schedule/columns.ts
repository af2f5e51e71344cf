import { formatMinor } from '@quinta/platform/kernel';

import { LendingRefusal } from '../refusal.ts';
import type { Plan } from './plan.ts';

/**
 * The amounts of a schedule, a column each, in centavos: integers in doubles where they provably fit, else bigints. The
 * principal of one instalment is what it repays, the interest what falls due with it.
 */
export interface Columns<Amount extends number | bigint> {
  readonly principal: readonly Amount[];
  readonly interest: readonly Amount[];
  readonly vat: readonly Amount[];
}

/**
 * One centavo is what rounding alone may take from an instalment; then it repays nothing. What lacks more is a loan that
 * would grow.
 */
export const roundingShortfallMax = 1;

/** The refusal of a loan whose instalment `row` does not cover its interest. */
export function negativeAmortization(plan: Plan, row: number, interest: bigint): LendingRefusal {
  const field = blamed(plan);
  const given = `such that instalment ${row + 1} of ${formatMinor(plan.target)} is less than its interest`;
  const code = plan.isFixedInstallment ? 'never_pays_off' : 'negative_amortization';
  return new LendingRefusal(code, { field, given, expected: `an instalment of at least ${formatMinor(interest)}` });
}

/** The refusal of a loan that is paid off before its last instalment because the multiple is too large. */
export function finishesEarly(plan: Plan, row: number): LendingRefusal {
  return new LendingRefusal('finishes_early', {
    field: 'installment_multiple',
    given: `${formatMinor(plan.multiple)}, which pays the loan off with instalment ${row + 1} of ${plan.count}`,
    expected: 'a smaller multiple or a shorter term',
  });
}

/** The refusal of an agreed instalment that needs more instalments than there may be. */
export function neverPaysOff(plan: Plan): LendingRefusal {
  return new LendingRefusal('never_pays_off', {
    field: 'fixed_installment',
    given: formatMinor(plan.target),
    expected: `an instalment that pays the loan off within ${plan.count}`,
  });
}

function blamed(plan: Plan): string {
  if (plan.isFixedInstallment) return 'fixed_installment';
  if (plan.multiple > 1n) return 'installment_multiple';
  return plan.isBrokenStart ? 'first_due_date' : 'interest_rate';
}
