import { roundQuotient } from '../number/rounding.ts';
import { type Columns, finishesEarly, negativeAmortization, neverPaysOff, roundingShortfallMax } from './columns.ts';
import type { Plan } from './plan.ts';
import { vatOn } from './vat.ts';

/**
 * Walks the instalments of a plan in bigints: interest of each period on what is owed, rounded to the centavo, and the
 * principal that the method leaves. The last instalment takes the rest. Throws a LendingRefusal instead of a negative row.
 */
export function amortize(plan: Plan): Columns<bigint> {
  const principals: bigint[] = [];
  const interests: bigint[] = [];
  const vat: bigint[] = [];
  const denominator = plan.rate.denominator * BigInt(plan.periods.perYear);
  let balance = plan.principal;
  let deferred = 0n;
  for (let row = 0; row < plan.count; row += 1) {
    const units = BigInt(plan.periods.units[row] ?? 0);
    const accrued =
      plan.method === 'flat'
        ? flatInterestAt(plan, row)
        : roundQuotient(balance * plan.rate.numerator * units, denominator, plan.rounding);
    const isLast = row === plan.count - 1 || (plan.isFixedInstallment && balance + accrued <= plan.target);
    const principal = isLast ? balance : principalAt(plan, row, balance, accrued);
    const isDeferred = row < plan.graceOnInterest;
    const interest = isDeferred ? 0n : accrued + deferred;
    deferred = isDeferred ? deferred + accrued : 0n;
    principals.push(principal);
    interests.push(interest);
    vat.push(vatOn(interest, plan.vatRate) + plan.feesVatEach);
    balance -= principal;
    if (isLast) {
      if (plan.isFixedInstallment && principal + accrued > plan.target) throw neverPaysOff(plan);
      break;
    }
  }
  return { principal: principals, interest: interests, vat };
}

/** What the flat method asks for in an instalment. */
export function flatInterestAt({ flatInterest, count }: Plan, row: number): bigint {
  return row === count - 1 ? flatInterest.total - flatInterest.each * BigInt(count - 1) : flatInterest.each;
}

function principalAt(plan: Plan, row: number, balance: bigint, accrued: bigint): bigint {
  if (row < plan.graceOnPrincipal || plan.method === 'bullet') return 0n;
  const principal = plan.method === 'equal_principal' ? plan.target : plan.target - accrued;
  if (principal < 0n) {
    if (plan.multiple > 1n || -principal > BigInt(roundingShortfallMax)) throw negativeAmortization(plan, row, accrued);
    return 0n;
  }
  if (principal >= balance) throw finishesEarly(plan, row);
  return principal;
}
