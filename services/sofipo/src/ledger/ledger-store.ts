import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import { amountsOf, type Posting } from './entry.ts';

const insert = writeStatement<
  [loanId: string, eventId: string, day: string, accounts: string[], amounts: string[]],
  never
>(
  'ledger.post',
  `with entry as (
    insert into entries (loan_id, event_id, happened_on) values ($1, $2, $3::date) returning id
  )
  insert into postings (entry_id, account, amount)
  select e.id, p.account, p.amount from entry e cross join unnest($4::text[], $5::numeric[]) as p (account, amount)`,
);

/** Posts an entry of an event; one that moves nothing is none. */
export async function postEntry(
  tx: Tx,
  entry: {
    readonly loanId: string;
    readonly eventId: string;
    readonly day: string;
    readonly postings: readonly Posting[];
  },
): Promise<void> {
  const { loanId, eventId, day, postings } = entry;
  if (postings.length === 0) return;
  await tx.run(insert, [loanId, eventId, day, postings.map(({ account }) => account), amountsOf(postings)]);
}

const sums = readStatement<[loanId: string], { account: string; minor: string }>(
  'ledger.posted',
  `select p.account, (sum(p.amount) * 100)::bigint::text as minor
     from entries e join postings p on p.entry_id = e.id
    where e.loan_id = $1 group by p.account having sum(p.amount) <> 0 order by p.account`,
);

/** What all entries of a loan come to on each account; what comes to nothing is left out. */
export async function postedTo(db: Db | Tx, loanId: string): Promise<readonly Posting[]> {
  const { rows } = await db.run(sums, [loanId]);
  return rows.map(({ account, minor }) => ({ account, amount: BigInt(minor) }));
}

const findDisbursement = readStatement<[loanId: string], { id: string }>(
  'ledger.disbursement',
  "select id from loan_events where loan_id = $1 and kind = 'disbursed' order by position limit 1",
);

/** The key of the event by which a loan was paid out. */
export async function disbursementEventOf(db: Db | Tx, loanId: string): Promise<string> {
  const { rows } = await db.run(findDisbursement, [loanId]);
  if (!rows[0]) throw new Error(`Loan ${loanId} was never paid out`);
  return rows[0].id;
}

/** An account with what was posted to it, in decimals. */
export interface AccountBalance {
  readonly account: string;
  readonly name: string;
  readonly debit: string;
  readonly credit: string;
  readonly balance: string;
}

const balances = readStatement<[], AccountBalance>(
  'ledger.trial_balance',
  `select a.code as account, a.name,
          coalesce(sum(p.amount) filter (where p.amount > 0), 0)::numeric(20, 2)::text as debit,
          coalesce(-sum(p.amount) filter (where p.amount < 0), 0)::numeric(20, 2)::text as credit,
          coalesce(sum(p.amount), 0)::numeric(20, 2)::text as balance
     from accounts a left join postings p on p.account = a.code
    group by a.code, a.name order by a.code`,
);

/** Every account with its turnover; the balances sum to zero. */
export async function trialBalance(db: Db | Tx): Promise<readonly AccountBalance[]> {
  return (await db.run(balances, [])).rows;
}

/** What does not hold: an entry out of balance, or an amount of a loan that is not what its account says. */
export interface LedgerFault {
  readonly kind: 'entry' | 'balance' | 'interest receivable' | 'reserve';
  readonly id: string;
  readonly expected: string;
  readonly found: string;
}

const faults = readStatement<[limit: number], LedgerFault>(
  'ledger.verify',
  `with posted as (
    select e.loan_id, sum(p.amount) filter (where p.account = '1301') as principal,
           sum(p.amount) filter (where p.account = '1303') as interest,
           -sum(p.amount) filter (where p.account = '1391') as reserve
      from entries e join postings p on p.entry_id = e.id group by e.loan_id
  )
  select 'entry' as kind, entry_id::text as id, '0.00' as expected, sum(amount)::text as found
    from postings group by entry_id having sum(amount) <> 0
  union all
  select side.kind, l.id::text, side.expected::text, side.found::numeric(17, 2)::text
    from loans l left join posted p on p.loan_id = l.id
   cross join lateral (values
      ('balance', l.current_balance, coalesce(p.principal, 0)),
      ('interest receivable', l.interest_receivable, coalesce(p.interest, 0)),
      ('reserve', l.reserve, coalesce(p.reserve, 0))) as side (kind, expected, found)
   where side.expected <> side.found
  limit $1`,
);

/** Nothing where the ledger holds: every entry balances, and the amounts of each loan are what its accounts say. */
export async function ledgerFaults(db: Db, limit: number): Promise<readonly LedgerFault[]> {
  return (await db.run(faults, [limit])).rows;
}
