export {
  addDays,
  addMonths,
  type CalendarDate,
  calendarDate,
  formatCalendarDate,
  parseCalendarDate,
} from './calendar/calendar-date.ts';
export { type Frequency } from './calendar/due-dates.ts';
export { type HolidayCalendar, holidaysOf, isBusinessDay, nextBusinessDay } from './calendar/holidays.ts';
export { type DayCount, yearFraction } from './day-count.ts';
export { type Cat, catOf } from './flows/cat.ts';
export { type Flow, internalRate } from './flows/internal-rate.ts';
export { formatRational, parseRational, type Rational, rational } from './number/rational.ts';
export { type RoundingMode } from './number/rounding.ts';
export { LendingRefusal, type RefusalCode } from './refusal.ts';
export { generateSchedule } from './schedule/schedule.ts';
export {
  type AmortizationMethod,
  amountMax,
  type FeeTerms,
  type Installment,
  type LoanTerms,
  type OpeningCharges,
  type Schedule,
  type ScheduleTotals,
  termMax,
} from './schedule/terms.ts';
export { simulate, type Simulation } from './simulate.ts';
export {
  addSplits,
  allocatePayment,
  type Bucket,
  type Component,
  defaultOrder,
  nothingSplit,
  type Split,
  subtractSplit,
} from './servicing/allocation.ts';
export { type LoanEvent, type Reschedule } from './servicing/events.ts';
export {
  dailyLateFee,
  daysLate,
  type LateFeeAmounts,
  type LateFeeBasis,
  moratoryInterest,
} from './servicing/late-charges.ts';
export { openPaying, type PayingLoan } from './servicing/paying.ts';
export { type PayoffQuote, quotePayoff, replayLoan } from './servicing/replay.ts';
export { checkServicing, type PrepaymentPolicy, type ServicingTerms } from './servicing/servicing-terms.ts';
export { type LoanState, type ServicedInstallment } from './servicing/state.ts';
export {
  type AgedAmount,
  ageAmounts,
  ageingRanges,
  type AgeRange,
  daysPastDue,
  delinquencyRanges,
  delinquentSince,
  loanDaysPastDue,
  type OverdueAmount,
  rangeOf,
} from './portfolio/arrears.ts';
export {
  delinquencyIndex,
  type LoanRisk,
  nonPerformingDays,
  portfolioAtRisk,
  type PortfolioShare,
} from './portfolio/risk.ts';
export { reserveOf, type ReserveTable, reserveTableOn, reserveTables, type ReserveType } from './portfolio/reserves.ts';
