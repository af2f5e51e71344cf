import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import type { LoanRow, LoanStatus } from './loan.ts';

const columns = [
  'id',
  'client_id',
  'amount',
  'interest_rate',
  'term_months',
  'status',
  'granted_at',
  'current_balance',
  'terms',
  'disbursed_on',
  'interest_receivable',
  'reserve',
  'closed_on',
  'product_code',
  'product_version',
  'requested_by',
  'approved_by',
] as const satisfies readonly (keyof LoanRow)[];
const days: ReadonlySet<string> = new Set(['disbursed_on', 'closed_on']);

/** The columns of a row, days as text. */
export const loanColumns = columns.map((column) => (days.has(column) ? `${column}::text` : column)).join(', ');

const insert = writeStatement<
  [
    id: string,
    clientId: string,
    amount: string,
    rate: string,
    term: number,
    terms: string,
    product: string,
    version: number,
    requestedBy: number,
    status: string,
  ],
  LoanRow
>(
  'loan.request',
  `insert into loans (id, client_id, amount, interest_rate, term_months, current_balance, terms, product_code,
       product_version, requested_by, status)
   values ($1, $2, $3, $4, $5, 0, $6::jsonb, $7, $8, $9, $10)
   returning ${loanColumns}`,
);

/** A new loan that is not paid out. */
export async function insertLoan(
  tx: Tx,
  loan: {
    readonly id: string;
    readonly clientId: string;
    readonly amount: string;
    readonly interestRate: string;
    readonly termMonths: number;
    readonly terms: unknown;
    readonly product: { readonly code: string; readonly version: number };
    readonly requestedBy: number;
    readonly status: 'REQUESTED' | 'APPROVED';
  },
): Promise<LoanRow> {
  const { rows } = await tx.run(insert, [
    loan.id,
    loan.clientId,
    loan.amount,
    loan.interestRate,
    loan.termMonths,
    JSON.stringify(loan.terms),
    loan.product.code,
    loan.product.version,
    loan.requestedBy,
    loan.status,
  ]);
  if (!rows[0]) throw new Error('No loan was written');
  return rows[0];
}

const payOut = writeStatement<[id: string, terms: string, day: string, eventId: string, recordedBy: number], LoanRow>(
  'loan.pay_out',
  `with disbursed as (
    insert into loan_events (id, loan_id, kind, happened_on, amount, recorded_by)
    select $4, l.id, 'disbursed', $3::date, l.amount, $5 from loans l where l.id = $1
  )
  update loans set status = 'ACTIVE', current_balance = amount, terms = $2::jsonb, disbursed_on = $3::date,
      granted_at = now(), updated_at = now()
   where id = $1 returning ${loanColumns}`,
);

/** Pays out a loan that the transaction has locked, or just made, with the event of it. */
export async function payOutLoan(
  tx: Tx,
  loan: {
    readonly id: string;
    readonly terms: unknown;
    readonly day: string;
    readonly eventId: string;
    readonly recordedBy: number;
  },
): Promise<LoanRow> {
  const { rows } = await tx.run(payOut, [loan.id, JSON.stringify(loan.terms), loan.day, loan.eventId, loan.recordedBy]);
  if (!rows[0]) throw new Error(`Loan ${loan.id} vanished while it was locked`);
  return rows[0];
}

const findById = readStatement<[id: string], LoanRow>('loan.find', `select ${loanColumns} from loans where id = $1`);

export async function findLoan(db: Db | Tx, id: string): Promise<LoanRow | undefined> {
  return (await db.run(findById, [id])).rows[0];
}

const lockMany = readStatement<[ids: string[]], LoanRow>(
  'loan.lock',
  `select ${loanColumns} from loans where id = any ($1::uuid[]) order by id for no key update`,
);

/** Locks loans against changes until the transaction ends, always in the order of their keys. */
export async function lockLoans(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, LoanRow>> {
  const { rows } = await tx.run(lockMany, [[...new Set(ids)]]);
  return new Map(rows.map((row) => [row.id, row]));
}

const moveTo = writeStatement<
  [id: string, status: string, balance: string, receivable: string | null, reserve: string | null, by: number | null],
  LoanRow
>(
  'loan.move',
  `update loans set status = $2, current_balance = $3, interest_receivable = coalesce($4, interest_receivable),
       reserve = coalesce($5, reserve), approved_by = coalesce($6, approved_by), updated_at = now()
    where id = $1 returning ${loanColumns}`,
);

/** Writes the state of a loan that the transaction has locked; what is not named stays. */
export async function moveLoan(
  tx: Tx,
  loan: {
    readonly id: string;
    readonly status: LoanStatus;
    readonly balance: string;
    readonly receivable?: string;
    readonly reserve?: string;
    readonly approvedBy?: number;
  },
): Promise<LoanRow> {
  const { id, status, balance, receivable = null, reserve = null, approvedBy = null } = loan;
  const { rows } = await tx.run(moveTo, [id, status, balance, receivable, reserve, approvedBy]);
  if (!rows[0]) throw new Error(`Loan ${id} vanished while it was locked`);
  return rows[0];
}

const list = readStatement<[clientId: string | null, status: string | null, limit: number, skip: number], LoanRow>(
  'loan.list',
  `select ${loanColumns} from loans
    where ($1::uuid is null or client_id = $1) and ($2::text is null or status = $2)
    order by granted_at, id limit $3 offset $4`,
);

/** In the order in which they were granted. */
export async function listLoans(
  db: Db | Tx,
  page: {
    readonly clientId?: string | undefined;
    readonly status?: string | undefined;
    readonly limit: number;
    readonly skip: number;
  },
): Promise<readonly LoanRow[]> {
  return (await db.run(list, [page.clientId ?? null, page.status ?? null, page.limit, page.skip])).rows;
}
