import { addDays, type CalendarDate, calendarDate, dayOfWeek, partsOf } from './calendar-date.ts';

/**
 * Which days are no business days beyond Saturdays and Sundays: `weekends` none, `mx_official` the compulsory rest days of
 * article 74 of the Ley Federal del Trabajo, `mx_bank` also the other days on which the CNBV's yearly notice closes banks.
 */
export type HolidayCalendar = 'weekends' | 'mx_official' | 'mx_bank';

/** One holiday: how its day is found in a year, and from which year to which it holds. */
interface HolidayRule {
  readonly name: string;
  readonly calendars: readonly HolidayCalendar[];
  readonly from: number;
  readonly to?: number;
  /** A holiday of some years only: every `years`, counted from `from`. */
  readonly everyYears?: number;
  readonly on:
    | { readonly kind: 'date'; readonly month: number; readonly day: number }
    | { readonly kind: 'nth_monday'; readonly month: number; readonly nth: number }
    | { readonly kind: 'easter'; readonly offsetDays: number };
}

const both: readonly HolidayCalendar[] = ['mx_official', 'mx_bank'];
const bank: readonly HolidayCalendar[] = ['mx_bank'];

/**
 * The Mondays of February, March and November replaced 5 February, 21 March and 20 November from 2006 on (DOF 2006-01-17).
 * The hand-over of the federal executive was 1 December until 2018 and is 1 October from 2024.
 */
const holidayRules: readonly HolidayRule[] = [
  { name: 'Año Nuevo', calendars: both, from: 1970, on: { kind: 'date', month: 1, day: 1 } },
  { name: 'Constitución', calendars: both, from: 1970, to: 2005, on: { kind: 'date', month: 2, day: 5 } },
  { name: 'Constitución', calendars: both, from: 2006, on: { kind: 'nth_monday', month: 2, nth: 1 } },
  { name: 'Natalicio de Juárez', calendars: both, from: 1970, to: 2005, on: { kind: 'date', month: 3, day: 21 } },
  { name: 'Natalicio de Juárez', calendars: both, from: 2006, on: { kind: 'nth_monday', month: 3, nth: 3 } },
  { name: 'Jueves Santo', calendars: bank, from: 1970, on: { kind: 'easter', offsetDays: -3 } },
  { name: 'Viernes Santo', calendars: bank, from: 1970, on: { kind: 'easter', offsetDays: -2 } },
  { name: 'Día del Trabajo', calendars: both, from: 1970, on: { kind: 'date', month: 5, day: 1 } },
  { name: 'Independencia', calendars: both, from: 1970, on: { kind: 'date', month: 9, day: 16 } },
  {
    name: 'Transmisión del Poder Ejecutivo',
    calendars: both,
    from: 1970,
    to: 2018,
    everyYears: 6,
    on: { kind: 'date', month: 12, day: 1 },
  },
  {
    name: 'Transmisión del Poder Ejecutivo',
    calendars: both,
    from: 2024,
    everyYears: 6,
    on: { kind: 'date', month: 10, day: 1 },
  },
  { name: 'Día de Muertos', calendars: bank, from: 1970, on: { kind: 'date', month: 11, day: 2 } },
  { name: 'Revolución', calendars: both, from: 1970, to: 2005, on: { kind: 'date', month: 11, day: 20 } },
  { name: 'Revolución', calendars: both, from: 2006, on: { kind: 'nth_monday', month: 11, nth: 3 } },
  { name: 'Día del Empleado Bancario', calendars: bank, from: 1970, on: { kind: 'date', month: 12, day: 12 } },
  { name: 'Navidad', calendars: both, from: 1970, on: { kind: 'date', month: 12, day: 25 } },
];

/** Days of the calendars that were worked out, by calendar and year. Loans span at most 1,200 months, so it stays small. */
const known = new Map<string, ReadonlySet<CalendarDate>>();
const knownMax = 1_000;
const daysPerWeek = 7;

/** The holidays of a year in their order, with their names. */
export function holidaysOf(
  year: number,
  calendar: HolidayCalendar,
): readonly { readonly date: CalendarDate; readonly name: string }[] {
  return holidayRules
    .filter((rule) => rule.calendars.includes(calendar) && holdsIn(rule, year))
    .map((rule) => ({ date: dayIn(rule, year), name: rule.name }))
    .toSorted((a, b) => a.date - b.date);
}

/** Whether the day is neither a weekend nor a holiday of the calendar. */
export function isBusinessDay(date: CalendarDate, calendar: HolidayCalendar): boolean {
  const weekday = dayOfWeek(date);
  if (weekday === 0 || weekday === 6) return false;
  return calendar === 'weekends' || !daysOff(partsOf(date).year, calendar).has(date);
}

/** The day itself, or the first business day after it: a due date moves without a fee and without any change of interest. */
export function nextBusinessDay(date: CalendarDate, calendar: HolidayCalendar): CalendarDate {
  let day = date;
  while (!isBusinessDay(day, calendar)) day = addDays(day, 1);
  return day;
}

/** How many business days lie after `from`, up to and with `to`. */
export function businessDaysBetween(from: CalendarDate, to: CalendarDate, calendar: HolidayCalendar): number {
  let days = 0;
  for (let day = addDays(from, 1); day <= to; day = addDays(day, 1)) days += isBusinessDay(day, calendar) ? 1 : 0;
  return days;
}

function daysOff(year: number, calendar: HolidayCalendar): ReadonlySet<CalendarDate> {
  const key = `${calendar} ${year}`;
  const found = known.get(key);
  if (found) return found;
  if (known.size >= knownMax) known.clear();
  const days = new Set(holidaysOf(year, calendar).map(({ date }) => date));
  known.set(key, days);
  return days;
}

function holdsIn({ from, to, everyYears = 1 }: HolidayRule, year: number): boolean {
  return year >= from && (to === undefined || year <= to) && (year - from) % everyYears === 0;
}

function dayIn({ on }: HolidayRule, year: number): CalendarDate {
  if (on.kind === 'date') return calendarDate(year, on.month, on.day);
  if (on.kind === 'easter') return addDays(easterSunday(year), on.offsetDays);
  const first = calendarDate(year, on.month, 1);
  const toMonday = (1 - dayOfWeek(first) + daysPerWeek) % daysPerWeek;
  return addDays(first, toMonday + (on.nth - 1) * daysPerWeek);
}

/** Gregorian Easter by the anonymous algorithm that Meeus gives (Astronomical Algorithms, chapter 8). */
function easterSunday(year: number): CalendarDate {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const yearOfCentury = year % 100;
  const skipped = Math.floor((8 * century + 13) / 25);
  const epact = (19 * golden + century - Math.floor(century / 4) - skipped + 15) % 30;
  const weekday = (32 + 2 * (century % 4) + 2 * Math.floor(yearOfCentury / 4) - epact - (yearOfCentury % 4)) % 7;
  const correction = Math.floor((golden + 11 * epact + 22 * weekday) / 451);
  const sum = epact + weekday - 7 * correction + 114;
  return calendarDate(year, Math.floor(sum / 31), (sum % 31) + 1);
}
