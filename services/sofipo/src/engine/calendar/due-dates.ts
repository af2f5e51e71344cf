import { addDays, addMonths, type CalendarDate, partsOf } from './calendar-date.ts';

/** How often an instalment falls due. A fortnight is 15 days (the Mexican quincena), biweekly is 14. */
export type Frequency = 'monthly' | 'fortnightly' | 'biweekly' | 'weekly';

/** Days of a nominal period: what a 30-day month, or a count of days, makes of one instalment. */
export const nominalDays: Readonly<Record<Frequency, number>> = {
  monthly: 30,
  fortnightly: 15,
  biweekly: 14,
  weekly: 7,
};

/** Where the due dates of a loan come from. */
export interface DueDateSeed {
  readonly frequency: Frequency;
  readonly startDate: CalendarDate;
  readonly firstDueDate: CalendarDate;
}

/** The day that lies so many periods after (or before) `date`, months keeping the day of the month of `seedDay`. */
export function addPeriods(date: CalendarDate, frequency: Frequency, periods: number, seedDay?: number): CalendarDate {
  if (frequency !== 'monthly') return addDays(date, periods * nominalDays[frequency]);
  return addMonths(date, periods, seedDay);
}

/** The first due date when nobody names one: one period after the start. */
export function defaultFirstDueDate(startDate: CalendarDate, frequency: Frequency): CalendarDate {
  return addPeriods(startDate, frequency, 1);
}

/** Whether the first period is not exactly one period long. */
export function isBroken({ frequency, startDate, firstDueDate }: DueDateSeed): boolean {
  return firstDueDate !== defaultFirstDueDate(startDate, frequency);
}

/**
 * The contractual due dates, before any move off holidays. Months keep their seed: the start's day of the month where the
 * first period is whole (31 January, 28 February, 31 March), else the day of the first due date.
 */
export function dueDatesOf(seed: DueDateSeed, count: number): readonly CalendarDate[] {
  const day = seedDayOf(seed);
  const dates: CalendarDate[] = [];
  for (let index = 0; index < count; index += 1) {
    dates.push(addPeriods(seed.firstDueDate, seed.frequency, index, day));
  }
  return dates;
}

/** The day of the month that the due dates of a monthly loan keep. */
export function seedDayOf(seed: DueDateSeed): number {
  return partsOf(isBroken(seed) ? seed.firstDueDate : seed.startDate).day;
}
