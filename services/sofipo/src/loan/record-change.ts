import { recordAudit } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import { type Answer, idempotently } from '@quinta/platform/http';
import { actorIdOf, type Context, formatMinor } from '@quinta/platform/kernel';
import { recordEvents } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { formatCalendarDate, type LoanState, replayLoan } from '../engine/index.ts';
import { eventOf } from '../events/domain-events.ts';
import { bookedInterest, capitalization, forgiveness, type Posting, recovery, writeOff } from '../ledger/entry.ts';
import { postEntry } from '../ledger/ledger-store.ts';
import { refusingFields } from '../lending-refusal.ts';
import { newId } from '../new-id.ts';
import { loanCannotMove } from '../problems.ts';
import { lockedLoan } from './change-loan.ts';
import { historyOf, insertEvent, type LoanChange, nextDay, nextEvent, toldOf } from './event-store.ts';
import { type Loan, loanOf, type LoanRow, type LoanStatus, servedBy } from './loan.ts';
import { moveLoan } from './loan-store.ts';
import { minorOf } from './loan-terms.ts';

/** What a change asks of a loan, and how it is told. */
const kinds = {
  charge: { from: ['ACTIVE', 'DEFAULTED'], action: 'charge', event: 'loan_charged' },
  waiver: { from: ['ACTIVE', 'DEFAULTED'], action: 'waive', event: 'loan_waived' },
  reschedule: { from: ['ACTIVE', 'DEFAULTED'], action: 'reschedule', event: 'loan_rescheduled' },
  write_off: { from: ['ACTIVE', 'DEFAULTED'], action: 'write_off', event: 'loan_written_off' },
  recovery: { from: ['WRITTEN_OFF'], action: 'recover', event: 'loan_recovered' },
} as const satisfies Readonly<Record<LoanChange['kind'], object>>;

/**
 * Changes a loan of today: charges a fee or penalty, forgives a part, gives it a new schedule, takes it off the books, or
 * takes money for one that was. The loan is replayed with it, and the ledger posted what that moves. With an idempotency
 * key a retry gets the first answer.
 * @throws Problem loan_not_found, loan_cannot_move, or lending_refused for a change that the loan does not allow
 */
export async function changeLoan(
  app: Sofipo,
  context: Context,
  asked: {
    readonly id: string;
    readonly change: LoanChange;
    readonly reason?: string | undefined;
    readonly key: string | undefined;
  },
): Promise<Answer<Loan> & { readonly isReplay: boolean }> {
  const { id, change, reason, key } = asked;
  const told = { ...toldOf(change), ...(reason === undefined ? {} : { reason }) };
  const writes = app.writes(context, `loan:${id}`);
  const answer = await idempotently(writes, { context, key, request: { id, ...told } }, async (tx) => {
    const loan = await lockedLoan(tx, id);
    writes.touch(`client:${loan.client_id}`);
    const { from, action, event } = kinds[change.kind];
    const allowed: readonly LoanStatus[] = from;
    if (!allowed.includes(loan.status)) throw loanCannotMove({ id, to: change.kind, from: loan.status });
    const row = await applyChange(tx, app, context, { loan, change, reason });
    const [before, after] = [loanOf(loan), loanOf(row)];
    await recordAudit(tx, context, {
      action,
      resourceType: 'loan',
      resourceId: id,
      oldValues: { status: before.status, current_balance: before.current_balance },
      newValues: { status: after.status, current_balance: after.current_balance, ...told },
    });
    await recordEvents(tx, context, [eventOf(event, { id }, { ...told, loan: after })]);
    return { status: 201, body: after };
  });
  if (answer.isReplay) await app.writes(context, `loan:${id}`, `client:${answer.body.client_id}`).tell();
  return answer;
}

async function applyChange(
  tx: Tx,
  app: Sofipo,
  context: Context,
  {
    loan,
    change,
    reason,
  }: { readonly loan: LoanRow; readonly change: LoanChange; readonly reason: string | undefined },
): Promise<LoanRow> {
  const { events } = await historyOf(tx, loan.id);
  const day = nextDay(loan, { events }, app.today());
  const terms = servedBy(loan);
  const fresh = nextEvent(0);
  const [before, after] = refusingFields(() => [
    replayLoan(terms, events, day),
    replayLoan(terms, [...events, { ...fresh, date: day, ...change }], day),
  ]);
  if (!before || !after) throw loanCannotMove({ id: loan.id, to: change.kind, from: 'not paid out yet' });
  const { postings, receivable, reserve } = bookingOf(loan, change, { before, after, eventId: fresh.id });
  const id = newId(context);
  await insertEvent(tx, { id, loanId: loan.id, day, change, reason, recordedBy: actorIdOf(context) });
  await postEntry(tx, { loanId: loan.id, eventId: id, day: formatCalendarDate(day), postings });
  return moveLoan(tx, {
    id: loan.id,
    status: statusAfter(loan.status, after),
    balance: formatMinor(after.outstandingPrincipal),
    receivable: formatMinor(receivable),
    reserve: formatMinor(reserve),
  });
}

function statusAfter(status: LoanStatus, { status: state }: LoanState): LoanStatus {
  if (state === 'written_off') return 'WRITTEN_OFF';
  return state === 'paid_off' ? 'PAID_OFF' : status;
}

/** What a change moves in the ledger, and what of interest and reserve is on the books after it. */
function bookingOf(
  loan: LoanRow,
  change: LoanChange,
  { before, after, eventId }: { readonly before: LoanState; readonly after: LoanState; readonly eventId: string },
): { readonly postings: readonly Posting[]; readonly receivable: bigint; readonly reserve: bigint } {
  const [receivable, reserve] = [minorOf(loan.interest_receivable), minorOf(loan.reserve)];
  switch (change.kind) {
    case 'charge':
      return { postings: [], receivable, reserve };
    case 'waiver': {
      const split = after.waivers.get(eventId)?.split;
      if (!split) throw new Error(`A waiver of loan ${loan.id} was not replayed`);
      const left = receivable - bookedInterest(split.interest, receivable);
      return { postings: forgiveness(split, receivable), receivable: left, reserve };
    }
    case 'reschedule': {
      const capitalized = after.outstandingPrincipal - before.outstandingPrincipal;
      const left = receivable - bookedInterest(capitalized, receivable);
      return { postings: capitalization(capitalized, receivable), receivable: left, reserve };
    }
    case 'write_off': {
      const postings = writeOff({ principal: before.outstandingPrincipal, receivable, reserve });
      return { postings, receivable: 0n, reserve: 0n };
    }
    case 'recovery':
      return { postings: recovery(change.amount), receivable, reserve };
    default:
      throw new TypeError(`No booking of ${JSON.stringify(change)}`);
  }
}
