import { formatMinor, parseMinor } from '@quinta/platform/kernel';

import { type CalendarDate, parseCalendarDate } from '../engine/calendar/calendar-date.ts';
import { parseRational, type Rational } from '../engine/number/rational.ts';
import type { LoanTerms } from '../engine/schedule/terms.ts';

/** A date that a test writes as text. */
export function day(text: string): CalendarDate {
  const date = parseCalendarDate(text);
  if (date === undefined) throw new Error(`${text} is no date`);
  return date;
}

/** A rate that a test writes as text: `0.15`. */
export function rate(text: string): Rational {
  const parsed = parseRational(text);
  if (!parsed) throw new Error(`${text} is no rate`);
  return parsed;
}

/** Centavos of an amount that a test writes as text: `17.01`. */
export function pesos(text: string): bigint {
  const minor = parseMinor(text);
  if (typeof minor !== 'bigint') throw new Error(`${text} is no amount`);
  return minor;
}

/** A column of amounts as a test writes it: `0.58 0.49 0.39`. */
export function column(amounts: readonly bigint[]): string {
  return amounts.map((amount) => formatMinor(amount)).join(' ');
}

/** A loan whose interesting terms alone are named. */
export function loan(terms: Partial<LoanTerms> & Pick<LoanTerms, 'amount' | 'interestRate' | 'term'>): LoanTerms {
  return { startDate: day('2024-01-01'), ...terms };
}
