import { describe, expect, it } from 'vitest';

import { formatRational, rational } from '../number/rational.ts';
import { column, day, pesos } from '../../testing/builders.ts';
import { calendarDate, formatCalendarDate } from '../calendar/calendar-date.ts';
import {
  ageAmounts,
  ageingRanges,
  daysPastDue,
  delinquencyRanges,
  delinquentSince,
  loanDaysPastDue,
  rangeOf,
} from './arrears.ts';
import { delinquencyIndex, nonPerformingDays, portfolioAtRisk } from './risk.ts';
import { reserveOf, type ReserveTable, reserveTableOn, reserveTables } from './reserves.ts';

/** V45: a down payment of 250 and three instalments every 15 days, none of them paid. */
const neverPaid = ['2023-10-01', '2023-10-16', '2023-10-31', '2023-11-15'].map((date) => ({
  dueDate: day(date),
  unpaid: pesos('250'),
}));

describe('arrears', () => {
  it.each([
    { asOf: '2023-11-16', expected: { RANGE_1: '250.00', RANGE_3: '250.00', RANGE_30: '500.00' } },
    { asOf: '2023-12-16', expected: { RANGE_30: '500.00', RANGE_60: '500.00' } },
  ])('V45 by range on $asOf', ({ asOf, expected }) => {
    const aged = ageAmounts(neverPaid, day(asOf), delinquencyRanges).filter(({ amount }) => amount > 0n);
    expect(Object.fromEntries(aged.map(({ range, amount }) => [range, column([amount])]))).toEqual(expected);
  });

  it('V45 delinquent three days after the due date', () => {
    const amounts = [{ dueDate: day('2024-01-16'), unpaid: pesos('250') }];
    const since = delinquentSince(amounts, day('2024-02-01'), 3);
    expect(since === undefined ? '' : formatCalendarDate(since)).toBe('2024-01-19');
    expect(delinquentSince(amounts, day('2024-01-19'), 3)).toBeUndefined();
    expect(delinquentSince([], day('2024-01-19'))).toBeUndefined();
  });

  it.each([
    ['2024-01-16', 0],
    ['2024-01-15', 0],
    ['2024-01-17', 1],
    ['2024-03-20', 64],
  ])('are counted in days on %s: %d', (asOf, days) => {
    expect(daysPastDue(day('2024-01-16'), day(asOf))).toBe(days);
  });

  it('of a loan are those of its oldest unpaid instalment', () => {
    const paid = { dueDate: day('2023-09-01'), unpaid: 0n };
    expect(loanDaysPastDue([paid, ...neverPaid], day('2023-11-16'))).toBe(46);
    expect(loanDaysPastDue([paid], day('2023-11-16'))).toBe(0);
  });

  it.each([
    [0, 'current'],
    [1, '1-30'],
    [30, '1-30'],
    [31, '31-60'],
    [90, '61-90'],
    [180, '91-180'],
    [181, '181+'],
    [5000, '181+'],
  ])('of %d days lie in the bucket %s', (days, name) => {
    expect(rangeOf(days, ageingRanges)?.name).toBe(name);
  });

  it.each([delinquencyRanges, ageingRanges])('have ranges without gap and overlap', (...ranges) => {
    const edges = ranges.map(({ from, to }) => [from, to]);
    expect(edges.slice(1).map(([from = 0]) => from - 1)).toEqual(edges.slice(0, -1).map(([, to]) => to));
    expect(edges.at(-1)?.[1]).toBeUndefined();
  });
});

describe('portfolio at risk', () => {
  const loans = [
    { balance: pesos('1000'), daysPastDue: 0 },
    { balance: pesos('500'), daysPastDue: 30 },
    { balance: pesos('300'), daysPastDue: 31 },
    { balance: pesos('150'), daysPastDue: 61 },
    { balance: pesos('50'), daysPastDue: 91 },
  ];

  it.each([
    [30, '500.00', '0.2500'],
    [60, '200.00', '0.1000'],
    [90, '50.00', '0.0250'],
  ] as const)('beyond %d days is %s, a share of %s', (days, amount, share) => {
    const risk = portfolioAtRisk(loans, days);
    expect(column([risk.amount])).toBe(amount);
    expect(formatRational(risk.share, 4)).toBe(share);
  });

  it('of nothing is nothing', () => {
    expect(portfolioAtRisk([], 30)).toEqual({ amount: 0n, of: 0n, share: rational(0n, 1n) });
  });

  it('IMOR goes by what is known of a loan, else by its days', () => {
    const known = [
      ...loans,
      { balance: pesos('2000'), daysPastDue: nonPerformingDays.bullet + 1, isNonPerforming: true },
    ];
    expect(column([delinquencyIndex(known).amount, delinquencyIndex(known).of])).toBe('2050.00 4000.00');
  });
});

describe('reserves', () => {
  it.each([
    [0, '10.00', '10.00'],
    [1, '40.00', '10.00'],
    [7, '40.00', '10.00'],
    [8, '150.00', '40.00'],
    [30, '150.00', '40.00'],
    [31, '300.00', '300.00'],
    [61, '500.00', '600.00'],
    [91, '750.00', '800.00'],
    [121, '900.00', '900.00'],
    [180, '900.00', '900.00'],
    [181, '1000.00', '1000.00'],
  ])('of 1,000 at %d days: %s in type I, %s in type II', (days, first, second) => {
    const reserves = (['type_1', 'type_2'] as const).map((type) =>
      reserveOf(pesos('1000'), days, reserveTableOn(day('2025-01-01'), type)),
    );
    expect(reserves.map((reserve) => column([reserve]))).toEqual([first, second]);
  });

  it('follow a newer table from its day on', () => {
    const hardened: ReserveTable = {
      name: 'made up',
      source: 'this test',
      from: calendarDate(2026, 3, 1),
      type: 'type_1',
      rows: [{ daysFrom: 0, percent: 2 }],
    };
    const tables = [...reserveTables, hardened];
    expect(reserveTableOn(day('2026-02-28'), 'type_1', tables).name).toBe('Anexo D, tipo I');
    expect(reserveTableOn(day('2026-03-01'), 'type_1', tables).name).toBe('made up');
    expect(() => reserveTableOn(day('1999-01-01'), 'type_1')).toThrow('a day with a reserve table');
  });
});
