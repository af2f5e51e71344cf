import { describe, expect, it } from 'vitest';

import { day, loan, pesos, rate } from '../testing/builders.ts';
import { type DayCount, yearFraction } from './day-count.ts';
import { generateSchedule } from './schedule/schedule.ts';

describe('a year fraction', () => {
  it.each<[DayCount, string, string, string]>([
    ['30/360', '2024-01-01', '2024-02-01', '1/12'],
    ['30/360', '2024-01-31', '2024-02-29', '29/360'],
    ['30/360', '2024-01-30', '2024-03-31', '1/6'],
    ['30/360', '2024-01-15', '2024-03-31', '19/90'],
    ['30/360', '2023-12-31', '2024-12-31', '1/1'],
    ['actual/365', '2024-01-01', '2024-02-01', '31/365'],
    ['actual/365', '2024-01-01', '2025-01-01', '366/365'],
    ['actual/360', '2024-01-01', '2024-01-31', '1/12'],
    ['actual/actual', '2023-11-01', '2024-05-01', '66491/133590'],
    ['actual/actual', '2024-01-01', '2025-01-01', '1/1'],
    ['actual/actual', '2003-11-01', '2004-05-01', '66491/133590'],
    ['364', '2024-01-01', '2024-01-08', '1/52'],
    ['364', '2024-01-01', '2024-01-01', '0/1'],
  ])('%s from %s to %s is %s', (dayCount, from, to, expected) => {
    const { numerator, denominator } = yearFraction(dayCount, day(from), day(to));
    expect(`${numerator}/${denominator}`).toBe(expected);
  });
});

describe('interest by day count', () => {
  const base = { amount: pesos('1000'), interestRate: rate('0.12'), term: 1 } as const;
  it.each([
    ['30/360', 'monthly', '2024-01-31', 1000n],
    ['actual/365', 'monthly', '2022-12-01', 1019n],
    ['actual/360', 'monthly', '2024-02-01', 967n],
    ['actual/actual', 'monthly', '2024-02-01', 951n],
    ['364', 'weekly', '2024-02-01', 231n],
    ['30/360', 'weekly', '2024-02-01', 233n],
    ['30/360', 'biweekly', '2024-02-01', 467n],
    ['30/360', 'fortnightly', '2024-02-01', 500n],
  ] as const)('%s %s from %s', (dayCount, frequency, start, interest) => {
    const { totals } = generateSchedule(loan({ ...base, dayCount, frequency, startDate: day(start) }));
    expect(totals.interest).toBe(interest);
  });
});

describe('a broken first period under 30/360', () => {
  const base = { amount: pesos('1200'), interestRate: rate('0.12'), term: 1 } as const;
  it.each([
    ['a day', '2024-01-31', '2024-02-01', 39n],
    ['half of February', '2024-02-15', '2024-03-01', 621n],
    ['two months exactly', '2024-01-01', '2024-03-01', 2400n],
    ['a month and 17/31', '2024-01-15', '2024-03-01', 1858n],
    ['a year and a month', '2023-01-01', '2024-02-01', 15_600n],
  ])('of %s', (_, start, due, interest) => {
    const terms = loan({ ...base, startDate: day(start), firstDueDate: day(due) });
    expect(generateSchedule(terms).totals.interest).toBe(interest);
  });

  it('of three weeks counts whole weeks and days', () => {
    const weekly = { ...base, frequency: 'weekly' } as const;
    const threeWeeks = loan({ ...weekly, startDate: day('2024-01-01'), firstDueDate: day('2024-01-22') });
    expect(generateSchedule(threeWeeks).totals.interest).toBe(840n);
    const tenDays = loan({ ...weekly, startDate: day('2024-01-01'), firstDueDate: day('2024-01-11') });
    expect(generateSchedule(tenDays).totals.interest).toBe(400n);
  });
});
