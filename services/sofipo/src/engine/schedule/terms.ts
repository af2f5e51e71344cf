import type { CalendarDate } from '../calendar/calendar-date.ts';
import type { Frequency } from '../calendar/due-dates.ts';
import type { HolidayCalendar } from '../calendar/holidays.ts';
import type { DayCount } from '../day-count.ts';
import type { Rational } from '../number/rational.ts';
import type { RoundingMode } from '../number/rounding.ts';

/**
 * How principal is spread: level instalments, level principal, level principal with interest on the first amount, or
 * interest only with all principal at the end.
 */
export type AmortizationMethod = 'french' | 'equal_principal' | 'flat' | 'bullet';

/** What the borrower pays beside interest, in centavos; the opening fee is a share of the amount plus a fixed part. */
export interface FeeTerms {
  readonly openingRate?: Rational;
  readonly openingAmount?: bigint;
  readonly perInstallment?: bigint;
}

/** What a schedule is made of. Amounts are centavos, rates exact fractions of one (15 % is 3/20). */
export interface LoanTerms {
  readonly amount: bigint;
  /** Annual and simple. */
  readonly interestRate: Rational;
  /** How many instalments. With a fixed instalment it is the most there may be. */
  readonly term: number;
  readonly startDate: CalendarDate;
  /** One period after the start unless named; any other day makes a broken first period. */
  readonly firstDueDate?: CalendarDate;
  readonly method?: AmortizationMethod;
  readonly frequency?: Frequency;
  readonly dayCount?: DayCount;
  readonly businessDays?: 'none' | 'following';
  /** Which days are none, for `following`; the bank calendar of Mexico unless named. */
  readonly holidays?: HolidayCalendar;
  /** The instalment is a multiple of so many centavos; 1 unless named. */
  readonly installmentMultiple?: bigint;
  /** Of interest, and of the instalment unless that has its own. */
  readonly rounding?: Exclude<RoundingMode, 'ceil'>;
  /** `ceil` is the profile of lenders who never let the last instalment be the largest. */
  readonly installmentRounding?: RoundingMode;
  /** An instalment that was agreed on; the loan then lasts as long as it takes. French only. */
  readonly fixedInstallment?: bigint;
  /** The first so many instalments repay no principal. */
  readonly graceOnPrincipal?: number;
  /** The first so many instalments pay no interest; it falls due, without interest on it, with the next one. */
  readonly graceOnInterest?: number;
  readonly vatRate?: Rational;
  /** Whether VAT is due on fees as well as on interest. */
  readonly vatOnFees?: boolean;
  readonly fees?: FeeTerms;
}

/** One instalment; amounts in centavos. */
export interface Installment {
  readonly number: number;
  readonly dueDate: CalendarDate;
  readonly principal: bigint;
  readonly interest: bigint;
  readonly vat: bigint;
  readonly fees: bigint;
  readonly total: bigint;
  /** Principal that is still owed after this instalment. */
  readonly balance: bigint;
}

/** The sums of the instalments' columns. */
export interface ScheduleTotals {
  readonly principal: bigint;
  readonly interest: bigint;
  readonly vat: bigint;
  readonly fees: bigint;
  readonly total: bigint;
}

/** What is withheld when the loan is paid out; it stands in no instalment. */
export interface OpeningCharges {
  readonly fees: bigint;
  readonly vat: bigint;
}

export interface Schedule {
  readonly installments: readonly Installment[];
  readonly totals: ScheduleTotals;
  readonly opening: OpeningCharges;
}

/** The most instalments of one loan: a hundred years of months. */
export const termMax = 1_200;
/** 9,999,999,999,999.99, what numeric(15,2) holds. */
export const amountMax = 999_999_999_999_999n;
/** 10,000 % a year: beyond any moratory rate, and small enough for every product to stay bounded. */
export const rateMax = 100n;
/** The most digits of a rate behind the point, as the size of its denominator. */
export const rateDenominatorMax = 10n ** 12n;
