import { defaultFirstDueDate, type DueDateSeed, dueDatesOf, isBroken } from '../calendar/due-dates.ts';
import type { CalendarDate } from '../calendar/calendar-date.ts';
import { nextBusinessDay } from '../calendar/holidays.ts';
import type { DayCount } from '../day-count.ts';
import { type Rational, rational, zero } from '../number/rational.ts';
import { roundQuotient, type RoundingMode } from '../number/rounding.ts';
import { vatOn } from './vat.ts';
import { levelPayment, periodRate } from './annuity.ts';
import { periodUnits, type PeriodUnits } from './periods.ts';
import type { AmortizationMethod, LoanTerms } from './terms.ts';
import { checkTerms } from './check-terms.ts';

/** Terms with every default filled in and everything derived that does not depend on a balance. */
export interface Plan {
  readonly method: AmortizationMethod;
  readonly principal: bigint;
  readonly rate: Rational;
  readonly dayCount: DayCount;
  readonly periods: PeriodUnits;
  readonly count: number;
  readonly seed: DueDateSeed;
  /** Where the due dates fall before holidays move them: interest runs from one to the next. */
  readonly contractualDates: readonly CalendarDate[];
  readonly dueDates: readonly CalendarDate[];
  /**
   * In centavos: the instalment of principal and interest (french, flat), the principal of an instalment
   * (equal_principal), or nothing (bullet).
   */
  readonly target: bigint;
  /** Of the flat method: what each instalment but the last pays, and all together. */
  readonly flatInterest: { readonly each: bigint; readonly total: bigint };
  readonly isFixedInstallment: boolean;
  readonly isBrokenStart: boolean;
  readonly graceOnPrincipal: number;
  readonly graceOnInterest: number;
  readonly multiple: bigint;
  readonly rounding: Exclude<RoundingMode, 'ceil'>;
  readonly installmentRounding: RoundingMode;
  readonly vatRate: Rational;
  readonly feesEach: bigint;
  readonly feesVatEach: bigint;
}

const defaults = {
  frequency: 'monthly',
  method: 'french',
  rounding: 'half_even',
  dayCount: '30/360',
  graceOnPrincipal: 0,
  graceOnInterest: 0,
  installmentMultiple: 1n,
  vatRate: zero,
} as const;

/** The plan as its formulas give it. Throws a LendingRefusal that names the field when the terms are out of range. */
export function draftPlan(given: LoanTerms): Plan {
  checkTerms(given);
  const terms = { ...defaults, ...given };
  const { frequency, startDate, method, rounding, vatRate } = terms;
  const seed = { frequency, startDate, firstDueDate: terms.firstDueDate ?? defaultFirstDueDate(startDate, frequency) };
  const contractualDates = dueDatesOf(seed, terms.term);
  const feesEach = terms.fees?.perInstallment ?? 0n;
  const frame = {
    method,
    principal: terms.amount,
    rate: terms.interestRate,
    dayCount: terms.dayCount,
    periods: periodUnits(terms.dayCount, seed, contractualDates),
    count: terms.term,
    seed,
    contractualDates,
    dueDates: movedDates(terms, contractualDates),
    isFixedInstallment: terms.fixedInstallment !== undefined,
    isBrokenStart: isBroken(seed),
    graceOnPrincipal: terms.graceOnPrincipal,
    graceOnInterest: terms.graceOnInterest,
    multiple: terms.installmentMultiple,
    rounding,
    installmentRounding: terms.installmentRounding ?? rounding,
    vatRate,
    feesEach,
    feesVatEach: terms.vatOnFees ? vatOn(feesEach, vatRate) : 0n,
  };
  const flatInterest = method === 'flat' ? flatInterestOf(frame) : { each: 0n, total: 0n };
  return { ...frame, flatInterest, target: terms.fixedInstallment ?? targetOf(frame, flatInterest.each) };
}

type Frame = Omit<Plan, 'target' | 'flatInterest'>;

/**
 * The target of what is left of a plan: `principal` over so many whole periods that amortize, as the method spreads it.
 * An agreed instalment stays what it is.
 */
export function targetForRest(plan: Plan, principal: bigint, periods: number): bigint {
  if (plan.isFixedInstallment || plan.method === 'bullet' || periods < 1 || principal === 0n) return plan.target;
  const rest = { ...plan, principal, count: periods, graceOnPrincipal: 0 };
  return targetOf({ ...rest, periods: { ...plan.periods, first: plan.periods.nominal } }, plan.flatInterest.each);
}

function movedDates(terms: LoanTerms, dates: readonly CalendarDate[]): readonly CalendarDate[] {
  if (terms.businessDays !== 'following') return dates;
  return dates.map((date) => nextBusinessDay(date, terms.holidays ?? 'mx_bank'));
}

function targetOf(plan: Frame, flatInterestEach: bigint): bigint {
  const { method, principal, count, multiple, installmentRounding } = plan;
  const amortizing = BigInt(count - plan.graceOnPrincipal);
  if (method === 'bullet') return 0n;
  if (method !== 'french') {
    const interest = method === 'flat' ? flatInterestEach : 0n;
    const target =
      multiple * roundQuotient(principal + interest * amortizing, amortizing * multiple, installmentRounding);
    // Parts that were rounded up may leave nothing for the last one; then they are rounded down.
    const isTooMuch = multiple === 1n && (target - interest) * (amortizing - 1n) >= principal;
    return isTooMuch ? principal / amortizing + interest : target;
  }
  const { perYear, nominal, first } = plan.periods;
  const regular = periodRate(plan.rate, nominal, perYear);
  const hasBrokenStart = plan.graceOnPrincipal === 0 && first !== nominal;
  return levelPayment({
    principal,
    regular,
    first: hasBrokenStart ? periodRate(plan.rate, first, perYear) : regular,
    periods: count - plan.graceOnPrincipal,
    multiple,
    rounding: installmentRounding,
  });
}

/**
 * Interest of the flat method is that of the whole loan on the first amount, in equal parts; the last takes what rounding
 * left. Where parts that were rounded up would leave less than nothing, all are cut down.
 */
function flatInterestOf({ principal, rate, periods, count, rounding }: Frame): { each: bigint; total: bigint } {
  const units = periods.units.reduce((sum, length) => sum + length, 0);
  const exact = rational(principal * rate.numerator * BigInt(units), rate.denominator * BigInt(periods.perYear));
  const total = roundQuotient(exact.numerator, exact.denominator, rounding);
  const rounded = roundQuotient(exact.numerator, exact.denominator * BigInt(count), rounding);
  const isTooMuch = rounded * BigInt(count - 1) > total;
  return { each: isTooMuch ? total / BigInt(count) : rounded, total };
}
