/** How what lies between two units is rounded: to the even neighbour on a tie, away from zero on a tie, or always up. */
export type RoundingMode = 'half_even' | 'half_up' | 'ceil';

/**
 * `dividend / divisor` as an integer. The dividend is zero or more, the divisor positive: the engine rounds amounts, never
 * debts of debts. Throws a RangeError otherwise.
 */
export function roundQuotient(dividend: bigint, divisor: bigint, mode: RoundingMode): bigint {
  if (dividend < 0n || divisor <= 0n) throw new RangeError(`Cannot round ${dividend}/${divisor}`);
  const quotient = dividend / divisor;
  const twiceRest = (dividend - quotient * divisor) * 2n;
  if (twiceRest === 0n) return quotient;
  if (mode === 'ceil') return quotient + 1n;
  if (twiceRest !== divisor) return twiceRest > divisor ? quotient + 1n : quotient;
  return mode === 'half_up' || quotient % 2n === 1n ? quotient + 1n : quotient;
}

/**
 * The same on doubles that hold integers: exact while the dividend stays below 2^53 and the divisor below 2^52, which the
 * caller has proved. The floor of the double quotient may miss by one; the exact rest says so.
 */
export function roundQuotientFast(dividend: number, divisor: number, mode: RoundingMode): number {
  let quotient = Math.floor(dividend / divisor);
  let rest = dividend - quotient * divisor;
  if (rest < 0) {
    quotient -= 1;
    rest += divisor;
  } else if (rest >= divisor) {
    quotient += 1;
    rest -= divisor;
  }
  if (rest === 0) return quotient;
  if (mode === 'ceil') return quotient + 1;
  const twiceRest = rest * 2;
  if (twiceRest !== divisor) return twiceRest > divisor ? quotient + 1 : quotient;
  return mode === 'half_up' || quotient % 2 === 1 ? quotient + 1 : quotient;
}
