import type { CalendarDate } from '../calendar/calendar-date.ts';

/** What is unpaid of an instalment, in centavos, and when it was due. */
export interface OverdueAmount {
  readonly dueDate: CalendarDate;
  readonly unpaid: bigint;
}

/** Ages in days past due, both ends included; the last may be open. */
export interface AgeRange {
  readonly name: string;
  readonly from: number;
  readonly to?: number;
}

/** What is overdue in each range, in the order of the ranges. */
export interface AgedAmount {
  readonly range: string;
  readonly amount: bigint;
}

/** The delinquency ranges that Fineract ships: 1-3, 4-30, 31-60 … 241 and more days. */
export const delinquencyRanges: readonly AgeRange[] = [
  { name: 'RANGE_1', from: 1, to: 3 },
  { name: 'RANGE_3', from: 4, to: 30 },
  { name: 'RANGE_30', from: 31, to: 60 },
  { name: 'RANGE_60', from: 61, to: 90 },
  { name: 'RANGE_90', from: 91, to: 120 },
  { name: 'RANGE_120', from: 121, to: 150 },
  { name: 'RANGE_150', from: 151, to: 180 },
  { name: 'RANGE_180', from: 181, to: 240 },
  { name: 'RANGE_240', from: 241 },
];

/** The buckets of a collection list: not late, then months. */
export const ageingRanges: readonly AgeRange[] = [
  { name: 'current', from: 0, to: 0 },
  { name: '1-30', from: 1, to: 30 },
  { name: '31-60', from: 31, to: 60 },
  { name: '61-90', from: 61, to: 90 },
  { name: '91-180', from: 91, to: 180 },
  { name: '181+', from: 181 },
];

/** How many days an amount is past due: none on its due date, one on the day after. */
export function daysPastDue(dueDate: CalendarDate, asOf: CalendarDate): number {
  return Math.max(0, asOf - dueDate);
}

/** Days past due of a loan: those of its oldest unpaid instalment. */
export function loanDaysPastDue(amounts: readonly OverdueAmount[], asOf: CalendarDate): number {
  return amounts
    .filter(({ unpaid }) => unpaid > 0n)
    .reduce((most, { dueDate }) => Math.max(most, daysPastDue(dueDate, asOf)), 0);
}

/**
 * The day from which a loan counts as delinquent: the oldest unpaid due date and so many days of tolerance. Undefined as
 * long as nothing is overdue by more than them.
 */
export function delinquentSince(
  amounts: readonly OverdueAmount[],
  asOf: CalendarDate,
  toleranceDays = 0,
): CalendarDate | undefined {
  const days = loanDaysPastDue(amounts, asOf);
  return days > toleranceDays ? ((asOf - days + toleranceDays) as CalendarDate) : undefined;
}

/** Spreads what is unpaid over ranges of age, each instalment by its own age. Every range is listed, also when empty. */
export function ageAmounts(
  amounts: readonly OverdueAmount[],
  asOf: CalendarDate,
  ranges: readonly AgeRange[],
): readonly AgedAmount[] {
  return ranges.map((range) => ({
    range: range.name,
    amount: amounts
      .filter(({ dueDate }) => isWithin(range, daysPastDue(dueDate, asOf)))
      .reduce((sum, { unpaid }) => sum + unpaid, 0n),
  }));
}

/** The range that an age lies in. */
export function rangeOf(days: number, ranges: readonly AgeRange[]): AgeRange | undefined {
  return ranges.find((range) => isWithin(range, days));
}

function isWithin({ from, to = Number.POSITIVE_INFINITY }: AgeRange, days: number): boolean {
  return days >= from && days <= to;
}
