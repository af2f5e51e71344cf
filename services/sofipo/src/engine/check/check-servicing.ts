import { addDays, type CalendarDate } from '../calendar/calendar-date.ts';
import type { Split } from '../servicing/allocation.ts';
import type { LoanEvent } from '../servicing/events.ts';
import { quotePayoff, replayLoan } from '../servicing/replay.ts';
import type { ServicingTerms } from '../servicing/servicing-terms.ts';
import type { LoanState, ServicedInstallment } from '../servicing/state.ts';
import type { RandomSource } from './random-source.ts';

const paymentsMax = 5;
const daysBetweenMax = 70;

/**
 * Lives through a loan with payments of chance amounts on chance days and pays it off, and says what is wrong: splits that
 * do not sum, principal that is lost, a replay in another order or after a reversal that differs, a rest after pay-off.
 */
export function servicingFault(terms: ServicingTerms, random: RandomSource): string | undefined {
  const events: LoanEvent[] = [{ kind: 'disbursed', id: '0', date: terms.loan.startDate }];
  let date = terms.loan.startDate;
  for (let number = 1; number <= random.whole(1, paymentsMax); number += 1) {
    date = addDays(date, random.whole(0, daysBetweenMax));
    const payoff = quotePayoff(terms, events, date)?.total ?? 0n;
    if (payoff === 0n) break;
    events.push({ kind: 'payment', id: String(number), date, amount: partOf(payoff, random) });
  }
  const state = replayLoan(terms, events, date);
  if (!state) return 'the loan was never paid out';
  return sumsFault(terms, state) ?? orderFault(terms, events, state) ?? payoffFault(terms, events, date);
}

function partOf(payoff: bigint, random: RandomSource): bigint {
  const part = (payoff * BigInt(random.whole(1, 1_000))) / (random.oneIn(3) ? 1_000n : 20_000n);
  return part === 0n ? 1n : part;
}

function sumsFault(terms: ServicingTerms, state: LoanState): string | undefined {
  let repaid = 0n;
  for (const [id, { amount, split }] of state.payments) {
    const parts = Object.values(split);
    if (parts.some((part) => part < 0n)) return `payment ${id} has a negative part`;
    if (parts.reduce((sum, part) => sum + part, 0n) !== amount) return `the split of payment ${id} does not sum to it`;
    repaid += split.principal;
  }
  if (state.outstandingPrincipal !== terms.loan.amount - repaid) return 'principal was lost or made';
  const left = state.installments.reduce((sum, { unpaidPrincipal }) => sum + unpaidPrincipal, 0n);
  if (left !== state.outstandingPrincipal) return 'the schedule does not ask for the principal that is owed';
  const isNegative = state.installments.some(({ principal, interest, vat, fees, unpaid }) =>
    [principal, interest, vat, fees, unpaid].some((part) => part < 0n),
  );
  return isNegative ? 'an instalment is negative' : undefined;
}

function orderFault(terms: ServicingTerms, events: readonly LoanEvent[], state: LoanState): string | undefined {
  const date = state.asOf;
  if (!isSame(replayLoan(terms, events.toReversed(), date), state))
    return 'another order of events gives other centavos';
  const last = events.at(-1);
  if (last?.kind !== 'payment') return undefined;
  const undone: LoanEvent = { kind: 'reversal', id: 'reversal', date, reverses: last.id };
  const without = replayLoan(terms, events.slice(0, -1), date);
  return isSame(replayLoan(terms, [undone, ...events], date), without)
    ? undefined
    : 'a reversed payment leaves a trace';
}

function payoffFault(terms: ServicingTerms, events: readonly LoanEvent[], date: CalendarDate): string | undefined {
  const payoff = quotePayoff(terms, events, date)?.total ?? 0n;
  if (payoff === 0n) return undefined;
  const paid: LoanEvent = { kind: 'payment', id: 'payoff', date, amount: payoff };
  const state = replayLoan(terms, [...events, paid], addDays(date, 400));
  if (state?.status !== 'paid_off' || state.outstandingPrincipal !== 0n) return 'the pay-off does not pay the loan off';
  const unpaid = state.installments.reduce((sum, row) => sum + row.unpaid, 0n);
  return unpaid === 0n ? undefined : `${unpaid} is unpaid after the pay-off`;
}

/** Whether two replays give the same centavos: balances, interest to the last digit, instalments, splits. */
function isSame(left: LoanState | undefined, right: LoanState | undefined): boolean {
  if (!left || !right) return left === right;
  return (
    left.status === right.status &&
    left.outstandingPrincipal === right.outstandingPrincipal &&
    left.accruedInterest.rounded === right.accruedInterest.rounded &&
    left.accruedInterest.unrounded.numerator === right.accruedInterest.unrounded.numerator &&
    left.accruedInterest.unrounded.denominator === right.accruedInterest.unrounded.denominator &&
    isSameSplit(left.due, right.due) &&
    isSameSplit(left.pastDue, right.pastDue) &&
    left.installments.length === right.installments.length &&
    left.installments.every((row, index) => isSameInstallment(row, right.installments[index])) &&
    left.payments.size === right.payments.size &&
    [...left.payments].every(([id, { split }]) => isSameSplit(split, right.payments.get(id)?.split))
  );
}

const splitParts = ['penalty', 'fee', 'vat', 'interest', 'principal'] as const;

function isSameSplit(left: Split, right: Split | undefined): boolean {
  return splitParts.every((part) => left[part] === right?.[part]);
}

function isSameInstallment(left: ServicedInstallment, right: ServicedInstallment | undefined): boolean {
  return (
    left.number === right?.number &&
    left.dueDate === right.dueDate &&
    left.principal === right.principal &&
    left.interest === right.interest &&
    left.vat === right.vat &&
    left.fees === right.fees &&
    left.balance === right.balance &&
    left.settled === right.settled &&
    left.isPosted === right.isPosted
  );
}
