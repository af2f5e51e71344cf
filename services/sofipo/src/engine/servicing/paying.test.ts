import { describe, expect, it } from 'vitest';
import { addDays } from '../calendar/calendar-date.ts';
import { randomLoan } from '../check/random-loan.ts';
import { LendingRefusal } from '../refusal.ts';
import type { LoanEvent } from './events.ts';
import { openPaying } from './paying.ts';
import { quotePayoff, replayLoan } from './replay.ts';

/** A loan of chance terms on a day of chance, and the payments of that day, the last of which may pay it off. */
function payDay(loan: number): {
  readonly payments: number;
  readonly taken: unknown;
  readonly replayed: unknown;
} {
  const { terms, random } = randomLoan(77, loan);
  const day = addDays(terms.loan.startDate, random.whole(0, 400));
  const events: LoanEvent[] = [{ kind: 'disbursed', id: '0', sequence: 0, date: terms.loan.startDate }];
  const paying = openPaying(terms, events, day);
  if (!paying) throw new Error('the loan was never paid out');
  const splits: unknown[] = [];
  for (let number = 1; number <= 4 && paying.payoff() > 0n; number += 1) {
    const payoff = paying.payoff();
    expect(payoff).toBe(quotePayoff(terms, events, day)?.total);
    const part = payoff / BigInt(random.whole(1, 5));
    const amount = part === 0n ? payoff : part;
    splits.push(paying.pay(amount));
    events.push({ kind: 'payment', id: String(number), sequence: number, date: day, amount });
  }
  const state = replayLoan(terms, events, day);
  return {
    payments: splits.length,
    taken: { splits, isPaidOff: paying.isPaidOff, principal: paying.outstandingPrincipal },
    replayed: {
      splits: [...(state?.payments.values() ?? [])].map(({ split }) => split),
      isPaidOff: state?.status === 'paid_off',
      principal: state?.outstandingPrincipal,
    },
  };
}

/** Terms of chance that allow no schedule are refused, and are nobody's loan. */
function payDayOf(loan: number): ReturnType<typeof payDay> | undefined {
  try {
    return payDay(loan);
  } catch (error) {
    if (error instanceof LendingRefusal) return undefined;
    throw error;
  }
}

describe('a loan that is opened for the payments of a day', () => {
  it('splits each as a replay with all of them does, whatever the terms', () => {
    const days = Array.from({ length: 300 }, (_, loan) => payDayOf(loan)).filter((day) => day !== undefined);
    for (const { taken, replayed } of days) expect(taken).toEqual(replayed);
    expect(days.reduce((sum, { payments }) => sum + payments, 0)).toBeGreaterThan(500);
  });

  it('takes no more than pays it off', () => {
    const { terms } = randomLoan(77, 1);
    const events = [{ kind: 'disbursed', id: '0', date: terms.loan.startDate }] as const;
    const paying = openPaying(terms, events, terms.loan.startDate);
    const payoff = paying?.payoff() ?? 0n;
    expect(() => paying?.pay(payoff + 1n)).toThrow(LendingRefusal);
    expect(paying?.pay(payoff)).toBeDefined();
    expect(paying?.isPaidOff).toBe(true);
  });

  it('is none before it is paid out', () => {
    const { terms } = randomLoan(77, 1);
    const events = [{ kind: 'disbursed', id: '0', date: terms.loan.startDate }] as const;
    expect(openPaying(terms, events, addDays(terms.loan.startDate, -1))).toBeUndefined();
  });
});
