import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMoney, allocate, divideRounded, formatMinor, parseMinor, type Rounding } from './money.ts';

const amount = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });

describe('an amount', () => {
  it.each<[string | number, bigint]>([
    ['0', 0n],
    ['12', 1_200n],
    ['12.5', 1_250n],
    ['12.50', 1_250n],
    [' 12.50 ', 1_250n],
    ['-0.01', -1n],
    ['007.10', 710n],
    ['99999999.99', 9_999_999_999n],
    ['123456789012345678901234567890.12', 12_345_678_901_234_567_890_123_456_789_012n],
    [12.5, 1_250n],
    [0.1, 10n],
    [-3, -300n],
    [0, 0n],
    [-0, 0n],
    [99_999_999.99, 9_999_999_999n],
  ])('is read from %j', (value, minor) => {
    expect(parseMinor(value)).toBe(minor);
  });

  it.each<[string | number, string]>([
    ['', 'not_a_number'],
    ['  ', 'not_a_number'],
    ['.5', 'not_a_number'],
    ['5.', 'not_a_number'],
    ['+5', 'not_a_number'],
    ['--5', 'not_a_number'],
    ['1,000.00', 'not_a_number'],
    ['1e3', 'not_a_number'],
    ['0x10', 'not_a_number'],
    ['١٢', 'not_a_number'],
    ['12\n34', 'not_a_number'],
    ['1'.repeat(31), 'not_a_number'],
    [Number.NaN, 'not_a_number'],
    [Number.POSITIVE_INFINITY, 'not_a_number'],
    [1e21, 'not_a_number'],
    [1e-7, 'not_a_number'],
    ['1.000', 'too_many_decimals'],
    ['0.001', 'too_many_decimals'],
    [0.1 + 0.2, 'too_many_decimals'],
    [1.005, 'too_many_decimals'],
  ])('is not read from %j', (value, type) => {
    expect(parseMinor(value)).toMatchObject({ type });
  });

  it('has as many decimals as its currency', () => {
    expect([parseMinor('12', 0), parseMinor('1.234', 3), parseMinor('1.2', 0)]).toEqual([
      12n,
      1_234n,
      { type: 'too_many_decimals', sentence: 'expected at most 0 decimals' },
    ]);
    expect([formatMinor(12n, 0), formatMinor(1n, 3), formatMinor(-1n)]).toEqual(['12', '0.001', '-0.01']);
  });

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 0, max: 8 }), (minor, decimals) => {
        expect(parseMinor(formatMinor(minor, decimals), decimals)).toBe(minor);
      }),
    );
  });

  it('is added to its own kind only', () => {
    const pesos = { amountMinor: 150n, currency: 'MXN' };
    expect(addMoney(pesos, { amountMinor: -50n, currency: 'MXN' })).toEqual({ amountMinor: 100n, currency: 'MXN' });
    expect(() => addMoney(pesos, { amountMinor: 1n, currency: 'USD' })).toThrow(RangeError);
  });
});

describe('a division', () => {
  it.each<[bigint, bigint, Record<Rounding, bigint>]>([
    [5n, 2n, { 'half-even': 2n, 'half-up': 3n, down: 2n, up: 3n }],
    [7n, 2n, { 'half-even': 4n, 'half-up': 4n, down: 3n, up: 4n }],
    [-5n, 2n, { 'half-even': -2n, 'half-up': -3n, down: -2n, up: -3n }],
    [5n, -2n, { 'half-even': -2n, 'half-up': -3n, down: -2n, up: -3n }],
    [10n, 3n, { 'half-even': 3n, 'half-up': 3n, down: 3n, up: 4n }],
    [11n, 3n, { 'half-even': 4n, 'half-up': 4n, down: 3n, up: 4n }],
    [6n, 3n, { 'half-even': 2n, 'half-up': 2n, down: 2n, up: 2n }],
    [0n, 3n, { 'half-even': 0n, 'half-up': 0n, down: 0n, up: 0n }],
    [1n, 3n, { 'half-even': 0n, 'half-up': 0n, down: 0n, up: 1n }],
  ])('case %#', (dividend, divisor, results) => {
    for (const [rounding, result] of Object.entries(results)) {
      expect([rounding, divideRounded(dividend, divisor, rounding as Rounding)]).toEqual([rounding, result]);
    }
  });

  it('is never off by a unit, and by half of one at most where it rounds to the nearest', () => {
    const rounding = fc.constantFrom<Rounding>('half-even', 'half-up', 'down', 'up');
    const absolute = (value: bigint): bigint => (value < 0n ? -value : value);
    fc.assert(
      fc.property(
        amount,
        amount.filter((value) => value !== 0n),
        rounding,
        (dividend, divisor, how) => {
          const rest = absolute(dividend - divideRounded(dividend, divisor, how) * divisor);
          expect(rest < absolute(divisor)).toBe(true);
          expect(how.startsWith('half') && rest * 2n > absolute(divisor)).toBe(false);
          // The sign of both does not matter.
          expect(divideRounded(-dividend, -divisor, how)).toBe(divideRounded(dividend, divisor, how));
        },
      ),
    );
  });

  it('by zero is a bug', () => {
    expect(() => divideRounded(1n, 0n, 'down')).toThrow(RangeError);
  });
});

describe('an allocation', () => {
  it.each<[bigint, bigint[], bigint[]]>([
    [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    [5n, [3n, 7n], [2n, 3n]],
    [-100n, [1n, 1n, 1n], [-34n, -33n, -33n]],
    [1n, [0n, 0n, 5n], [0n, 0n, 1n]],
    [0n, [1n, 2n], [0n, 0n]],
    [2n, [1n, 1n, 1n, 1n], [1n, 1n, 0n, 0n]],
  ])('of %s by %s is %s', (whole, weights, parts) => {
    expect(allocate(whole, weights)).toEqual(parts);
  });

  it('sums to the whole, and no part is a unit off its share', () => {
    const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 9n }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        amount,
        weights.filter((all) => all.some((weight) => weight > 0n)),
        (whole, all) => {
          const total = all.reduce((sum, weight) => sum + weight, 0n);
          const parts = allocate(whole, all);
          expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(whole);
          for (const [place, part] of parts.entries()) {
            const off = part * total - whole * (all[place] ?? 0n);
            expect(off < total && -off < total).toBe(true);
          }
          // Nobody without a share gets anything.
          expect(parts.filter((part, place) => all[place] === 0n && part !== 0n)).toEqual([]);
        },
      ),
    );
  });

  it.each<[bigint[]]>([[[]], [[0n, 0n]], [[5n, -1n]]])('by no positive weight is a bug: case %#', (weights) => {
    expect(() => allocate(1n, weights)).toThrow(RangeError);
  });
});
