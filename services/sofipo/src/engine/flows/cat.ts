import { defaultFirstDueDate, type Frequency } from '../calendar/due-dates.ts';
import type { LoanTerms, Schedule } from '../schedule/terms.ts';
import { type Flow, internalRate } from './internal-rate.ts';

/** The Costo Anual Total: an effective annual percentage, without VAT. */
export interface Cat {
  /** To one decimal, as it must be published: 12.9. */
  readonly percent: number;
  /** Before that rounding, as a fraction: 0.128956. */
  readonly rate: number;
}

/** Instalments of a year: time is counted in equal parts of it, not in days, so that months are alike. */
const periodsPerYear: Readonly<Record<Frequency, number>> = { monthly: 12, fortnightly: 24, biweekly: 26, weekly: 52 };
const daysPerYear = 365;

/**
 * The CAT by Banxico's Circular 21/2009 (as amended by 9/2015): the rate at which what the borrower draws, less what is
 * withheld on paying out, equals principal, interest and compulsory fees. VAT, moratory interest and charges for default
 * stay out. Undefined where no rate of zero or more solves it. Instalments lie equal parts of a year apart; a broken
 * first period counts its days over 365.
 */
export function catOf(terms: LoanTerms, schedule: Schedule): Cat | undefined {
  const rate = internalRate(catFlows(terms, schedule));
  return rate === undefined ? undefined : { percent: roundedPercent(rate), rate };
}

/** A fraction as a percentage with one decimal. */
export function roundedPercent(rate: number): number {
  // Twelve digits first: a rate that is 9.95 % on paper must not round down because of its last binary digit.
  return Math.round(Number((rate * 1000).toPrecision(12))) / 10;
}

function catFlows(terms: LoanTerms, { installments, opening }: Schedule): readonly Flow[] {
  const { frequency = 'monthly', startDate } = terms;
  const share = 1 / periodsPerYear[frequency];
  const isWhole = terms.firstDueDate === undefined || terms.firstDueDate === defaultFirstDueDate(startDate, frequency);
  const first = isWhole ? share : ((terms.firstDueDate ?? startDate) - startDate) / daysPerYear;
  return [
    { years: 0, amount: Number(terms.amount - opening.fees) },
    ...installments.map(({ total, vat }, index) => ({ years: first + index * share, amount: -Number(total - vat) })),
  ];
}
