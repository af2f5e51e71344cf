import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import type { PaymentRow } from './payment.ts';

export const paymentColumns = `id, loan_id, amount, payment_date, principal, interest, vat, fee, penalty, reversed_at`;

const findMany = readStatement<[ids: string[]], PaymentRow>(
  'payment.find_many',
  `select ${paymentColumns} from payments where id = any ($1::uuid[])`,
);

export async function findPayments(db: Db | Tx, ids: readonly string[]): Promise<ReadonlyMap<string, PaymentRow>> {
  const { rows } = await db.run(findMany, [[...ids]]);
  return new Map(rows.map((row) => [row.id, row]));
}

const listByLoan = readStatement<[loanId: string, limit: number, skip: number], PaymentRow>(
  'payment.list',
  `select ${paymentColumns} from payments where loan_id = $1 order by payment_date, id limit $2 offset $3`,
);

/** The payments of a loan, oldest first. */
export async function listPayments(
  db: Db | Tx,
  page: { readonly loanId: string; readonly limit: number; readonly skip: number },
): Promise<readonly PaymentRow[]> {
  return (await db.run(listByLoan, [page.loanId, page.limit, page.skip])).rows;
}

const listByClient = readStatement<[clientId: string, limit: number], PaymentRow>(
  'payment.list_by_client',
  `select ${paymentColumns
    .split(', ')
    .map((column) => `p.${column}`)
    .join(', ')}
     from payments p join loans l on l.id = p.loan_id
    where l.client_id = $1 order by p.payment_date desc, p.id desc limit $2`,
);

/** The payments of all loans of a client, newest first. */
export async function listPaymentsOfClient(
  db: Db | Tx,
  clientId: string,
  limit: number,
): Promise<readonly PaymentRow[]> {
  return (await db.run(listByClient, [clientId, limit])).rows;
}

const resplit = writeStatement<
  [ids: string[], principal: string[], interest: string[], vat: string[], fee: string[], penalty: string[]],
  never
>(
  'payment.resplit',
  `update payments p
      set principal = s.principal, interest = s.interest, vat = s.vat, fee = s.fee, penalty = s.penalty
     from unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[])
       as s (id, principal, interest, vat, fee, penalty)
    where p.id = s.id`,
);

/** What a payment settles, as decimal text. */
export type SplitOfPayment = Pick<PaymentRow, 'id' | 'principal' | 'interest' | 'vat' | 'fee' | 'penalty'>;

/** A reversal moves what later payments of the loan settle. */
export async function resplitPayments(tx: Tx, splits: readonly SplitOfPayment[]): Promise<void> {
  if (splits.length === 0) return;
  await tx.run(resplit, [
    splits.map(({ id }) => id),
    splits.map(({ principal }) => principal),
    splits.map(({ interest }) => interest),
    splits.map(({ vat }) => vat),
    splits.map(({ fee }) => fee),
    splits.map(({ penalty }) => penalty),
  ]);
}

const reverse = writeStatement<[reversalId: string, paymentId: string, day: string, actorId: number], PaymentRow>(
  'payment.reverse',
  `with recorded as (
    insert into loan_events (id, loan_id, kind, happened_on, reverses, recorded_by)
    select $1, loan_id, 'reversal', $3::date, id, $4 from loan_events where id = $2
  )
  update payments set reversed_at = now() where id = $2 returning ${paymentColumns}`,
);

/** Records the reversal of a payment of a loan that the transaction has locked. */
export async function markReversed(
  tx: Tx,
  reversal: {
    readonly id: string;
    readonly paymentId: string;
    readonly day: string;
    readonly actorId: number;
  },
): Promise<PaymentRow> {
  const { rows } = await tx.run(reverse, [reversal.id, reversal.paymentId, reversal.day, reversal.actorId]);
  if (!rows[0]) throw new Error(`Payment ${reversal.paymentId} vanished while its loan was locked`);
  return rows[0];
}
