/**
 * The area under the ROC curve by ranks (Mann and Whitney's U over the product of the counts): the chance that a value
 * of the first list is larger than one of the second, ties counting half. 0.5 where nothing tells them apart.
 */
export function aucOf(first: readonly number[], second: readonly number[]): number {
  const sorted = second.toSorted((a, b) => a - b);
  const wins = first.reduce((sum, value) => sum + (below(sorted, value) + atMost(sorted, value)) / 2, 0);
  return wins / (first.length * second.length);
}

/** How many of a sorted list are smaller. */
function below(sorted: readonly number[], value: number): number {
  return searched(sorted, (one) => one < value);
}

function atMost(sorted: readonly number[], value: number): number {
  return searched(sorted, (one) => one <= value);
}

function searched(sorted: readonly number[], isBefore: (one: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(sorted[middle] ?? NaN)) low = middle + 1;
    else high = middle;
  }
  return low;
}
