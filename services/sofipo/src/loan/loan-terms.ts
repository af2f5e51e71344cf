import { formatMinor, parseMinor } from '@quinta/platform/kernel';
import { z } from 'zod';
import {
  type Bucket,
  type CalendarDate,
  type FeeTerms,
  formatCalendarDate,
  type LoanTerms,
  parseCalendarDate,
  parseRational,
  type Rational,
  rational,
  type ServicingTerms,
} from '../engine/index.ts';
import { plainOf } from '../plain.ts';
import type { LoanInput, ProductTermsInput } from './terms-input.ts';

/** What a product says of its loans, as it is kept; what it does not say is the house's default. */
export const productTerms = z.object({
  method: z.enum(['french', 'equal_principal', 'flat', 'bullet']).optional(),
  frequency: z.enum(['monthly', 'fortnightly', 'biweekly', 'weekly']).optional(),
  day_count: z.enum(['30/360', 'actual/365', 'actual/360', 'actual/actual', '364']).optional(),
  business_days: z.enum(['none', 'following']).optional(),
  installment_multiple: z.string().optional(),
  rounding: z.enum(['half_even', 'half_up']).optional(),
  vat_rate: z.string().optional(),
  vat_on_fees: z.boolean().optional(),
  fees: z
    .object({
      opening_rate: z.string().optional(),
      opening_amount: z.string().optional(),
      per_installment: z.string().optional(),
    })
    .optional(),
  grace_on_principal: z.int().optional(),
  grace_on_interest: z.int().optional(),
  prepayment: z.enum(['reduce_term', 'reduce_installment', 'next_installment']).optional(),
  accrual: z.enum(['schedule', 'daily']).optional(),
  late_fee: z.object({ amount: z.string(), grace_days: z.int() }).optional(),
  penalty: z
    .object({
      annual_rate: z.string(),
      grace_days: z.int(),
      days_per_year: z.union([z.literal(360), z.literal(365)]),
    })
    .optional(),
  allocation: z.array(z.custom<Bucket>((value) => typeof value === 'string')).optional(),
});

export type ProductTerms = z.output<typeof productTerms>;

/** How a loan is served, as `loans.terms` keeps it for good: whatever becomes of the defaults, this loan has these. */
const storedTerms = productTerms
  .required({ method: true, frequency: true, day_count: true, business_days: true, rounding: true, prepayment: true })
  .required({ accrual: true })
  .extend({
    kind: z.literal('standard'),
    amount: z.string(),
    interest_rate: z.string(),
    term: z.int(),
    start_date: z.string().optional(),
    first_due_date: z.string().optional(),
  });

/** A loan of the earlier system, which bore no interest there. */
const earlierTerms = z.object({ kind: z.literal('earlier'), amount: z.string(), term: z.int() });

const anyTerms = z.discriminatedUnion('kind', [storedTerms, earlierTerms]);

export type StoredTerms = z.output<typeof storedTerms>;

const houseDefaults = {
  method: 'french',
  frequency: 'monthly',
  day_count: '30/360',
  business_days: 'none',
  rounding: 'half_even',
  prepayment: 'reduce_term',
  accrual: 'schedule',
} as const;

/** What is kept of what was asked for under a product, with every default written out. */
export function storeTerms(input: LoanInput, product: ProductTerms, given: ProductTermsInput): StoredTerms {
  const { start_date: start, first_due_date: firstDue } = input;
  return storedTerms.parse({
    ...houseDefaults,
    ...product,
    ...(plainOf(given) as ProductTerms),
    kind: 'standard',
    amount: formatMinor(input.amount),
    interest_rate: input.interest_rate,
    term: input.term_months,
    ...(start === undefined ? {} : { start_date: start }),
    ...(firstDue === undefined ? {} : { first_due_date: firstDue }),
  });
}

/** The same terms with the day on which the loan is paid out, and another first due date where one is named. */
export function startTerms(
  stored: unknown,
  day: CalendarDate,
  firstDueDate: string | undefined,
): { readonly terms: StoredTerms; readonly disbursedOn: string } {
  const terms = storedTerms.parse(stored);
  const disbursedOn = terms.start_date ?? formatCalendarDate(day);
  const named = firstDueDate === undefined ? {} : { first_due_date: firstDueDate };
  return { terms: { ...terms, ...named, start_date: disbursedOn }, disbursedOn };
}

/** The engine's terms of a loan that is served, from the day on which it was paid out. */
export function servicingOf(stored: unknown, disbursedOn: string): ServicingTerms {
  const terms = anyTerms.parse(stored);
  const startDate = dateOf(disbursedOn);
  if (terms.kind === 'earlier') {
    const loan = { amount: minorOf(terms.amount), interestRate: none, term: terms.term, startDate };
    return { loan, prepayment: 'reduce_term' };
  }
  const { prepayment, accrual, allocation, late_fee: lateFee, penalty } = terms;
  return {
    loan: scheduleTermsOf(terms, startDate),
    prepayment,
    accrual,
    ...(allocation === undefined ? {} : { allocation }),
    ...(lateFee === undefined ? {} : { lateFee: { amount: minorOf(lateFee.amount), graceDays: lateFee.grace_days } }),
    ...(penalty === undefined
      ? {}
      : {
          penalty: {
            annualRate: rateOf(penalty.annual_rate),
            daysPerYear: penalty.days_per_year,
            graceDays: penalty.grace_days,
          },
        }),
  };
}

/** What the schedule is made of, amounts and rates as text. */
export type ScheduleInput = Pick<
  StoredTerms,
  | 'amount'
  | 'interest_rate'
  | 'term'
  | 'first_due_date'
  | 'method'
  | 'frequency'
  | 'day_count'
  | 'business_days'
  | 'rounding'
  | 'installment_multiple'
  | 'vat_rate'
  | 'vat_on_fees'
  | 'fees'
  | 'grace_on_principal'
  | 'grace_on_interest'
>;

/** The engine's terms of a schedule that begins on a day. */
export function scheduleTermsOf(input: ScheduleInput, startDate: CalendarDate): LoanTerms {
  const { first_due_date: firstDue, installment_multiple: multiple, vat_rate: vat, fees } = input;
  const { grace_on_principal: graceOnPrincipal, grace_on_interest: graceOnInterest, vat_on_fees: vatOnFees } = input;
  return {
    amount: minorOf(input.amount),
    interestRate: rateOf(input.interest_rate),
    term: input.term,
    startDate,
    method: input.method,
    frequency: input.frequency,
    dayCount: input.day_count,
    businessDays: input.business_days,
    rounding: input.rounding,
    ...(firstDue === undefined ? {} : { firstDueDate: dateOf(firstDue) }),
    ...(multiple === undefined ? {} : { installmentMultiple: minorOf(multiple) }),
    ...(vat === undefined ? {} : { vatRate: rateOf(vat) }),
    ...(vatOnFees === undefined ? {} : { vatOnFees }),
    ...(fees === undefined ? {} : { fees: feesOf(fees) }),
    ...(graceOnPrincipal === undefined ? {} : { graceOnPrincipal }),
    ...(graceOnInterest === undefined ? {} : { graceOnInterest }),
  };
}

function feesOf({ opening_rate, opening_amount, per_installment }: NonNullable<ProductTerms['fees']>): FeeTerms {
  return {
    ...(opening_rate === undefined ? {} : { openingRate: rateOf(opening_rate) }),
    ...(opening_amount === undefined ? {} : { openingAmount: minorOf(opening_amount) }),
    ...(per_installment === undefined ? {} : { perInstallment: minorOf(per_installment) }),
  };
}

const none: Rational = rational(0n, 1n);

/** Text that was checked when it came in. */
export function rateOf(text: string): Rational {
  const rate = parseRational(text);
  if (!rate) throw new Error(`"${text}" is no rate`);
  return rate;
}

export function dateOf(text: string): CalendarDate {
  const date = parseCalendarDate(text);
  if (date === undefined) throw new Error(`"${text}" is no date`);
  return date;
}

export function minorOf(text: string): bigint {
  const minor = parseMinor(text);
  if (typeof minor !== 'bigint') throw new Error(`"${text}" is no amount`);
  return minor;
}
