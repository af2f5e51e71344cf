import { type Rational, rational } from '../number/rational.ts';
import { roundQuotient, type RoundingMode } from '../number/rounding.ts';

/** A level payment to find: periods of rate `regular`, the first of rate `first`, on the principal in centavos. */
export interface LevelPayment {
  readonly principal: bigint;
  /** Interest of one whole period as a share of the balance. */
  readonly regular: Rational;
  /** Interest of the first period, which may be shorter or longer. */
  readonly first: Rational;
  readonly periods: number;
  /** The payment is a multiple of so many centavos. */
  readonly multiple: bigint;
  readonly rounding: RoundingMode;
}

const fractionBits = 192n;
const one = 1n << fractionBits;
/** An error of fewer than 2^-40 centavos is left undecided when the payment lies so close to a point of rounding. */
const doubtBits = fractionBits - 40n;

/** What one unit of principal costs a period, as fixed point, by rates and number of periods. */
const shares = new Map<string, bigint>();
const sharesMax = 4_096;

/**
 * The level payment `P (1 + r₁) / (1 + a)` with `a = (1 − (1 + r)^−(n−1)) / r`, which is `P r / (1 − (1 + r)^−n)` where all
 * periods are alike, rounded to its multiple. Reckoned with 192 binary digits behind the point (57 decimal ones); where
 * that leaves the rounding in doubt, by exact fractions. No binary float is involved.
 */
export function levelPayment(wanted: LevelPayment): bigint {
  const { principal, multiple, rounding } = wanted;
  const scaled = principal * shareOf(wanted);
  const unit = multiple << fractionBits;
  if (isDoubtful(scaled, unit, rounding)) return multiple * exactPayment(wanted);
  return multiple * roundQuotient(scaled, unit, rounding);
}

function isDoubtful(scaled: bigint, unit: bigint, rounding: RoundingMode): boolean {
  const rest = scaled % unit;
  const boundary = rounding === 'ceil' ? 0n : unit / 2n;
  const distance = rest > boundary ? rest - boundary : boundary - rest;
  const fromAbove = rounding === 'ceil' ? unit - rest : distance;
  return (distance < fromAbove ? distance : fromAbove) >> doubtBits === 0n;
}

function shareOf(wanted: LevelPayment): bigint {
  const { regular, first, periods } = wanted;
  const key = `${regular.numerator}/${regular.denominator} ${first.numerator}/${first.denominator} ${periods}`;
  const found = shares.get(key);
  if (found !== undefined) return found;
  if (shares.size >= sharesMax) shares.clear();
  const share = fixedShare(wanted);
  shares.set(key, share);
  return share;
}

/** `(1 + r₁) / (1 + a)` as fixed point. */
function fixedShare({ regular, first, periods }: LevelPayment): bigint {
  const growth = one + (first.numerator * one) / first.denominator;
  return (growth * one) / (one + presentValueFactor(regular, periods - 1));
}

/** `a = (1 − (1 + r)^−n) / r` as fixed point; n without interest. */
function presentValueFactor({ numerator, denominator }: Rational, periods: number): bigint {
  if (numerator === 0n) return BigInt(periods) * one;
  let power = one;
  let square = (denominator * one) / (numerator + denominator);
  for (let left = periods; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = (power * square) >> fractionBits;
    square = (square * square) >> fractionBits;
  }
  return ((one - power) * denominator) / numerator;
}

/** The same by exact fractions, as a count of multiples. Numbers of tens of thousands of digits: for cases of doubt. */
function exactPayment({ principal, regular, first, periods, multiple, rounding }: LevelPayment): bigint {
  const { numerator: p, denominator: q } = regular;
  const length = BigInt(periods - 1);
  const grown = (p + q) ** length;
  // 1 + a = (p grown + q (grown − q^length)) / (p grown)
  const factor: Rational =
    p === 0n
      ? { numerator: length + 1n, denominator: 1n }
      : { numerator: p * grown + q * (grown - q ** length), denominator: p * grown };
  const dividend = principal * (first.numerator + first.denominator) * factor.denominator;
  return roundQuotient(dividend, first.denominator * factor.numerator * multiple, rounding);
}

/** The interest of one period as a share of the balance: the annual rate over a number of units of the year. */
export function periodRate(annual: Rational, units: number, perYear: number): Rational {
  return rational(annual.numerator * BigInt(units), annual.denominator * BigInt(perYear));
}
