/** The middle of several rounds, and how far apart they lay. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle value; of an even number the mean of the two in the middle. NaN of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Undefined of nothing. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  return { median: medianOf(values), min: Math.min(...values), max: Math.max(...values) };
}

/** How one stands to the other, round by round: what slows the machine down for a minute slows both of a round. */
export function ratioOf(own: readonly number[], reference: readonly number[]): Spread | undefined {
  const length = Math.min(own.length, reference.length);
  const ratios = own.slice(0, length).map((value, round) => value / (reference[round] ?? NaN));
  return spreadOf(ratios.filter((ratio) => Number.isFinite(ratio)));
}

/** The value below which this share (0 to 1) of the values lies, by the nearest rank. NaN of nothing. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? NaN;
}

/** The mean of values that count as often as their weight says: percentiles of two equal halves. NaN of no weight. */
export function weightedMeanOf(values: readonly { readonly value: number; readonly weight: number }[]): number {
  const total = values.reduce((sum, { weight }) => sum + weight, 0);
  return values.reduce((sum, { value, weight }) => sum + value * weight, 0) / total;
}
