import { recordAudit } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import { actorIdOf, type Context, formatMinor } from '@quinta/platform/kernel';
import { recordEvents } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import {
  addSplits,
  formatCalendarDate,
  type LoanState,
  nothingSplit,
  replayLoan,
  type Split,
  subtractSplit,
} from '../engine/index.ts';
import { eventOf } from '../events/domain-events.ts';
import { bookedInterest, receipt } from '../ledger/entry.ts';
import { postEntry } from '../ledger/ledger-store.ts';
import { refusingFields } from '../lending-refusal.ts';
import { historyOf, nextDay, nextEvent } from '../loan/event-store.ts';
import { servedBy } from '../loan/loan.ts';
import { minorOf } from '../loan/loan-terms.ts';
import { lockLoans, moveLoan } from '../loan/loan-store.ts';
import { newId } from '../new-id.ts';
import { loanNotFound, paymentNotFound, paymentReversed } from '../problems.ts';
import { type Payment, paymentOf, splitTexts } from './payment.ts';
import { findPayments, markReversed, resplitPayments, type SplitOfPayment } from './payment-store.ts';

/**
 * Takes a payment back: the loan is replayed as if it had never been, so that later payments may settle something else,
 * and the ledger is posted the difference. What was written stays written.
 * @throws Problem loan_not_found, payment_not_found or payment_reversed
 */
export async function reversePayment(
  app: Sofipo,
  context: Context,
  { loanId, paymentId }: { readonly loanId: string; readonly paymentId: string },
): Promise<Payment> {
  const writes = app.writes(context, `loan:${loanId}`);
  return writes.transact(async (tx) => {
    const loan = (await lockLoans(tx, [loanId])).get(loanId);
    if (!loan) throw loanNotFound();
    writes.touch(`client:${loan.client_id}`);
    const payment = (await findPayments(tx, [paymentId])).get(paymentId);
    if (payment?.loan_id !== loanId) throw paymentNotFound();
    if (payment.reversed_at) throw paymentReversed({ id: paymentId, at: payment.reversed_at.toISOString() });
    const { events, idOf } = await historyOf(tx, loanId);
    const today = nextDay(loan, { events }, app.today());
    const day = formatCalendarDate(today);
    const terms = servedBy(loan);
    const reversed = idOf.get(paymentId) ?? '';
    const reversal = { ...nextEvent(0), kind: 'reversal', date: today, reverses: reversed } as const;
    const [before, after] = refusingFields(() => [
      replayLoan(terms, events, today),
      replayLoan(terms, [...events, reversal], today),
    ]);
    if (!before || !after) throw new Error(`Loan ${loanId} was paid before it was paid out`);
    const id = newId(context);
    const row = await markReversed(tx, { id, paymentId, day, actorId: actorIdOf(context) });
    const keys = new Map([...idOf].map(([key, place]) => [place, key]));
    const change = await resplit(tx, { before, after, reversed, keys });
    const receivable = minorOf(loan.interest_receivable);
    const postings = receipt(change, receivable);
    await postEntry(tx, { loanId, eventId: id, day, postings });
    const status = after.status === 'paid_off' ? 'PAID_OFF' : loan.status === 'PAID_OFF' ? 'ACTIVE' : loan.status;
    await moveLoan(tx, {
      id: loanId,
      status,
      balance: formatMinor(after.outstandingPrincipal),
      receivable: formatMinor(receivable - bookedInterest(change.interest, receivable)),
    });
    const answer = paymentOf(row);
    await recordAudit(tx, context, {
      action: 'reverse',
      resourceType: 'payment',
      resourceId: paymentId,
      oldValues: { reversed_at: null },
      newValues: { reversed_at: answer.reversed_at, loan_id: loanId },
    });
    await recordEvents(tx, context, [eventOf('payment_reversed', { id: paymentId, orderKey: loanId }, { ...answer })]);
    return answer;
  });
}

/** Writes what each other payment settles now; returns what all of it together settles more, or less, than before. */
async function resplit(
  tx: Tx,
  {
    before,
    after,
    reversed,
    keys,
  }: {
    readonly before: LoanState;
    readonly after: LoanState;
    readonly reversed: string;
    readonly keys: ReadonlyMap<string, string>;
  },
): Promise<Split> {
  let change = nothingSplit;
  const moved: SplitOfPayment[] = [];
  for (const [id, { split }] of before.payments) {
    const now = id === reversed ? nothingSplit : (after.payments.get(id)?.split ?? split);
    if (isSame(split, now)) continue;
    change = addSplits(change, subtractSplit(now, split));
    if (id !== reversed) moved.push({ id: keys.get(id) ?? '', ...splitTexts(now) });
  }
  await resplitPayments(tx, moved);
  return change;
}

function isSame(one: Split, other: Split): boolean {
  return Object.values(subtractSplit(one, other)).every((part) => part === 0n);
}
