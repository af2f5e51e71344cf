import { describe, expect, it } from 'vitest';

import { column, day, pesos, rate } from '../../testing/builders.ts';
import { addDays } from '../calendar/calendar-date.ts';
import { dailyLateFee, daysLate, type LateFeeBasis, moratoryInterest } from './late-charges.ts';

describe('V42 a late fee of 0.3 % a day', () => {
  const amounts = {
    initial_amount: pesos('1000'),
    outstanding_principal: pesos('1000'),
    overdue_principal: pesos('200'),
    overdue_interest: pesos('30'),
  };
  it.each<[LateFeeBasis, number, string]>([
    ['initial_amount', 4, '12.00'],
    ['outstanding_principal', 4, '12.00'],
    ['overdue_principal', 4, '2.40'],
    ['overdue_interest', 28, '2.52'],
    ['overdue_interest', 32, '2.88'],
  ])('on %s for %d days is %s', (basis, days, fee) => {
    expect(column([dailyLateFee(amounts, basis, rate('0.003'), days)])).toBe(fee);
  });
});

describe('V24 moratory interest', () => {
  it('of 25 % a year on overdue interest for five days', () => {
    const overdue = moratoryInterest(pesos('1000000'), rate('0.135'), 30);
    expect(column([overdue])).toBe('11095.89');
    expect(column([moratoryInterest(overdue, rate('0.25'), 5)])).toBe('38.00');
    expect(column([moratoryInterest(overdue, rate('0.25'), 5, 360)])).toBe('38.53');
  });
});

describe('days late', () => {
  it.each([
    [0, undefined, 0],
    [-3, undefined, 0],
    [32, undefined, 32],
    [4, 'weekends', 2],
    [32, 'weekends', 22],
  ] as const)('%d days after a Friday, without %s, are %d', (days, excluding, expected) => {
    const friday = day('2024-01-12');
    expect(daysLate(friday, addDays(friday, days), excluding)).toBe(expected);
  });
});
