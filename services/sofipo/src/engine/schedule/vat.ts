import type { Rational } from '../number/rational.ts';
import { roundQuotient } from '../number/rounding.ts';

/** VAT of one line, to the centavo, half to even whatever the loan's own rounding. */
export function vatOn(amount: bigint, rate: Rational): bigint {
  return amount === 0n || rate.numerator === 0n
    ? 0n
    : roundQuotient(amount * rate.numerator, rate.denominator, 'half_even');
}
