import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type Rational, rational, zero } from '../number/rational.ts';
import { roundQuotient, type RoundingMode } from '../number/rounding.ts';
import { levelPayment, periodRate } from './annuity.ts';

/** The level payment by exact fractions: `P r (1 + r)^n / ((1 + r)^n − 1)`, without any shortening. */
function exactPayment(
  principal: bigint,
  { numerator: p, denominator: q }: Rational,
  periods: number,
  mode: RoundingMode,
): bigint {
  if (p === 0n) return roundQuotient(principal, BigInt(periods), mode);
  const grown = (p + q) ** BigInt(periods);
  return roundQuotient(principal * p * grown, q * (grown - q ** BigInt(periods)), mode);
}

describe('the level payment', () => {
  it('is the exact one, rounded', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 999_999_999_999_999n }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom<RoundingMode>('half_even', 'half_up', 'ceil'),
        (principal, rate, periods, rounding) => {
          const regular = periodRate(rational(BigInt(rate), 10_000n), 1, 12);
          const payment = levelPayment({ principal, regular, first: regular, periods, multiple: 1n, rounding });
          expect(payment).toBe(exactPayment(principal, regular, periods, rounding));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    { name: 'half to even', principal: 100n, first: rational(1n, 200n), rounding: 'half_even', expected: 100n },
    { name: 'half up', principal: 100n, first: rational(1n, 200n), rounding: 'half_up', expected: 101n },
    {
      name: 'a whole amount is not rounded up',
      principal: 1200n,
      first: rational(1n, 100n),
      rounding: 'ceil',
      expected: 1212n,
    },
  ] as const)('decides a tie exactly: $name', ({ principal, first, rounding, expected }) => {
    expect(levelPayment({ principal, regular: first, first, periods: 1, multiple: 1n, rounding })).toBe(expected);
  });

  it.each([
    // A sixth is no binary fraction, so three parts of it lie just beside the tie until they are reckoned exactly.
    { name: 'without interest', principal: 3n, regular: zero, periods: 6, rounding: 'half_even', expected: 0n },
    { name: 'without interest, half up', principal: 3n, regular: zero, periods: 6, rounding: 'half_up', expected: 1n },
    // 120,000/12 is 10,000 to within 10^-37: so little more that only the exact fraction knows that it is more.
    {
      name: 'at the edge of perpetuity',
      principal: 120_000n,
      regular: rational(1n, 12n),
      periods: 1_200,
      rounding: 'ceil',
      expected: 10_001n,
    },
  ] as const)(
    'decides what fixed point leaves in doubt: $name',
    ({ principal, regular, periods, rounding, expected }) => {
      expect(levelPayment({ principal, regular, first: regular, periods, multiple: 1n, rounding })).toBe(expected);
    },
  );

  it('with a broken first period discounts that one by its own rate', () => {
    const regular = periodRate(rational(999n, 10_000n), 1, 12);
    const first = periodRate(rational(999n, 10_000n), 17, 12 * 31);
    const broken = { principal: 19_222n, regular, first, periods: 6, multiple: 1n, rounding: 'half_even' } as const;
    expect(levelPayment(broken)).toBe(3285n);
    expect(levelPayment({ ...broken, first: regular })).toBe(3298n);
  });

  it('stays right when more rates are asked for than are remembered', () => {
    const payments = Array.from({ length: 5_000 }, (_, index) => {
      const regular = rational(BigInt(index + 1), 100_000n);
      return levelPayment({
        principal: 10n ** 9n,
        regular,
        first: regular,
        periods: 24,
        multiple: 1n,
        rounding: 'half_even',
      });
    });
    expect(payments).toEqual(payments.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(payments[0]).toBe(exactPayment(10n ** 9n, rational(1n, 100_000n), 24, 'half_even'));
  });
});
