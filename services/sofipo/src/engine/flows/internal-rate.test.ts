import { describe, expect, it } from 'vitest';

import { day, loan, pesos, rate } from '../../testing/builders.ts';
import { simulate } from '../simulate.ts';
import { roundedPercent } from './cat.ts';
import { type Flow, internalRate, presentValue } from './internal-rate.ts';
import { smallestPositiveRoot } from './smallest-root.ts';

/** The effective annual percentage of what is drawn at once and repaid by the rows, with so many decimals. */
function percent(
  drawn: number,
  repaid: readonly (readonly [years: number, amount: number])[],
  decimals: number,
): string {
  const flows = [{ years: 0, amount: drawn }, ...repaid.map(([years, amount]) => ({ years, amount: -amount }))];
  return ((internalRate(flows) ?? Number.NaN) * 100).toFixed(decimals);
}

describe('the internal rate of flows', () => {
  it.each([
    { name: '546 days', drawn: 1000, repaid: [[546 / 365, 1200]], decimals: 2, expected: '12.96' },
    { name: 'a year and a half in months', drawn: 1000, repaid: [[1.5, 1200]], decimals: 2, expected: '12.92' },
    { name: 'fees withheld', drawn: 950, repaid: [[1.5, 1200]], decimals: 2, expected: '16.85' },
    {
      name: 'two years',
      drawn: 1000,
      repaid: [
        [1, 600],
        [2, 600],
      ],
      decimals: 2,
      expected: '13.07',
    },
    {
      name: 'months 3, 6, 12',
      drawn: 1000,
      repaid: [
        [0.25, 272],
        [0.5, 272],
        [1, 544],
      ],
      decimals: 2,
      expected: '13.19',
    },
    { name: 'five days', drawn: 500, repaid: [[5 / 365, 510]], decimals: 3, expected: '324.436' },
    {
      name: '31 and 61 days',
      drawn: 500,
      repaid: [
        [31 / 365, 270],
        [61 / 365, 270],
      ],
      decimals: 2,
      expected: '84.63',
    },
  ] as const)('V53 $name', ({ drawn, repaid, decimals, expected }) => {
    expect(percent(drawn, repaid, decimals)).toBe(expected);
  });

  it('V25 of an investment', () => {
    const flows = [-100, 39, 59, 55, 20].map((amount, years): Flow => ({ years, amount }));
    expect(internalRate(flows)?.toFixed(5)).toBe('0.28095');
    expect(presentValue(flows, 0.280_948_421_159)).toBeCloseTo(0, 6);
  });

  it('is the positive one that is closest to zero where several solve it', () => {
    // (1 - 1.1 v)(1 - 1.5 v) has the roots 10 % and 50 %.
    const flows = [1, -2.6, 1.65].map((amount, years): Flow => ({ years, amount }));
    expect(internalRate(flows)).toBeCloseTo(0.1, 9);
  });

  it.each([
    { name: 'is zero where nothing is paid beyond what was lent', amounts: [100, -50, -50], expected: 0 },
    { name: 'is none where less is paid back', amounts: [100, -50, -49], expected: undefined },
    { name: 'is none where nothing is lent', amounts: [-100, -50], expected: undefined },
  ])('$name', ({ amounts, expected }) => {
    expect(internalRate(amounts.map((amount, years): Flow => ({ years, amount })))).toBe(expected);
  });

  it.each([
    [0.0995, 10],
    [0.128_949_999, 12.9],
    [0.1285, 12.9],
    [3.244_36, 324.4],
  ])('%d is published as %d %', (given, expected) => {
    expect(roundedPercent(given)).toBe(expected);
  });
});

/** Regulation Z, Appendix J: payments by unit-periods; a fraction of one bears simple interest. */
interface ActuarialCase {
  readonly name: string;
  readonly drawn: number;
  readonly payments: readonly number[];
  /** Unit-periods to the first payment: whole ones, and a fraction. */
  readonly whole: number;
  readonly fraction: number;
  readonly perYear: number;
  readonly expected: string;
}

function actuarialPercent({ drawn, payments, whole, fraction, perYear }: ActuarialCase): string {
  const valueAt = (unitRate: number): number => {
    const growth = 1 + fraction * unitRate;
    return payments.reduce((sum, amount, index) => sum - amount / (growth * (1 + unitRate) ** (whole + index)), drawn);
  };
  const unitRate = smallestPositiveRoot({ valueAt, hasOneRoot: true }) ?? Number.NaN;
  return (unitRate * perYear * 100).toFixed(2);
}

function level(count: number, amount: number): readonly number[] {
  return Array.from({ length: count }, () => amount);
}

describe('V52 the actuarial rate of Regulation Z', () => {
  const monthly = { whole: 1, fraction: 0, perYear: 12 };
  it.each<ActuarialCase>([
    { name: 'c1i', drawn: 5000, payments: level(24, 230), ...monthly, expected: '9.69' },
    {
      name: 'c1ii',
      drawn: 6000,
      payments: level(36, 200),
      whole: 1,
      fraction: 19 / 30,
      perYear: 12,
      expected: '11.82',
    },
    {
      name: 'c1iii',
      drawn: 5000,
      payments: level(24, 219.17),
      whole: 0,
      fraction: 6 / 15,
      perYear: 24,
      expected: '10.34',
    },
    {
      name: 'c1iv',
      drawn: 10_000,
      payments: level(40, 385),
      whole: 1,
      fraction: 39 / 90,
      perYear: 4,
      expected: '8.97',
    },
    { name: 'c1v', drawn: 500, payments: level(30, 17.6), whole: 4, fraction: 4 / 7, perYear: 52, expected: '14.96' },
    {
      name: 'c2ii',
      drawn: 400,
      payments: [39.5, ...level(11, 38.31)],
      whole: 1,
      fraction: 5 / 28,
      perYear: 13,
      expected: '28.50',
    },
    { name: 'c3i', drawn: 5000, payments: [...level(23, 230), 280], ...monthly, expected: '10.50' },
    {
      name: 'c3ii',
      drawn: 200,
      payments: [...level(19, 9.5), 30],
      whole: 0,
      fraction: 8 / 14,
      perYear: 26,
      expected: '12.22',
    },
    { name: 'c4i', drawn: 5000, payments: [250, ...level(22, 230), 280], ...monthly, expected: '10.90' },
    {
      name: 'c4ii',
      drawn: 8000,
      payments: [449.36, ...level(18, 465), 200],
      whole: 0,
      fraction: 52 / 60,
      perYear: 6,
      expected: '7.30',
    },
  ])('$name', (example) => {
    expect(actuarialPercent(example)).toBe(example.expected);
  });
});

describe('the CAT', () => {
  it('V54 of a mortgage', () => {
    const terms = loan({
      amount: pesos('300997.13'),
      interestRate: rate('0.11'),
      term: 180,
      fees: { openingAmount: pesos('8526.22'), perInstallment: pesos('125') },
    });
    const { cat, installments } = simulate(terms);
    expect(installments[0]?.total).toBe(pesos('3546.12'));
    expect(cat?.percent).toBe(12.9);
    expect(cat?.rate.toFixed(6)).toBe('0.128956');
  });

  it('V55 of a personal loan lies within a tenth of what was advertised', () => {
    const terms = loan({
      amount: pesos('20000'),
      interestRate: rate('0.58'),
      term: 12,
      startDate: day('2020-06-26'),
      fees: { openingRate: rate('0.05') },
    });
    expect(simulate(terms).cat?.rate.toFixed(5)).toBe('0.95606');
    expect(Math.abs((simulate(terms).cat?.percent ?? 0) - 95.7)).toBeLessThanOrEqual(0.1000001);
  });

  it('leaves VAT out', () => {
    const terms = loan({ amount: pesos('50000'), interestRate: rate('0.15'), term: 24 });
    const taxed = { ...terms, vatRate: rate('0.16'), vatOnFees: true };
    expect(simulate(taxed).cat).toEqual(simulate(terms).cat);
    expect(simulate(terms).cat?.percent).toBe(16.1);
  });

  it('is zero without interest and fees, and none when fees leave nothing to pay out', () => {
    const free = loan({ amount: pesos('1000'), interestRate: rate('0'), term: 4 });
    expect(simulate(free).cat?.percent).toBe(0);
    expect(simulate({ ...free, fees: { openingRate: rate('1') } }).cat).toBeUndefined();
  });

  it('counts the days of a broken first period', () => {
    const terms = loan({ amount: pesos('1000'), interestRate: rate('0'), term: 1, fees: { openingRate: rate('0.1') } });
    const longer = { ...terms, firstDueDate: day('2024-12-31') };
    expect(simulate(longer).cat?.rate).toBeCloseTo(1 / 0.9 - 1, 9);
  });
});
