import { roundQuotient } from '../number/rounding.ts';
import { amortize } from './amortize.ts';
import { amortizeFast, fastPlan } from './amortize-fast.ts';
import type { Columns } from './columns.ts';
import { planOf } from './lasting-plan.ts';
import type { Plan } from './plan.ts';
import type { Installment, LoanTerms, OpeningCharges, Schedule } from './terms.ts';
import { vatOn } from './vat.ts';

/**
 * The amortization schedule of a loan, to the centavo: principal sums to the amount, the last balance is zero, no amount is
 * negative. Throws a LendingRefusal (field, given, expected) for terms that allow no such schedule.
 */
export function generateSchedule(terms: LoanTerms): Schedule {
  const plan = planOf(terms);
  const fast = fastPlan(plan);
  const rows = fast ? rowsOf(plan, amortizeFast(plan, fast)) : rowsOf(plan, amortize(plan));
  return { ...rows, opening: openingCharges(terms) };
}

/** What is withheld on paying out: the rate on the amount plus the fixed part, and VAT on it where fees bear VAT. */
function openingCharges({ amount, fees, vatRate, vatOnFees }: LoanTerms): OpeningCharges {
  const rate = fees?.openingRate;
  const share = rate ? roundQuotient(amount * rate.numerator, rate.denominator, 'half_even') : 0n;
  const opening = share + (fees?.openingAmount ?? 0n);
  return { fees: opening, vat: vatOnFees && vatRate ? vatOn(opening, vatRate) : 0n };
}

/** The rows and sums that columns of a plan make. */
function rowsOf(plan: Plan, columns: Columns<number> | Columns<bigint>): Omit<Schedule, 'opening'> {
  const { dueDates, feesEach: fees } = plan;
  const installments: Installment[] = [];
  const sums = { interest: 0n, vat: 0n };
  const startDate = plan.seed.startDate;
  let balance = plan.principal;
  for (let row = 0; row < columns.principal.length; row += 1) {
    const principal = BigInt(columns.principal[row] ?? 0);
    const interest = BigInt(columns.interest[row] ?? 0);
    const vat = BigInt(columns.vat[row] ?? 0);
    balance -= principal;
    sums.interest += interest;
    sums.vat += vat;
    const total = principal + interest + vat + fees;
    installments.push({
      number: row + 1,
      dueDate: dueDates[row] ?? startDate,
      principal,
      interest,
      vat,
      fees,
      total,
      balance,
    });
  }
  const principal = plan.principal;
  const allFees = fees * BigInt(installments.length);
  const total = principal + sums.interest + sums.vat + allFees;
  return { installments, totals: { principal, ...sums, fees: allFees, total } };
}
