import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { column, day, loan, pesos, rate } from '../../testing/builders.ts';
import { generateSchedule } from '../schedule/schedule.ts';
import {
  addDays,
  addMonths,
  type CalendarDate,
  calendarDate,
  dayOfWeek,
  formatCalendarDate,
  parseCalendarDate,
  partsOf,
} from './calendar-date.ts';
import { dueDatesOf, type Frequency } from './due-dates.ts';
import { businessDaysBetween, type HolidayCalendar, holidaysOf, isBusinessDay, nextBusinessDay } from './holidays.ts';

const millisecondsPerDay = 86_400_000;
const anyDay = fc.integer({ min: -200_000, max: 400_000 }).map((days) => days as CalendarDate);

describe('a calendar date', () => {
  it('is the same day that UTC has', () => {
    fc.assert(
      fc.property(anyDay, (date) => {
        const utc = new Date(date * millisecondsPerDay);
        expect(partsOf(date)).toEqual({
          year: utc.getUTCFullYear(),
          month: utc.getUTCMonth() + 1,
          day: utc.getUTCDate(),
        });
        expect(dayOfWeek(date)).toBe(utc.getUTCDay());
      }),
    );
  });

  it('is read as it is written', () => {
    fc.assert(
      fc.property(anyDay, (date) => {
        const { year, month, day: dayOfMonth } = partsOf(date);
        expect(calendarDate(year, month, dayOfMonth)).toBe(date);
        expect(parseCalendarDate(formatCalendarDate(date))).toBe(date);
      }),
    );
  });

  it.each([
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-04-31',
    '2024-1-1',
    '2024-01-01T00:00:00Z',
    '',
    '1900-02-29',
  ])('is not %j', (text) => {
    expect(parseCalendarDate(text)).toBeUndefined();
  });

  it.each([
    ['2023-01-31', 1, '2023-02-28'],
    ['2024-01-31', 1, '2024-02-29'],
    ['2024-03-31', -1, '2024-02-29'],
    ['2023-12-15', 1, '2024-01-15'],
    ['2024-01-15', -1, '2023-12-15'],
    ['2024-02-29', 12, '2025-02-28'],
  ])('%s and %d months is %s', (date, months, expected) => {
    expect(formatCalendarDate(addMonths(day(date), months))).toBe(expected);
  });
});

interface Dates {
  readonly name: string;
  readonly frequency: Frequency;
  readonly startDate: string;
  readonly firstDueDate: string;
  readonly expected: string;
}

describe('due dates', () => {
  it.each<Dates>([
    {
      name: 'V26 first on the 31st',
      frequency: 'monthly',
      startDate: '2023-01-05',
      firstDueDate: '2023-01-31',
      expected:
        '2023-01-31 2023-02-28 2023-03-31 2023-04-30 2023-05-31 2023-06-30 2023-07-31 2023-08-31 2023-09-30 2023-10-31 2023-11-30 2023-12-31 2024-01-31 2024-02-29',
    },
    {
      name: 'V26 first on the 30th',
      frequency: 'monthly',
      startDate: '2023-01-05',
      firstDueDate: '2023-01-30',
      expected: '2023-01-30 2023-02-28 2023-03-30 2023-04-30',
    },
    {
      name: 'V26 first on the 28th',
      frequency: 'monthly',
      startDate: '2023-01-05',
      firstDueDate: '2023-01-28',
      expected: '2023-01-28 2023-02-28 2023-03-28 2023-04-28',
    },
    {
      name: 'V26 on the 17th',
      frequency: 'monthly',
      startDate: '2022-09-17',
      firstDueDate: '2022-10-17',
      expected: '2022-10-17 2022-11-17 2022-12-17 2023-01-17',
    },
    {
      name: 'the start keeps its day where the first period is whole',
      frequency: 'monthly',
      startDate: '2023-01-31',
      firstDueDate: '2023-02-28',
      expected: '2023-02-28 2023-03-31 2023-04-30',
    },
    {
      name: 'every 15 days',
      frequency: 'fortnightly',
      startDate: '2023-10-01',
      firstDueDate: '2023-10-16',
      expected: '2023-10-16 2023-10-31 2023-11-15',
    },
    {
      name: 'every 14 days',
      frequency: 'biweekly',
      startDate: '2024-02-16',
      firstDueDate: '2024-03-01',
      expected: '2024-03-01 2024-03-15 2024-03-29',
    },
    {
      name: 'every week',
      frequency: 'weekly',
      startDate: '2023-12-25',
      firstDueDate: '2024-01-01',
      expected: '2024-01-01 2024-01-08 2024-01-15',
    },
  ])('$name', ({ frequency, startDate, firstDueDate, expected }) => {
    const seed = { frequency, startDate: day(startDate), firstDueDate: day(firstDueDate) };
    const dates = dueDatesOf(seed, expected.split(' ').length);
    expect(dates.map(formatCalendarDate).join(' ')).toBe(expected);
  });
});

describe('business days', () => {
  const names = (year: number, calendar: HolidayCalendar): string =>
    holidaysOf(year, calendar)
      .map(({ date }) => formatCalendarDate(date).slice(5))
      .join(' ');

  it.each([
    [2024, 'mx_official', '01-01 02-05 03-18 05-01 09-16 10-01 11-18 12-25'],
    [2025, 'mx_official', '01-01 02-03 03-17 05-01 09-16 11-17 12-25'],
    [2026, 'mx_bank', '01-01 02-02 03-16 04-02 04-03 05-01 09-16 11-02 11-16 12-12 12-25'],
    [2030, 'mx_official', '01-01 02-04 03-18 05-01 09-16 10-01 11-18 12-25'],
    [2018, 'mx_official', '01-01 02-05 03-19 05-01 09-16 11-19 12-01 12-25'],
    [2005, 'mx_official', '01-01 02-05 03-21 05-01 09-16 11-20 12-25'],
    [2024, 'weekends', ''],
  ] as const)('the holidays of %d in %s', (year, calendar, expected) => {
    expect(names(year, calendar)).toBe(expected);
  });

  it.each([
    [2000, '04-23'],
    [2008, '03-23'],
    [2011, '04-24'],
    [2024, '03-31'],
    [2025, '04-20'],
    [2038, '04-25'],
  ])('Holy Thursday of %d is three days before %s', (year, sunday) => {
    const thursday = holidaysOf(year, 'mx_bank').find(({ name }) => name === 'Jueves Santo');
    expect(thursday?.date).toBe(addDays(day(`${year}-${sunday}`), -3));
  });

  it.each([
    ['2024-03-28', 'mx_bank', '2024-04-01'],
    ['2024-03-28', 'mx_official', '2024-03-28'],
    ['2024-12-25', 'mx_official', '2024-12-26'],
    ['2024-12-28', 'weekends', '2024-12-30'],
    ['2024-02-03', 'mx_bank', '2024-02-06'],
  ] as const)('%s rolls in %s to %s', (date, calendar, expected) => {
    expect(formatCalendarDate(nextBusinessDay(day(date), calendar))).toBe(expected);
    expect(isBusinessDay(day(expected), calendar)).toBe(true);
  });

  it('are counted behind the first day up to the last', () => {
    expect(businessDaysBetween(day('2024-03-27'), day('2024-04-01'), 'mx_bank')).toBe(1);
    expect(businessDaysBetween(day('2024-03-27'), day('2024-04-01'), 'weekends')).toBe(3);
  });

  it('V18 due dates move off weekends and interest does not change', () => {
    const terms = loan({ amount: pesos('45000'), interestRate: rate('0.42'), term: 12, startDate: day('2014-03-25') });
    const fixed = generateSchedule(terms);
    const moved = generateSchedule({ ...terms, businessDays: 'following', holidays: 'weekends' });
    const changed = moved.installments.filter(({ dueDate }, index) => dueDate !== fixed.installments[index]?.dueDate);
    expect(changed.map(({ dueDate }) => formatCalendarDate(dueDate))).toEqual([
      '2014-05-26',
      '2014-10-27',
      '2015-01-26',
    ]);
    expect(column(moved.installments.map(({ interest }) => interest))).toBe(
      column(fixed.installments.map(({ interest }) => interest)),
    );
    const byDays = generateSchedule({ ...terms, dayCount: 'actual/365', businessDays: 'following' });
    expect(byDays.totals).toEqual(generateSchedule({ ...terms, dayCount: 'actual/365' }).totals);
  });
});
