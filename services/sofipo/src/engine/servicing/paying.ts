import type { CalendarDate } from '../calendar/calendar-date.ts';
import type { Split } from './allocation.ts';
import { owedOn } from './change-loan.ts';
import type { LoanEvent } from './events.ts';
import { bookOn } from './replay.ts';
import type { ServicingTerms } from './servicing-terms.ts';
import { applyPayment } from './settle.ts';
import { advanceTo } from './timeline.ts';

/** A loan on a day, replayed once, that takes payments of that day one after the other. */
export interface PayingLoan {
  /** What pays it off after the payments that it took. */
  payoff(): bigint;
  /** Takes a payment and returns its split; throws a LendingRefusal for more than pays the loan off. */
  pay(amount: bigint): Split;
  readonly isPaidOff: boolean;
  readonly outstandingPrincipal: bigint;
}

/**
 * The loan as its events have left it on a day, on which nothing happens behind them but payments: each of these gets the
 * split that a replay with all of them would give it. Undefined before the disbursement. Throws as `replayLoan` does.
 */
export function openPaying(
  terms: ServicingTerms,
  events: readonly LoanEvent[],
  day: CalendarDate,
): PayingLoan | undefined {
  const book = bookOn(terms, events, day);
  if (!book) return undefined;
  return {
    payoff: () => Object.values(owedOn(book, day)).reduce((sum, part) => sum + part, 0n),
    pay: (amount) => {
      const split = applyPayment(book, day, amount);
      advanceTo(book, day);
      return split;
    },
    get isPaidOff() {
      return book.status === 'paid_off';
    },
    get outstandingPrincipal() {
      return book.outstanding;
    },
  };
}
