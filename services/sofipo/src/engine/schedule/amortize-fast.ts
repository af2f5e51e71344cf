import { roundQuotientFast } from '../number/rounding.ts';
import { type Columns, finishesEarly, negativeAmortization, roundingShortfallMax } from './columns.ts';
import type { Plan } from './plan.ts';

/** The same numbers as doubles, which hold them exactly: see `fastPlan`. */
export interface FastPlan {
  readonly principal: number;
  /** Interest of period k is `balance × numerators[k] / denominator`. */
  readonly numerators: readonly number[];
  readonly denominator: number;
  readonly target: number;
  readonly flatEach: number;
  readonly flatTotal: number;
  readonly vatNumerator: number;
  readonly vatDenominator: number;
  readonly feesVat: number;
}

/** Below this every amount of a loan and the sums of 1,200 rows stay integers that a double holds. */
const amountFastMax = 2n ** 38n;
const exactMax = 2 ** 52;

/**
 * The plan as doubles, or undefined where a product might reach 2^52: then only bigints are exact. The largest product of
 * a row is that of the first balance and the longest period; interest is at most `balance × 100` and is checked for VAT.
 */
export function fastPlan(plan: Plan): FastPlan | undefined {
  if (plan.principal > amountFastMax || plan.target > amountFastMax || plan.feesVatEach > amountFastMax)
    return undefined;
  if (plan.isFixedInstallment) return undefined;
  const principal = Number(plan.principal);
  const rateNumerator = Number(plan.rate.numerator);
  const denominator = Number(plan.rate.denominator) * plan.periods.perYear;
  const vatNumerator = Number(plan.vatRate.numerator);
  const vatDenominator = Number(plan.vatRate.denominator);
  let longest = 0;
  let length = 0;
  for (const units of plan.periods.units) {
    if (units > longest) longest = units;
    length += units;
  }
  const interestMax = (principal * rateNumerator * length) / denominator + plan.count;
  const isExact =
    principal * rateNumerator * longest < exactMax &&
    denominator < exactMax &&
    interestMax * Math.max(vatNumerator, 1) < exactMax &&
    vatDenominator < exactMax;
  if (!isExact) return undefined;
  return {
    principal,
    numerators: plan.periods.units.map((units) => units * rateNumerator),
    denominator,
    target: Number(plan.target),
    flatEach: Number(plan.flatInterest.each),
    flatTotal: Number(plan.flatInterest.total),
    vatNumerator,
    vatDenominator,
    feesVat: Number(plan.feesVatEach),
  };
}

/** `amortize` on doubles: the same rows, an order of magnitude sooner. A property test holds the two together. */
export function amortizeFast(plan: Plan, fast: FastPlan): Columns<number> {
  const { count, rounding, graceOnInterest } = plan;
  const isFlat = plan.method === 'flat';
  const principals: number[] = [];
  const interests: number[] = [];
  const vat: number[] = [];
  let balance = fast.principal;
  let deferred = 0;
  for (let row = 0; row < count; row += 1) {
    const isLast = row === count - 1;
    let interest: number;
    if (isFlat) interest = isLast ? fast.flatTotal - fast.flatEach * (count - 1) : fast.flatEach;
    else interest = roundQuotientFast(balance * (fast.numerators[row] ?? 0), fast.denominator, rounding);
    const principal = isLast ? balance : principalAt(plan, fast, row, balance, interest);
    if (row < graceOnInterest) {
      deferred += interest;
      interest = 0;
    } else if (deferred > 0) {
      interest += deferred;
      deferred = 0;
    }
    principals.push(principal);
    interests.push(interest);
    vat.push(vatOf(fast, interest) + fast.feesVat);
    balance -= principal;
  }
  return { principal: principals, interest: interests, vat };
}

function vatOf({ vatNumerator, vatDenominator }: FastPlan, interest: number): number {
  return vatNumerator === 0 ? 0 : roundQuotientFast(interest * vatNumerator, vatDenominator, 'half_even');
}

// oxlint-disable-next-line eslint/max-params -- an object a row is what this path exists to avoid
function principalAt(plan: Plan, fast: FastPlan, row: number, balance: number, accrued: number): number {
  if (row < plan.graceOnPrincipal || plan.method === 'bullet') return 0;
  const principal = plan.method === 'equal_principal' ? fast.target : fast.target - accrued;
  if (principal < 0) {
    if (plan.multiple > 1n || -principal > roundingShortfallMax) throw negativeAmortization(plan, row, BigInt(accrued));
    return 0;
  }
  if (principal >= balance) throw finishesEarly(plan, row);
  return principal;
}
