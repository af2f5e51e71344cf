import { type CalendarDate, calendarDate, isLeapYear, partsOf } from './calendar/calendar-date.ts';
import { type Rational, rational, zero } from './number/rational.ts';

/** How days become a share of a year. */
export type DayCount = '30/360' | 'actual/365' | 'actual/360' | 'actual/actual' | '364';

/** Units of a year that every day of the convention is a whole number of: ISDA needs 365 × 366. */
export const unitsPerYear: Readonly<Record<DayCount, number>> = {
  '30/360': 360,
  'actual/365': 365,
  'actual/360': 360,
  'actual/actual': 365 * 366,
  '364': 364,
};

/**
 * The time between two dates in the convention's units, exactly.
 * - `30/360`: months of 30 days, the 31st counting as the 30th (ISDA 2006, 4.16(f), the bond basis).
 * - `actual/365`, `actual/360`: calendar days over a fixed year (4.16(d), (e)).
 * - `actual/actual`: days in leap years over 366 and the others over 365 (4.16(b)), in units of 1/(365 × 366).
 * - `364`: calendar days over 52 weeks.
 */
export function unitsBetween(dayCount: DayCount, from: CalendarDate, to: CalendarDate): number {
  if (dayCount === '30/360') return thirtyDayMonths(from, to);
  if (dayCount === 'actual/actual') return splitByYears(from, to);
  return to - from;
}

/** The share of a year between two dates, as an exact fraction. */
export function yearFraction(dayCount: DayCount, from: CalendarDate, to: CalendarDate): Rational {
  if (to === from) return zero;
  return rational(BigInt(unitsBetween(dayCount, from, to)), BigInt(unitsPerYear[dayCount]));
}

function thirtyDayMonths(from: CalendarDate, to: CalendarDate): number {
  const start = partsOf(from);
  const end = partsOf(to);
  const startDay = Math.min(start.day, 30);
  const endDay = end.day === 31 && startDay === 30 ? 30 : end.day;
  return (end.year - start.year) * 360 + (end.month - start.month) * 30 + (endDay - startDay);
}

function splitByYears(from: CalendarDate, to: CalendarDate): number {
  let units = 0;
  let begin = from;
  for (let year = partsOf(from).year; begin < to; year += 1) {
    const nextYear = calendarDate(year + 1, 1, 1);
    const end = nextYear < to ? nextYear : to;
    units += (end - begin) * (isLeapYear(year) ? 365 : 366);
    begin = end;
  }
  return units;
}
