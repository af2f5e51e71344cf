import { roundQuotient, type RoundingMode } from './rounding.ts';

/** An exact fraction in lowest terms; the denominator is positive. Rates and interest that is not yet posted are such. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const zero: Rational = { numerator: 0n, denominator: 1n };

const decimalPattern = /^(\d{1,15})(?:\.(\d{1,30}))?$/;

/**
 * Reads a decimal of zero or more ("0.1499", 0.15) as an exact fraction. Undefined for anything else, numbers in
 * exponential form included.
 */
export function parseRational(value: string | number): Rational | undefined {
  const match = decimalPattern.exec(String(value));
  if (!match) return undefined;
  const [, whole = '0', fraction = ''] = match;
  return rational(BigInt(whole + fraction), 10n ** BigInt(fraction.length));
}

/** `numerator / denominator` in lowest terms. Throws a RangeError when the denominator is not positive. */
export function rational(numerator: bigint, denominator: bigint): Rational {
  if (denominator <= 0n) throw new RangeError(`Cannot divide ${numerator} by ${denominator}`);
  const divisor = greatestCommonDivisor(numerator < 0n ? -numerator : numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** The exact sum. */
export function plus(left: Rational, right: Rational): Rational {
  if (left.numerator === 0n) return right;
  if (right.numerator === 0n) return left;
  if (left.denominator === right.denominator) {
    return rational(left.numerator + right.numerator, left.denominator);
  }
  return rational(
    left.numerator * right.denominator + right.numerator * left.denominator,
    left.denominator * right.denominator,
  );
}

/** The nearest integer by the mode. The fraction is zero or more. */
export function roundRational(value: Rational, mode: RoundingMode): bigint {
  return roundQuotient(value.numerator, value.denominator, mode);
}

/** The fraction as a decimal with so many digits, cut and not rounded: for reports of unrounded interest. */
export function formatRational({ numerator, denominator }: Rational, decimals: number): string {
  const sign = numerator < 0n ? '-' : '';
  const digits = (((numerator < 0n ? -numerator : numerator) * 10n ** BigInt(decimals)) / denominator)
    .toString()
    .padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  return decimals === 0 ? sign + digits : `${sign}${digits.slice(0, cut)}.${digits.slice(cut)}`;
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let [larger, smaller] = [left, right];
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}
