import { LendingRefusal } from '../refusal.ts';
import { amortize } from './amortize.ts';
import { draftPlan, type Plan } from './plan.ts';
import type { LoanTerms } from './terms.ts';

/** A centavo of the instalment and one of each interest, in the worst case. */
const roundingPerRow = 2;
/** The most centavos by which a level instalment is lowered so that it does not pay off too soon. */
const loweredMax = 3n;

/**
 * The plan of a loan. Throws a LendingRefusal that names the field when the terms are out of range or contradict.
 *
 * Over hundreds of periods at a high rate the fraction of a centavo by which an instalment was rounded up grows into more
 * than a whole instalment, and the loan would be paid off before its last one. Then the instalment is rounded down instead,
 * and the last one takes the difference, as it does wherever rounding went down.
 */
export function planOf(terms: LoanTerms): Plan {
  const plan = draftPlan(terms);
  if (!mayFinishEarly(plan)) return plan;
  for (let lowered = 0n; lowered <= loweredMax && lowered <= plan.target; lowered += 1n) {
    const lower = { ...plan, target: plan.target - lowered };
    if (lasts(lower)) return lower;
  }
  return plan;
}

/** A bound on what rounding may come to, in floats: it decides only whether to look. */
function mayFinishEarly(plan: Plan): boolean {
  if (plan.method !== 'french' || plan.isFixedInstallment || plan.multiple > 1n) return false;
  const { numerator, denominator } = plan.rate;
  const rate = (Number(numerator) / Number(denominator)) * (plan.periods.nominal / plan.periods.perYear);
  const grown = rate === 0 ? plan.count : Math.expm1(plan.count * Math.log1p(rate)) / rate;
  return grown * roundingPerRow >= Number(plan.target);
}

function lasts(plan: Plan): boolean {
  try {
    amortize(plan);
    return true;
  } catch (error) {
    if (error instanceof LendingRefusal && error.code === 'finishes_early') return false;
    throw error;
  }
}
