import type { CalendarDate } from '../calendar/calendar-date.ts';
import { businessDaysBetween, type HolidayCalendar } from '../calendar/holidays.ts';
import type { Rational } from '../number/rational.ts';
import { roundQuotient } from '../number/rounding.ts';

/** What a daily late fee is a share of. */
export type LateFeeBasis = 'initial_amount' | 'outstanding_principal' | 'overdue_principal' | 'overdue_interest';

/** The amounts of a loan that a late fee may be reckoned on, in centavos. */
export type LateFeeAmounts = Readonly<Record<LateFeeBasis, bigint>>;

/** How many days late, with or without the days on which nobody could pay. */
export function daysLate(dueDate: CalendarDate, paidOn: CalendarDate, excluding?: HolidayCalendar): number {
  if (paidOn <= dueDate) return 0;
  return excluding === undefined ? paidOn - dueDate : businessDaysBetween(dueDate, paidOn, excluding);
}

/** A daily late fee in centavos: basis × daily rate × days, half to even. */
export function dailyLateFee(amounts: LateFeeAmounts, basis: LateFeeBasis, dailyRate: Rational, days: number): bigint {
  return roundQuotient(amounts[basis] * dailyRate.numerator * BigInt(days), dailyRate.denominator, 'half_even');
}

/** Moratory interest in centavos: overdue amount × annual rate × days / days of a year, half to even. */
export function moratoryInterest(
  overdue: bigint,
  annualRate: Rational,
  days: number,
  daysPerYear: 360 | 365 = 365,
): bigint {
  const dividend = overdue * annualRate.numerator * BigInt(days);
  return roundQuotient(dividend, annualRate.denominator * BigInt(daysPerYear), 'half_even');
}
