/** Where a present value changes its sign, as seen from rate zero outwards. */
export interface RootSearch {
  /** The present value at a continuously compounded rate. */
  readonly valueAt: (rate: number) => number;
  /** Whether the flows change sign once, so that there is one root and steps may be large. */
  readonly hasOneRoot: boolean;
}

const rateMax = 100;
const coarseStep = 0.05;
const fineStep = 0.001;
const growthOfSteps = 1.02;
const iterationsMax = 200;
const tolerance = 1e-15;

/**
 * The least positive root, or undefined where there is none up to e^100. Binary floats: the result is a percentage that is
 * published with one decimal, and no amount is ever derived from it. Walks outwards until the sign changes, then halves
 * the bracket and takes the secant's step where it stays inside (regula falsi with bisection, which always ends).
 */
export function smallestPositiveRoot({ valueAt, hasOneRoot }: RootSearch): number | undefined {
  let step = hasOneRoot ? coarseStep : fineStep;
  const growth = hasOneRoot ? 2 : growthOfSteps;
  let low = 0;
  let lowValue = valueAt(0);
  if (lowValue === 0) return 0;
  while (low < rateMax) {
    const high = low + step;
    const highValue = valueAt(high);
    if (highValue === 0) return high;
    if (highValue < 0 !== lowValue < 0) return rootBetween(valueAt, { low, lowValue, high, highValue });
    [low, lowValue] = [high, highValue];
    step *= growth;
  }
  return undefined;
}

interface Bracket {
  readonly low: number;
  readonly lowValue: number;
  readonly high: number;
  readonly highValue: number;
}

function rootBetween(valueAt: (rate: number) => number, bracket: Bracket): number {
  let { low, lowValue, high, highValue } = bracket;
  for (let iteration = 0; iteration < iterationsMax && high - low > tolerance * (1 + high); iteration += 1) {
    const secant = low - (lowValue * (high - low)) / (highValue - lowValue);
    const isInside = iteration % 2 === 0 && secant > low && secant < high;
    const middle = isInside ? secant : (low + high) / 2;
    const value = valueAt(middle);
    if (value === 0) return middle;
    if (value < 0 === lowValue < 0) [low, lowValue] = [middle, value];
    else [high, highValue] = [middle, value];
  }
  return (low + high) / 2;
}
