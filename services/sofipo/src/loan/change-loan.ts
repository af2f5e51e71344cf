import { recordAudit } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import type { Context } from '@quinta/platform/kernel';
import { recordEvents } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { formatCalendarDate } from '../engine/index.ts';
import { eventOf } from '../events/domain-events.ts';
import { mirrored } from '../ledger/entry.ts';
import { disbursementEventOf, postedTo, postEntry } from '../ledger/ledger-store.ts';
import { loanCannotMove, loanHasPayments, loanNotFound } from '../problems.ts';
import { historyOf, nextDay } from './event-store.ts';
import { type Loan, loanOf, type LoanRow, loanStates, type LoanStatus } from './loan.ts';
import { lockLoans, moveLoan } from './loan-store.ts';

/**
 * Puts a loan in default, or back; the same status again changes nothing.
 * @throws Problem loan_not_found or loan_cannot_move
 */
export function setLoanStatus(
  app: Sofipo,
  context: Context,
  { id, status }: { readonly id: string; readonly status: 'ACTIVE' | 'DEFAULTED' },
): Promise<Loan> {
  const writes = app.writes(context, `loan:${id}`);
  return writes.transact(async (tx) => {
    const loan = await lockedLoan(tx, id);
    writes.touch(`client:${loan.client_id}`);
    if (loan.status === status) return loanOf(loan);
    // What pays a loan off or out is more than a word.
    const isServed = loan.status === 'ACTIVE' || loan.status === 'DEFAULTED';
    if (!isServed) throw loanCannotMove({ id, to: status, from: loan.status });
    return move(tx, context, { loan, status, balance: loan.current_balance });
  });
}

/**
 * Cancels a loan that has no payments: what it posted is taken back, and the loan stays to be seen.
 * @throws Problem loan_not_found, loan_has_payments or loan_cannot_move
 */
export async function cancelLoan(app: Sofipo, context: Context, id: string): Promise<void> {
  const writes = app.writes(context, `loan:${id}`);
  await writes.transact(async (tx) => {
    const loan = await lockedLoan(tx, id);
    writes.touch(`client:${loan.client_id}`);
    if (!loanStates.allows(loan.status, 'CANCELLED')) throw loanCannotMove({ id, to: 'CANCELLED', from: loan.status });
    if (loan.disbursed_on !== null) await takeBack(tx, app, loan);
    await move(tx, context, { loan, status: 'CANCELLED', balance: '0.00' });
  });
}

/** Takes back what a loan without payments has posted. */
async function takeBack(tx: Tx, app: Sofipo, loan: LoanRow): Promise<void> {
  const { id } = loan;
  const { events } = await historyOf(tx, id);
  const reversed = new Set(events.flatMap((event) => (event.kind === 'reversal' ? [event.reverses] : [])));
  if (events.some((event) => event.kind === 'payment' && !reversed.has(event.id))) throw loanHasPayments({ id });
  const postings = mirrored(await postedTo(tx, id));
  const eventId = await disbursementEventOf(tx, id);
  const day = formatCalendarDate(nextDay(loan, { events }, app.today()));
  await postEntry(tx, { loanId: id, eventId, day, postings });
}

/**
 * A loan that the transaction has locked.
 * @throws Problem loan_not_found
 */
export async function lockedLoan(tx: Tx, id: string): Promise<LoanRow> {
  const loan = (await lockLoans(tx, [id])).get(id);
  if (!loan) throw loanNotFound();
  return loan;
}

const offTheBooks = { receivable: '0.00', reserve: '0.00' } as const;

async function move(
  tx: Tx,
  context: Context,
  { loan, status, balance }: { readonly loan: LoanRow; readonly status: LoanStatus; readonly balance: string },
): Promise<Loan> {
  const row = await moveLoan(tx, { id: loan.id, status, balance, ...(status === 'CANCELLED' ? offTheBooks : {}) });
  await recordAudit(tx, context, {
    action: 'set_status',
    resourceType: 'loan',
    resourceId: loan.id,
    oldValues: { status: loan.status },
    newValues: { status },
  });
  const type = status === 'CANCELLED' ? 'loan_cancelled' : 'loan_status_changed';
  await recordEvents(tx, context, [eventOf(type, { id: loan.id }, { from: loan.status, to: status })]);
  return loanOf(row);
}
