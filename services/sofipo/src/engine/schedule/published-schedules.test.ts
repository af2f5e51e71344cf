import { formatMinor } from '@quinta/platform/kernel';
import { describe, expect, it } from 'vitest';

import { column, day, loan, pesos, rate } from '../../testing/builders.ts';
import { levelPayment } from './annuity.ts';
import { generateSchedule } from './schedule.ts';
import type { LoanTerms } from './terms.ts';

interface Published {
  readonly name: string;
  readonly terms: LoanTerms;
  readonly interest: string;
  readonly principal: string;
  readonly last: string;
  readonly totalInterest: string;
}

const fineract = loan({
  amount: pesos('5000'),
  interestRate: rate('0.12'),
  term: 18,
  startDate: day('2022-11-01'),
  installmentMultiple: 100n,
});
const seed = loan({ amount: pesos('50000'), interestRate: rate('0.15'), term: 24, vatRate: rate('0.16') });
const frappe = loan({
  amount: pesos('280000'),
  interestRate: rate('0.084'),
  term: 20,
  installmentMultiple: 100n,
  installmentRounding: 'ceil',
});

/** Schedules that others published, complete: V01, V08, V09, V10, V12, V14, V15, V18. */
const published: readonly Published[] = [
  {
    name: 'V01 french 30/360',
    terms: loan({ amount: pesos('100'), interestRate: rate('0.07'), term: 6 }),
    interest: '0.58 0.49 0.39 0.29 0.20 0.10',
    principal: '16.43 16.52 16.62 16.72 16.81 16.90',
    last: '17.00',
    totalInterest: '2.05',
  },
  {
    name: 'V08 no interest',
    terms: loan({ amount: pesos('1000'), interestRate: rate('0'), term: 4 }),
    interest: '0.00 0.00 0.00 0.00',
    principal: '250.00 250.00 250.00 250.00',
    last: '250.00',
    totalInterest: '0.00',
  },
  {
    name: 'V09 flat, instalments in whole pesos',
    terms: { ...fineract, method: 'flat' },
    interest: repeated('50.00', 18),
    principal: `${repeated('278.00', 17)} 274.00`,
    last: '324.00',
    totalInterest: '900.00',
  },
  {
    name: 'V10 french, instalments in whole pesos',
    terms: fineract,
    interest:
      '50.00 47.45 44.87 42.27 39.65 36.99 34.31 31.61 28.87 26.11 23.32 20.50 17.66 14.79 11.88 8.95 5.99 3.00',
    principal:
      '255.00 257.55 260.13 262.73 265.35 268.01 270.69 273.39 276.13 278.89 281.68 284.50 287.34 290.21 293.12 296.05 299.01 300.22',
    last: '303.22',
    totalInterest: '488.22',
  },
  {
    name: 'V12 equal principal',
    terms: { ...fineract, method: 'equal_principal', installmentMultiple: 1n },
    interest:
      '50.00 47.22 44.44 41.67 38.89 36.11 33.33 30.56 27.78 25.00 22.22 19.44 16.67 13.89 11.11 8.33 5.56 2.78',
    principal: `${repeated('277.78', 17)} 277.74`,
    last: '280.52',
    totalInterest: '475.00',
  },
  {
    name: 'V14 broken first period, 17/31 of a month',
    terms: loan({
      amount: pesos('192.22'),
      interestRate: rate('0.0999'),
      term: 6,
      startDate: day('2024-01-15'),
      firstDueDate: day('2024-02-01'),
    }),
    interest: '0.88 1.33 1.07 0.81 0.54 0.27',
    principal: '31.97 31.52 31.78 32.04 32.31 32.60',
    last: '32.87',
    totalInterest: '4.90',
  },
  {
    name: 'V15 french, two per cent a month',
    terms: loan({ amount: pesos('12000'), interestRate: rate('0.24'), term: 4, startDate: day('2011-09-20') }),
    interest: '240.00 181.77 122.38 61.79',
    principal: '2911.49 2969.72 3029.11 3089.68',
    last: '3151.47',
    totalInterest: '605.94',
  },
  {
    name: 'V18 french, three and a half per cent a month',
    terms: loan({ amount: pesos('45000'), interestRate: rate('0.42'), term: 12, startDate: day('2014-03-25') }),
    interest: '1575.00 1467.14 1355.50 1239.96 1120.37 996.59 868.49 735.90 598.66 456.63 309.63 157.48',
    principal: '3081.78 3189.64 3301.28 3416.82 3536.41 3660.19 3788.29 3920.88 4058.12 4200.15 4347.15 4499.29',
    last: '4656.77',
    totalInterest: '10881.35',
  },
];

describe('published schedules', () => {
  it.each(published)('$name', ({ terms, interest, principal, last, totalInterest }) => {
    const { installments, totals } = generateSchedule(terms);
    expect(column(installments.map((row) => row.interest))).toBe(interest);
    expect(column(installments.map((row) => row.principal))).toBe(principal);
    expect(formatMinor(installments.at(-1)?.total ?? 0n)).toBe(last);
    expect(formatMinor(totals.interest)).toBe(totalInterest);
    expect(totals.principal).toBe(terms.amount);
    expect(installments.at(-1)?.balance).toBe(0n);
  });

  it('V22 instalments rounded up: the last is the smallest', () => {
    const { installments, totals } = generateSchedule(frappe);
    expect(installments.slice(0, 19).every(({ total }) => total === pesos('15052'))).toBe(true);
    const fourth = installments.find(({ number }) => number === 4);
    expect(column([fourth?.interest ?? 0n, fourth?.principal ?? 0n, fourth?.balance ?? 0n])).toBe(
      '1683.14 13368.86 227079.57',
    );
    const eighteenth = installments.find(({ number }) => number === 18);
    expect(column([eighteenth?.interest ?? 0n, eighteenth?.principal ?? 0n, eighteenth?.balance ?? 0n])).toBe(
      '311.68 14740.32 29784.98',
    );
    expect(formatMinor(totals.interest)).toBe('21034.06');
    expect(formatMinor(totals.total)).toBe('301034.06');
  });

  it('V22 an agreed instalment of 14,000 takes 22 of them', () => {
    const { installments, totals } = generateSchedule({ ...frappe, term: 1_200, fixedInstallment: pesos('14000') });
    expect(installments).toHaveLength(22);
    expect(formatMinor(totals.interest)).toBe('22711.82');
    expect(formatMinor(totals.total)).toBe('302711.82');
    expect(installments.at(-1)?.balance).toBe(0n);
  });

  it('V10 the same schedule from an agreed instalment of 305', () => {
    const agreed = generateSchedule({ ...fineract, fixedInstallment: pesos('305') });
    expect(agreed).toEqual(generateSchedule(fineract));
  });

  it('V23 instalments rounded up to whole pesos', () => {
    const { installments } = generateSchedule({
      ...frappe,
      amount: pesos('1000000'),
      interestRate: rate('0.135'),
      term: 12,
    });
    const [first] = installments;
    expect(column([first?.interest ?? 0n, first?.principal ?? 0n, first?.total ?? 0n])).toBe(
      '11250.00 78303.00 89553.00',
    );
  });

  it('V25 a payment of four decimals, and a table that its source never rounds', () => {
    const regular = rate('0.00625');
    const tenThousandths = { principal: 2_000_000_000n, regular, first: regular, multiple: 1n } as const;
    expect(levelPayment({ ...tenThousandths, periods: 180, rounding: 'half_even' })).toBe(18_540_247n);
    // In millionths of a centavo nothing that a centavo shows is rounded on the way.
    const fine = generateSchedule(loan({ amount: pesos('2500') * 1_000_000n, interestRate: rate('0.0824'), term: 12 }));
    const rounded = (amount: bigint): bigint => (amount + 500_000n) / 1_000_000n;
    expect(column(fine.installments.map(({ interest }) => rounded(interest)))).toBe(
      '17.17 15.79 14.40 13.01 11.60 10.18 8.76 7.32 5.88 4.42 2.96 1.49',
    );
    expect(column(fine.installments.map(({ principal }) => rounded(principal)))).toBe(
      '200.58 201.96 203.35 204.74 206.15 207.56 208.99 210.42 211.87 213.32 214.79 216.26',
    );
    expect(formatMinor(rounded(fine.totals.interest))).toBe('112.98');
  });

  it('V25 sixty-four whole instalments of 150 and a part of one', () => {
    const terms = loan({
      amount: pesos('8000'),
      interestRate: rate('0.07'),
      term: 1_200,
      fixedInstallment: pesos('150'),
    });
    const { installments } = generateSchedule(terms);
    expect(installments).toHaveLength(65);
    expect(installments.at(-1)?.total).toBeLessThan(pesos('150') / 10n);
  });

  it('V27 the loan of the walkthrough closes at exactly zero', () => {
    const { installments, totals } = generateSchedule(seed);
    expect(installments[0]).toMatchObject({
      interest: pesos('625.00'),
      principal: pesos('1799.33'),
      vat: pesos('100.00'),
      total: pesos('2524.33'),
      balance: pesos('48200.67'),
    });
    expect(installments.at(-1)).toMatchObject({ interest: pesos('29.93'), principal: pesos('2394.47'), balance: 0n });
    expect(formatMinor(totals.interest)).toBe('8183.99');
  });

  it('V27 a level payment with VAT inside is that of a rate 1.16 times as high', () => {
    const { installments } = generateSchedule({ ...seed, interestRate: rate('0.174'), vatRate: rate('0') });
    expect(formatMinor(installments[0]?.total ?? 0n)).toBe('2481.73');
  });

  it('100,000 at 4.5 % over 60 months differs from the level instalment in the last alone', () => {
    const { installments } = generateSchedule(loan({ amount: pesos('100000'), interestRate: rate('0.045'), term: 60 }));
    expect(new Set(installments.slice(0, -1).map(({ total }) => total))).toEqual(new Set([pesos('1864.30')]));
    expect(formatMinor(installments.at(-1)?.total ?? 0n)).toBe('1864.43');
  });
});

function repeated(amount: string, times: number): string {
  return Array.from({ length: times }, () => amount).join(' ');
}
