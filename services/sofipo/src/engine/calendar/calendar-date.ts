declare const calendarDay: unique symbol;

/** A day of the proleptic Gregorian calendar as days since 1970-01-01: no hour, no zone, compared with `<` and `-`. */
export type CalendarDate = number & { readonly [calendarDay]: true };

/** Year, month 1..12 and day 1..31. */
interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const isoDate = /^(\d{4})-(\d{2})-(\d{2})$/;
const daysPerEra = 146_097;
/** Days from 0000-03-01, where eras begin, to 1970-01-01. */
const epochOffset = 719_468;
const thirtyDayMonths = new Set([4, 6, 9, 11]);

/** Reads `2026-02-28`; undefined for anything else, impossible days (2026-02-30) included. */
export function parseCalendarDate(text: string): CalendarDate | undefined {
  const match = isoDate.exec(text);
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const isReal = month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  return isReal ? calendarDate(year, month, day) : undefined;
}

/** The date as `2026-02-28`. */
export function formatCalendarDate(date: CalendarDate): string {
  const { year, month, day } = partsOf(date);
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/**
 * The day of a year, month (1..12) and day that are known to exist. Counts whole eras of 400 years that begin in March, so
 * that the leap day is the last of its year; integers only.
 */
export function calendarDate(year: number, month: number, day: number): CalendarDate {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const monthFromMarch = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * daysPerEra + dayOfEra - epochOffset) as CalendarDate;
}

/** Year, month and day of a date: the inverse of `calendarDate`. */
export function partsOf(date: CalendarDate): DateParts {
  const shifted = date + epochOffset;
  const era = Math.floor(shifted / daysPerEra);
  const dayOfEra = shifted - era * daysPerEra;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

/** So many days later, or earlier when negative. */
export function addDays(date: CalendarDate, days: number): CalendarDate {
  return (date + days) as CalendarDate;
}

/**
 * So many months later on the day of the month of `seedDay`, or on the last day where the month has none such: with the
 * seed 31, January is followed by 28 February and then by 31 March.
 */
export function addMonths(date: CalendarDate, months: number, seedDay: number = partsOf(date).day): CalendarDate {
  const { year, month } = partsOf(date);
  const index = year * 12 + (month - 1) + months;
  const laterYear = Math.floor(index / 12);
  const laterMonth = index - laterYear * 12 + 1;
  return calendarDate(laterYear, laterMonth, Math.min(seedDay, daysInMonth(laterYear, laterMonth)));
}

/** 0 is Sunday, 6 Saturday. */
export function dayOfWeek(date: CalendarDate): number {
  return (((date + 4) % 7) + 7) % 7;
}

/** How many days the month (1..12) of the year has. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return thirtyDayMonths.has(month) ? 30 : 31;
}

/** Whether the year has a 29 February. */
export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
