import { addPeriods, type DueDateSeed, isBroken, nominalDays, seedDayOf } from '../calendar/due-dates.ts';
import type { CalendarDate } from '../calendar/calendar-date.ts';
import { type DayCount, unitsBetween, unitsPerYear } from '../day-count.ts';

/**
 * How long the periods of a loan are, in whole units of which a year has `perYear`. Interest of period k on a balance is
 * `balance × rate × units[k] / perYear`, exactly.
 */
export interface PeriodUnits {
  readonly perYear: number;
  readonly units: readonly number[];
  /** What one whole period counts for in the instalment formula. */
  readonly nominal: number;
  /** What the first period counts for there: `nominal`, unless it is broken. */
  readonly first: number;
}

/**
 * The periods between the due dates. Under 30/360 every whole period is alike (a month is 1/12 of a year, a week 7/360); a
 * broken first one is counted back from its due date in whole periods, and what is left over is its share of the days of
 * the period it lies in (15 January to 1 February is 17/31 of a month). The other conventions count days; their instalment
 * is reckoned on the nominal period (30/365 for a month under actual/365), and the last instalment takes the difference.
 */
export function periodUnits(dayCount: DayCount, seed: DueDateSeed, dueDates: readonly CalendarDate[]): PeriodUnits {
  return dayCount === '30/360' ? alikePeriods(seed, dueDates.length) : countedPeriods(dayCount, seed, dueDates);
}

function alikePeriods(seed: DueDateSeed, count: number): PeriodUnits {
  const whole = nominalDays[seed.frequency];
  const perYear = unitsPerYear['30/360'];
  if (!isBroken(seed)) {
    const divisor = greatestCommonDivisor(perYear, whole);
    return filled(perYear / divisor, whole / divisor, whole / divisor, count);
  }
  const stub = brokenPeriod(seed);
  return filled(perYear * stub.of, whole * stub.of, whole * (stub.wholePeriods * stub.of + stub.days), count);
}

function filled(perYear: number, nominal: number, first: number, count: number): PeriodUnits {
  const units = Array.from({ length: count }, () => nominal);
  units[0] = first;
  return { perYear, units, nominal, first };
}

/** A broken first period as whole periods, and `days` of a further one that has `of` days. */
function brokenPeriod(seed: DueDateSeed): { wholePeriods: number; days: number; of: number } {
  const day = seedDayOf(seed);
  const back = (periods: number): CalendarDate => addPeriods(seed.firstDueDate, seed.frequency, -periods, day);
  const shortest = seed.frequency === 'monthly' ? 31 : nominalDays[seed.frequency];
  let wholePeriods = Math.max(0, Math.floor((seed.firstDueDate - seed.startDate) / shortest) - 1);
  while (back(wholePeriods + 1) >= seed.startDate) wholePeriods += 1;
  const end = back(wholePeriods);
  return { wholePeriods, days: end - seed.startDate, of: end - back(wholePeriods + 1) };
}

function countedPeriods(dayCount: DayCount, seed: DueDateSeed, dueDates: readonly CalendarDate[]): PeriodUnits {
  const perYear = unitsPerYear[dayCount];
  // A nominal year of actual/actual has 365 days, each of 366 units.
  const nominal = nominalDays[seed.frequency] * (dayCount === 'actual/actual' ? 366 : 1);
  let from = seed.startDate;
  const units = dueDates.map((dueDate) => {
    const length = unitsBetween(dayCount, from, dueDate);
    from = dueDate;
    return length;
  });
  return { perYear, units, nominal, first: isBroken(seed) ? (units[0] ?? nominal) : nominal };
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}
