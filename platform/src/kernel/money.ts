/** An amount in a currency's minor units (cents), never a float. */
export interface Money {
  readonly amountMinor: bigint;
  readonly currency: string;
}

/** How a division that does not come out even is rounded. */
export type Rounding = 'half-even' | 'half-up' | 'down' | 'up';

/** Why a text or number is no amount, as a stable word and a sentence. */
export interface AmountFault {
  readonly type: 'not_a_number' | 'too_many_decimals';
  readonly sentence: string;
}

const decimalPattern = /^(-?)(\d{1,30})(?:\.(\d{1,30}))?$/;

/**
 * Reads a decimal ("12.5", 12.5) as minor units. Digits behind the last decimal are a fault even when they are
 * zeros in a string, because a client that sends "1.000" may mean a thousand.
 * @param decimals how many digits the currency has behind the point
 */
export function parseMinor(value: string | number, decimals = 2): bigint | AmountFault {
  const text = typeof value === 'number' ? String(value) : value.trim();
  const match = decimalPattern.exec(text);
  if (!match) return { type: 'not_a_number', sentence: 'expected a decimal number such as "125.50"' };
  const [, sign, whole = '0', fraction = ''] = match;
  if (fraction.length > decimals) {
    return { type: 'too_many_decimals', sentence: `expected at most ${decimals} decimals` };
  }
  const minor = BigInt(whole + fraction.padEnd(decimals, '0'));
  return sign === '-' ? -minor : minor;
}

/** Minor units as a decimal string: `formatMinor(1250n)` is "12.50". */
export function formatMinor(amountMinor: bigint, decimals = 2): string {
  const negative = amountMinor < 0n;
  const digits = (negative ? -amountMinor : amountMinor).toString().padStart(decimals + 1, '0');
  const cut = digits.length - decimals;
  const text = decimals === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return negative ? `-${text}` : text;
}

/** The sum of two amounts of one currency. Throws a RangeError on two currencies: that is a bug, not input. */
export function addMoney(left: Money, right: Money): Money {
  if (left.currency !== right.currency) {
    throw new RangeError(`Cannot add ${right.currency} to ${left.currency}`);
  }
  return { amountMinor: left.amountMinor + right.amountMinor, currency: left.currency };
}

/** Integer division with the rounding said. Throws a RangeError on a zero divisor. */
export function divideRounded(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  if (divisor === 0n) throw new RangeError('Cannot divide by zero');
  const negative = dividend < 0n !== divisor < 0n;
  const top = dividend < 0n ? -dividend : dividend;
  const bottom = divisor < 0n ? -divisor : divisor;
  const quotient = top / bottom;
  const up = roundsUp(quotient, (top % bottom) * 2n, bottom, rounding) ? 1n : 0n;
  return negative ? -(quotient + up) : quotient + up;
}

function roundsUp(quotient: bigint, twiceRest: bigint, divisor: bigint, rounding: Rounding): boolean {
  if (twiceRest === 0n || rounding === 'down') return false;
  if (rounding === 'up') return true;
  if (twiceRest !== divisor) return twiceRest > divisor;
  return rounding === 'half-up' || quotient % 2n === 1n;
}

/**
 * Splits an amount by weights so that the parts sum to the whole: each part is rounded down and the units left
 * over go to the largest remainders, earlier parts first. Throws a RangeError without a positive weight.
 */
export function allocate(amountMinor: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total <= 0n || weights.some((weight) => weight < 0n)) {
    throw new RangeError('Cannot allocate without a positive weight');
  }
  const sign = amountMinor < 0n ? -1n : 1n;
  const whole = amountMinor * sign;
  const parts = weights.map((weight) => (whole * weight) / total);
  const left = Number(whole - parts.reduce((sum, part) => sum + part, 0n));
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (whole * weight) % total }))
    .toSorted((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder < b.remainder ? 1 : -1));
  for (const { index } of byRemainder.slice(0, left)) parts[index] = (parts[index] ?? 0n) + 1n;
  return parts.map((part) => part * sign);
}
