import { roundRational, zero } from '../number/rational.ts';
import { type Plan, targetForRest } from '../schedule/plan.ts';
import { vatOn } from '../schedule/vat.ts';
import { type Amounts, type Book, unpostedPrincipal } from './book.ts';

/** What an instalment is made of, before it is known what it comes to. */
interface RowFacts {
  readonly plan: Plan;
  readonly target: bigint;
  readonly planRow: number;
  /** Interest of its period, rounded. */
  readonly interest: bigint;
  /** Interest of earlier periods that falls due with it. */
  readonly deferred: bigint;
  /** Principal that is owed before it, what was paid in advance on it included. */
  readonly principal: bigint;
  readonly advance: Readonly<Amounts>;
}

/** What an instalment comes to. */
interface RowOutcome {
  readonly due: Amounts;
  readonly deferred: bigint;
  /** The target of the instalments after it. */
  readonly target: bigint;
}

/**
 * Fixes an instalment on its contractual date: interest of the period, and the principal that the method leaves. What was
 * paid in advance during the period counts towards it. Where that covers the whole instalment, interest of the days since
 * then is not due yet: it falls due, without interest on it, with the next one.
 */
export function settleRow(facts: RowFacts, isReducingInstallment: boolean): RowOutcome {
  const { plan, principal, advance } = facts;
  const owed = facts.interest + facts.deferred;
  const wanted = wantedPrincipal(facts);
  const principalDue = greatest(wanted, advance.principal);
  const interestDue = interestOf(facts, wanted, principalDue);
  const isEmpty = principal === 0n && interestDue === 0n;
  const fee = isEmpty ? advance.fee : greatest(plan.feesEach, advance.fee);
  const due = {
    principal: principalDue,
    interest: interestDue,
    interestVat: greatest(vatOn(interestDue, plan.vatRate), advance.interestVat),
    fee,
    feeVat: isEmpty ? advance.feeVat : greatest(plan.feesVatEach, advance.feeVat),
  };
  const isReduced = isReducingInstallment && advance.principal > wanted;
  return {
    due,
    deferred: greatest(owed - interestDue, 0n),
    target: isReduced ? targetForNext(facts, principal - principalDue) : facts.target,
  };
}

/** Posts the next instalment of a book: its interest is rounded here and nowhere else. */
export function postNext(book: Book): void {
  const row = book.rows[book.next];
  if (!row) return;
  const facts: RowFacts = {
    plan: book.plan,
    target: book.target,
    planRow: row.planRow,
    interest: roundRational(book.accrued, book.plan.rounding),
    deferred: book.deferred,
    principal: unpostedPrincipal(book),
    advance: row.settled,
  };
  const outcome = settleRow(facts, book.terms.prepayment === 'reduce_installment');
  row.due = outcome.due;
  row.isPosted = true;
  book.accrued = zero;
  book.deferred = outcome.deferred;
  book.target = outcome.target;
  book.next += 1;
}

/** The target of the instalments behind `planRow` when they must repay `principal`. */
export function targetForNext({ plan, planRow }: Pick<RowFacts, 'plan' | 'planRow'>, principal: bigint): bigint {
  const first = Math.max(planRow + 1, plan.graceOnPrincipal);
  return targetForRest(plan, principal, plan.count - first);
}

function wantedPrincipal({ plan, target, planRow, interest, principal }: RowFacts): bigint {
  if (planRow >= plan.count - 1) return principal;
  if (planRow < plan.graceOnPrincipal || plan.method === 'bullet') return 0n;
  const wanted = plan.method === 'equal_principal' ? target : target - interest;
  return least(greatest(wanted, 0n), principal);
}

function interestOf(
  { plan, planRow, interest, deferred, principal, advance }: RowFacts,
  ...parts: [bigint, bigint]
): bigint {
  const [wanted, principalDue] = parts;
  const owed = interest + deferred;
  if (principalDue === principal) return greatest(owed, advance.interest);
  if (planRow < plan.graceOnInterest) return advance.interest;
  const isCovered = advance.principal > wanted || advance.interest + advance.principal >= wanted + owed;
  const uncovered = isCovered ? greatest(wanted + owed - principalDue, 0n) : owed;
  return greatest(least(owed, uncovered), advance.interest);
}

function least(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}

function greatest(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
