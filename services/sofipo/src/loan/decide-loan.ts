import { recordAudit } from '@quinta/platform/audit';
import { actorIdOf, type Context } from '@quinta/platform/kernel';
import { recordEvents } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { eventOf } from '../events/domain-events.ts';
import { loanCannotMove, samePerson } from '../problems.ts';
import { lockedLoan } from './change-loan.ts';
import { payOut } from './grant-loan.ts';
import { type Loan, loanOf } from './loan.ts';
import { moveLoan } from './loan-store.ts';

/**
 * Approves a requested loan, or rejects it; whoever asked for it may do neither.
 * @throws Problem loan_not_found, loan_cannot_move or same_person
 */
export function decideLoan(
  app: Sofipo,
  context: Context,
  {
    id,
    isApproved,
    reason,
  }: { readonly id: string; readonly isApproved: boolean; readonly reason?: string | undefined },
): Promise<Loan> {
  const status = isApproved ? 'APPROVED' : 'CANCELLED';
  const writes = app.writes(context, `loan:${id}`);
  return writes.transact(async (tx) => {
    const before = await lockedLoan(tx, id);
    writes.touch(`client:${before.client_id}`);
    if (before.status !== 'REQUESTED') throw loanCannotMove({ id, to: status, from: before.status });
    const approvedBy = actorIdOf(context);
    if (before.requested_by === approvedBy) throw samePerson({ id });
    const row = await moveLoan(tx, { id, status, balance: '0.00', ...(isApproved ? { approvedBy } : {}) });
    const because = reason === undefined ? {} : { reason };
    await recordAudit(tx, context, {
      action: isApproved ? 'approve' : 'reject',
      resourceType: 'loan',
      resourceId: id,
      oldValues: { status: before.status },
      newValues: { status, ...because },
    });
    const type = isApproved ? 'loan_approved' : 'loan_rejected';
    await recordEvents(tx, context, [eventOf(type, { id }, { from: before.status, to: status, ...because })]);
    return loanOf(row);
  });
}

/**
 * Pays out an approved loan, from today on unless its terms name a day.
 * @throws Problem loan_not_found, loan_cannot_move or lending_refused
 */
export function disburseLoan(
  app: Sofipo,
  context: Context,
  { id, firstDueDate }: { readonly id: string; readonly firstDueDate?: string | undefined },
): Promise<Loan> {
  const writes = app.writes(context, `loan:${id}`);
  return writes.transact(async (tx) => {
    const before = await lockedLoan(tx, id);
    writes.touch(`client:${before.client_id}`);
    if (before.status !== 'APPROVED') throw loanCannotMove({ id, to: 'ACTIVE', from: before.status });
    const loan = loanOf(await payOut(tx, app, context, { loan: before, firstDueDate }));
    await recordAudit(tx, context, {
      action: 'disburse',
      resourceType: 'loan',
      resourceId: id,
      oldValues: { status: before.status },
      newValues: { ...loan },
    });
    await recordEvents(tx, context, [eventOf('loan_created', { id }, { ...loan })]);
    return loan;
  });
}
