import { smallestPositiveRoot } from './smallest-root.ts';

/** Money that changes hands `years` after the contract began: positive to the borrower, negative from the borrower. */
export interface Flow {
  readonly years: number;
  readonly amount: number;
}

/** The sum of the flows at the contract's beginning, by an effective annual rate (0.15 is 15 %). */
export function presentValue(flows: readonly Flow[], annualRate: number): number {
  return discounted(flows, Math.log1p(annualRate));
}

/**
 * The effective annual rate at which the flows cancel out: the positive solution closest to zero, zero where nothing is
 * paid beyond what was lent, undefined where every solution is negative or there is none.
 */
export function internalRate(flows: readonly Flow[]): number | undefined {
  const rate = smallestPositiveRoot({
    valueAt: (continuous) => discounted(flows, continuous),
    hasOneRoot: signChanges(flows) === 1,
  });
  return rate === undefined ? undefined : Math.expm1(rate);
}

function discounted(flows: readonly Flow[], continuousRate: number): number {
  let sum = 0;
  for (const { years, amount } of flows) sum += amount * Math.exp(-continuousRate * years);
  return sum;
}

/** Descartes: flows in the order of time that change sign once have one root. */
function signChanges(flows: readonly Flow[]): number {
  const signs = flows
    .filter(({ amount }) => amount !== 0)
    .toSorted((a, b) => a.years - b.years)
    .map(({ amount }) => amount > 0);
  return signs.filter((sign, index) => index > 0 && sign !== signs[index - 1]).length;
}
