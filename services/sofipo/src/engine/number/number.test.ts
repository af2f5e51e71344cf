import { divideRounded } from '@quinta/platform/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatRational, parseRational, plus, rational, roundRational, zero } from './rational.ts';
import { roundQuotient, roundQuotientFast, type RoundingMode } from './rounding.ts';

const modes: readonly RoundingMode[] = ['half_even', 'half_up', 'ceil'];
const kernelRounding = { half_even: 'half-even', half_up: 'half-up', ceil: 'up' } as const;

describe('rounding', () => {
  it.each([
    ['half_even', 5n, 2n, 2n],
    ['half_even', 7n, 2n, 4n],
    ['half_up', 5n, 2n, 3n],
    ['half_even', 8n, 3n, 3n],
    ['half_even', 7n, 3n, 2n],
    ['ceil', 7n, 3n, 3n],
    ['ceil', 6n, 3n, 2n],
    ['half_up', 0n, 3n, 0n],
  ] as const)('%s of %d/%d is %d', (mode, dividend, divisor, expected) => {
    expect(roundQuotient(dividend, divisor, mode)).toBe(expected);
    expect(roundQuotientFast(Number(dividend), Number(divisor), mode)).toBe(Number(expected));
  });

  it('is the same in doubles, in bigints and in the kernel', () => {
    const dividends = fc.oneof(fc.maxSafeInteger(), fc.nat(1_000)).map(Math.abs);
    const divisors = fc.oneof(fc.integer({ min: 1, max: 2 ** 52 }), fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(dividends, divisors, fc.constantFrom(...modes), (dividend, divisor, mode) => {
        const exact = roundQuotient(BigInt(dividend), BigInt(divisor), mode);
        expect(BigInt(roundQuotientFast(dividend, divisor, mode))).toBe(exact);
        expect(divideRounded(BigInt(dividend), BigInt(divisor), kernelRounding[mode])).toBe(exact);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [-1n, 2n],
    [1n, 0n],
    [1n, -2n],
  ])('of %d/%d is a bug', (dividend, divisor) => {
    expect(() => roundQuotient(dividend, divisor, 'half_even')).toThrow(RangeError);
  });
});

describe('a rational', () => {
  it.each([
    ['0.15', 3n, 20n],
    [0.1499, 1499n, 10_000n],
    ['12', 12n, 1n],
    ['0', 0n, 1n],
    ['0.000000000001', 1n, 10n ** 12n],
  ])('is read from %j', (text, numerator, denominator) => {
    expect(parseRational(text)).toEqual({ numerator, denominator });
  });

  it.each(['-0.1', '1e-7', 1e-7, '.5', '1.', '', 'NaN', Number.NaN, ' 1'])('is not read from %j', (text) => {
    expect(parseRational(text)).toBeUndefined();
  });

  it('is added exactly and in lowest terms', () => {
    expect(plus(rational(1n, 6n), rational(1n, 3n))).toEqual({ numerator: 1n, denominator: 2n });
    expect(plus(rational(1n, 6n), rational(1n, 6n))).toEqual({ numerator: 1n, denominator: 3n });
    expect(plus(zero, rational(2n, 4n))).toEqual({ numerator: 1n, denominator: 2n });
    expect(plus(rational(2n, 4n), zero)).toEqual({ numerator: 1n, denominator: 2n });
    expect(() => rational(1n, 0n)).toThrow(RangeError);
  });

  it('is shown with as many digits as asked, and rounded', () => {
    expect(formatRational(rational(-1n, 3n), 4)).toBe('-0.3333');
    expect(formatRational(rational(200n, 3n), 2)).toBe('66.66');
    expect(formatRational(rational(7n, 2n), 0)).toBe('3');
    expect(roundRational(rational(7n, 2n), 'half_even')).toBe(4n);
  });
});
