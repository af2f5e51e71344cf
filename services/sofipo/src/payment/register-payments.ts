import { createHash } from 'node:crypto';
import type { Tx } from '@quinta/platform/database';
import { actorIdOf, type Clock, type Context, formatMinor, type Problem, uuidV8 } from '@quinta/platform/kernel';
import { eventIds, hintOutbox } from '@quinta/platform/messaging';
import type { Sofipo } from '../app.ts';
import { type CalendarDate, formatCalendarDate } from '../engine/index.ts';
import { eventOf } from '../events/domain-events.ts';
import { receipt } from '../ledger/entry.ts';
import type { LoanRow } from '../loan/loan.ts';
import { lockLoans } from '../loan/loan-store.ts';
import { newId } from '../new-id.ts';
import { everybody, type Name, type ReadYourWrites } from '../read-your-writes.ts';
import { type Decided, decidePayments } from './decide-payments.ts';
import type { PayingLoans } from './paying-loans.ts';
import { type Payment, paymentOf, type PaymentRow, splitTexts } from './payment.ts';
import { insertPayments, postPayments, tellPayments, type Written } from './payment-set-store.ts';
import { findPayments } from './payment-store.ts';

/** A payment that is asked for, with what its audit row tells of the request. */
export interface PaymentCommand {
  readonly id: string;
  /** Whether the id stands for an idempotency key, so that the payment may be there already. */
  readonly isKeyed: boolean;
  readonly loanId: string;
  readonly amount: bigint;
  readonly actorId: number;
  readonly requestId: string;
  readonly endpoint: string;
  readonly method: string;
  readonly address: string;
  readonly userAgent: string;
}

export type PaymentOutcome =
  | { readonly kind: 'registered' | 'replayed'; readonly payment: Payment }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** Registers a payment of today, together with those of other requests that wait at this moment. */
export function registerPayment(
  app: Sofipo,
  context: Context,
  asked: { readonly loanId: string; readonly amount: bigint; readonly key: string | undefined },
): Promise<PaymentOutcome> {
  const { loanId, amount, key } = asked;
  const actorId = actorIdOf(context);
  const keyed = JSON.stringify(['payment.register', actorId, loanId, key]);
  const command: PaymentCommand = {
    id: key === undefined ? newId(context) : uuidV8(createHash('sha256').update(keyed).digest()),
    isKeyed: key !== undefined,
    loanId,
    amount,
    actorId,
    requestId: context.requestId,
    endpoint: context.endpoint,
    method: context.method,
    address: context.client.address,
    userAgent: context.client.userAgent,
  };
  return app.sets.payments.submit(command, context.signal);
}

/** What a set of payments stands on. */
export interface PaymentParts extends Pick<ReadYourWrites, 'writes'> {
  readonly clock: Clock;
  /** The business day at this moment. */
  readonly today: () => CalendarDate;
  readonly payingLoans: PayingLoans;
}

/**
 * Registers a set of payments in one transaction: loans are locked in the order of their keys, every payment is decided
 * as if those before it had come alone, and what is accepted is written with its event, entry, audit row and message.
 */
export async function registerSet(parts: PaymentParts, commands: readonly PaymentCommand[]): Promise<PaymentOutcome[]> {
  const writes = parts.writes(everybody);
  return writes.transact(async (tx) => {
    const loanIds = commands.map(({ loanId }) => loanId);
    const loans = await lockLoans(tx, loanIds);
    const opened = await parts.payingLoans.of(tx, loans, parts.today());
    const keyed = commands.filter(({ isKeyed }) => isKeyed).map(({ id }) => id);
    const known = keyed.length === 0 ? new Map<string, PaymentRow>() : await findPayments(tx, keyed);
    const decided = decidePayments(commands, { loans, open: opened.open, known });
    writes.touch(...touchedBy(commands, decided, loans));
    const { rows, position } = await write(tx, parts, decided);
    tx.afterCommit(() => opened.keep(position));
    return decided.outcomes.map((outcome): PaymentOutcome => {
      if (outcome.kind === 'refused') return outcome;
      const row = rows.get(outcome.id) ?? known.get(outcome.id);
      if (!row) throw new Error(`Payment ${outcome.id} was accepted and is not there`);
      return { kind: outcome.kind, payment: paymentOf(row) };
    });
  });
}

/** What was registered, and what was found to be: who did that may have died before it was told. */
function touchedBy(
  commands: readonly PaymentCommand[],
  { outcomes }: Decided,
  loans: ReadonlyMap<string, LoanRow>,
): readonly Name[] {
  const done = commands.filter((_, place) => outcomes[place]?.kind !== 'refused');
  return done.flatMap(({ actorId, loanId }) => {
    const loan = loans.get(loanId);
    return [`user:${actorId}`, ...(loan ? ([`loan:${loan.id}`, `client:${loan.client_id}`] as const) : [])] as const;
  });
}

async function write(
  tx: Tx,
  { clock }: PaymentParts,
  { accepted, moved }: Pick<Decided, 'accepted' | 'moved'>,
): Promise<Written> {
  if (accepted.length === 0) return { rows: new Map(), position: undefined };
  const splits = accepted.map(({ split }) => splitTexts(split));
  const written = await insertPayments(tx, {
    ids: accepted.map(({ command }) => command.id),
    loanIds: accepted.map(({ command }) => command.loanId),
    amounts: accepted.map(({ command }) => formatMinor(command.amount)),
    days: accepted.map(({ day }) => formatCalendarDate(day)),
    actorIds: accepted.map(({ command }) => command.actorId),
    parts: {
      principal: splits.map(({ principal }) => principal),
      interest: splits.map(({ interest }) => interest),
      vat: splits.map(({ vat }) => vat),
      fee: splits.map(({ fee }) => fee),
      penalty: splits.map(({ penalty }) => penalty),
    },
  });
  postPayments(tx, {
    entries: accepted.map(({ command: { loanId, id }, day }) => ({
      loanId,
      eventId: id,
      day: formatCalendarDate(day),
    })),
    postings: accepted.flatMap(({ split, receivable }, index) =>
      receipt(split, receivable).map(({ account, amount }) => ({
        place: index + 1,
        account,
        amount: formatMinor(amount),
      })),
    ),
    loans: moved.map(({ id, status, balance, receivable }) => ({
      id,
      status,
      balance: formatMinor(balance),
      receivable: formatMinor(receivable),
    })),
  });
  tellPayments(tx, toldOf(written.rows, { accepted, moved, clock }));
  tx.afterCommit(hintOutbox);
  return written;
}

function toldOf(
  rows: ReadonlyMap<string, PaymentRow>,
  { accepted, moved, clock }: Pick<Decided, 'accepted' | 'moved'> & { readonly clock: Clock },
): Parameters<typeof tellPayments>[1] {
  const facts = accepted.flatMap(({ command, paysOff }) => {
    const row = rows.get(command.id);
    if (!row) return [];
    const { reversed_at: _reversed, ...payment } = paymentOf(row);
    const registered = eventOf('payment_registered', { id: command.id, orderKey: command.loanId }, payment);
    const off = moved.find(({ id }) => id === command.loanId);
    const paidOff = eventOf('loan_paid_off', { id: command.loanId }, { payment_id: command.id, status: off?.status });
    return [{ command, payment, events: paysOff ? [registered, paidOff] : [registered] }];
  });
  const events = facts.flatMap(({ command, events: list }) => list.map((event) => ({ command, event })));
  const ids = eventIds({ clock }, events.length);
  return {
    audit: facts.map(({ command, payment }) => ({
      ...command,
      actorId: String(command.actorId),
      resourceId: command.id,
      newValues: JSON.stringify({ loan_id: payment.loan_id, amount: payment.amount, ...payment.split }),
    })),
    events: events.map(({ command, event }, place) => ({
      id: ids[place] ?? '',
      type: event.type,
      routingKey: event.routingKey,
      entityId: event.entityId,
      orderKey: event.orderKey ?? event.entityId,
      payload: JSON.stringify(event.payload),
      requestId: command.requestId,
    })),
  };
}
