import { daysInMonth } from '../engine/calendar/calendar-date.ts';

/** The sum of the values of letters by weights that fall from `heaviest` to the right; undefined for an unknown letter. */
export function weightedSum(
  letters: string,
  heaviest: number,
  values: ReadonlyMap<string, number>,
): number | undefined {
  let sum = 0;
  let weight = heaviest;
  for (const letter of letters) {
    const value = values.get(letter);
    if (value === undefined) return undefined;
    sum += value * weight;
    weight -= 1;
  }
  return sum;
}

/** Each letter of an alphabet with its place in it. */
export function valuesOf(alphabet: string): ReadonlyMap<string, number> {
  return new Map(Array.from(alphabet, (letter, value) => [letter, value]));
}

/**
 * Whether six digits (AAMMDD) are a day of some year that ends so. 29 February is one in the years 00, 04, 08 …: 2000 was a
 * leap year, and nobody who was born in 1900 is left to have it wrong.
 */
export function isDayOfTheCentury(digits: string): boolean {
  const [year, month, day] = [0, 2, 4].map((start) => Number(digits.slice(start, start + 2)));
  if (year === undefined || month === undefined || day === undefined) return false;
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(2000 + year, month);
}
