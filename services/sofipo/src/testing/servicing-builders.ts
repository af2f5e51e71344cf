import type { LoanEvent } from '../engine/servicing/events.ts';
import { replayLoan } from '../engine/servicing/replay.ts';
import type { ServicingTerms } from '../engine/servicing/servicing-terms.ts';
import type { LoanState } from '../engine/servicing/state.ts';
import { day, pesos } from './builders.ts';

/** A payment as a test writes it. */
export function payment(id: string, date: string, amount: string): LoanEvent {
  return { kind: 'payment', id, date: day(date), amount: pesos(amount) };
}

/** The disbursement that every story begins with. */
export function disbursed(date: string): LoanEvent {
  return { kind: 'disbursed', id: 'd', date: day(date) };
}

/** The state of a loan that was paid out before the day. */
export function stateOn(terms: ServicingTerms, events: readonly LoanEvent[], asOf: string): LoanState {
  const state = replayLoan(terms, events, day(asOf));
  if (!state) throw new Error('the loan is not paid out yet');
  return state;
}
