import { createHash, randomUUID } from 'node:crypto';
import type { RunSet } from '../src/database/coalescer.ts';
import { type Database, type Db, readStatement, type Tx, writeStatement } from '../src/database/index.ts';

/**
 * A small ledger with all that a hot write has: a key that stands for the request, a rule that depends on what came
 * before (an account pays as many coins as it holds), an audit row for each decision and an outbox row for each payment,
 * and a poison (`raise` breaks a CHECK that no condition looks at).
 */
export interface Payment {
  readonly key: string;
  readonly account: number;
  readonly note: string;
}

/** `before` is the answer to a repeat; `reused` to a key that stands for something else; `unknown` to no such account. */
export type Paid = 'paid' | 'paid before' | 'empty' | 'empty before' | 'reused' | 'unknown';

/** The note that no statement survives. */
export const poison = 'raise';

export function ledgerTables({ types }: Db['dialect']): readonly string[] {
  return [
    'create table accounts (id integer not null primary key, coins integer not null check (coins >= 0))',
    `create table request_keys (request_key ${types.uuid} not null primary key, account_id integer not null,
       note varchar(40) not null, set_id ${types.uuid} not null)`,
    'create index ix_request_keys_set on request_keys (set_id)',
    `create table payments (id ${types.autoId}, request_key ${types.uuid} not null unique, account_id integer not null,
       note varchar(40) not null check (note <> '${poison}'))`,
    `create table audit_rows (id ${types.autoId}, request_key ${types.uuid} not null, action varchar(10) not null)`,
    `create table outbox_rows (id ${types.autoId}, request_key ${types.uuid} not null, account_id integer not null)`,
  ];
}

/** In which order a set locks accounts: two that differ in it can wait for each other in a circle. */
export type LockOrder = 'ascending' | 'descending';

/** Runs a set of payments in one statement, or, where the engine cannot, in one transaction. */
export function paySet(database: Database, locks: LockOrder = 'ascending'): RunSet<Payment, Paid> {
  const pay = database.dialect.hasReturning ? payAtOnce(locks) : payInSteps(locks);
  return async (payments) => {
    const decided = await pay(database, payments, randomUUID());
    const fresh = new Map(decided.map((row) => [row.request_key, row]));
    const others = payments.map(({ key }) => key).filter((key) => !fresh.has(key));
    const known = others.length === 0 ? [] : (await database.run(findDecided(database), [JSON.stringify(others)])).rows;
    return outcomesOf(payments, fresh, new Map(known.map((row) => [row.request_key, row])));
  };
}

interface DecidedRow {
  readonly request_key: string;
  readonly account_id: number;
  readonly note: string;
  /** A number from MySQL. */
  readonly is_paid: boolean | number;
}

/** The first payment of a key on an account that is there is the one; those behind it are repeats. */
function outcomesOf(
  payments: readonly Payment[],
  fresh: ReadonlyMap<string, DecidedRow>,
  known: ReadonlyMap<string, DecidedRow>,
): Paid[] {
  const told = new Set<string>();
  return payments.map((payment) => {
    const row = fresh.get(payment.key) ?? known.get(payment.key);
    const isSame = row?.account_id === payment.account && row.note === payment.note;
    const isRepeat = told.has(payment.key) || !fresh.has(payment.key);
    if (!row || (!isRepeat && !isSame)) return 'unknown';
    told.add(payment.key);
    if (!isSame) return 'reused';
    const outcome = row.is_paid ? 'paid' : 'empty';
    return isRepeat ? (`${outcome} before` as const) : outcome;
  });
}

type Pay = (database: Database, payments: readonly Payment[], setId: string) => Promise<readonly DecidedRow[]>;

/** Keys are claimed and accounts locked in their order, so that two sets never wait for each other in a circle. */
const payStatement = writeStatement<[keys: string[], accounts: number[], notes: string[], setId: string], DecidedRow>(
  'ledger.pay',
  `with command as (
    select distinct on (c.request_key) c.*
      from unnest($1::uuid[], $2::int[], $3::text[]) with ordinality as c (request_key, account_id, note, place)
      join accounts a on a.id = c.account_id
     order by c.request_key, c.place
  ), claimed as (
    insert into request_keys (request_key, account_id, note, set_id)
    select request_key, account_id, note, $4::uuid from command order by request_key
    on conflict do nothing
    returning request_key
  ), fresh as (
    select command.* from command join claimed using (request_key)
  ), locked as (
    select id, coins from accounts where id in (select account_id from fresh) order by id for update
  ), decided as (
    select f.*, row_number() over (partition by f.account_id order by f.place) <= l.coins as is_paid
      from fresh f join locked l on l.id = f.account_id
  ), paid as (
    insert into payments (request_key, account_id, note)
    select request_key, account_id, note from decided where is_paid order by place
  ), taken as (
    update accounts a set coins = a.coins - n.count
      from (select account_id, count(*) as count from decided where is_paid group by account_id) n
     where a.id = n.account_id
  ), audited as (
    insert into audit_rows (request_key, action)
    select request_key, case when is_paid then 'paid' else 'empty' end from decided order by place
  ), told as (
    insert into outbox_rows (request_key, account_id)
    select request_key, account_id from decided where is_paid order by place
  )
  select request_key, account_id, note, is_paid from decided`,
);

function payAtOnce(locks: LockOrder): Pay {
  const ascending = 'order by id for update';
  const text =
    locks === 'ascending' ? payStatement.text : payStatement.text.replace(ascending, 'order by id desc for update');
  const statement = { ...payStatement, text };
  return async (database, payments, setId) => {
    const { rows } = await database.runAlone(statement, [
      payments.map(({ key }) => key),
      payments.map(({ account }) => account),
      payments.map(({ note }) => note),
      setId,
    ]);
    return rows;
  };
}

const rowsOf = `json_table(?, '$[*]' columns (place for ordinality, request_key char(36) path '$.key',
  account_id integer path '$.account', note varchar(40) path '$.note', is_paid integer path '$.isPaid')) c`;
const steps = {
  claim: writeStatement<[setId: string, payments: string], never>(
    'ledger.claim',
    `insert ignore into request_keys (request_key, account_id, note, set_id)
     select c.request_key, c.account_id, c.note, ? from ${rowsOf} join accounts a on a.id = c.account_id
      order by c.request_key, c.place`,
  ),
  fresh: readStatement<[payments: string, setId: string], Omit<DecidedRow, 'is_paid'>>(
    'ledger.fresh',
    `select k.request_key, k.account_id, k.note from request_keys k
       join (select min(place) as place, request_key, account_id, note from ${rowsOf}
              group by request_key, account_id, note) c
         on c.request_key = k.request_key and c.account_id = k.account_id and c.note = k.note
      where k.set_id = ? order by c.place`,
  ),
  lock: readStatement<[id: number], { id: number; coins: number }>(
    'ledger.lock',
    'select id, coins from accounts where id = ? for update',
  ),
  pay: writeStatement<[decided: string], never>(
    'ledger.pay',
    `insert into payments (request_key, account_id, note)
     select c.request_key, c.account_id, c.note from ${rowsOf} where c.is_paid order by c.place`,
  ),
  take: writeStatement<[coins: number, id: number], never>('ledger.take', 'update accounts set coins = ? where id = ?'),
  audit: writeStatement<[decided: string], never>(
    'ledger.audit',
    `insert into audit_rows (request_key, action)
     select c.request_key, if(c.is_paid, 'paid', 'empty') from ${rowsOf} order by c.place`,
  ),
  tell: writeStatement<[decided: string], never>(
    'ledger.tell',
    `insert into outbox_rows (request_key, account_id)
     select c.request_key, c.account_id from ${rowsOf} where c.is_paid order by c.place`,
  ),
};

function payInSteps(locks: LockOrder): Pay {
  return (database, payments, setId) =>
    database.transact(async (tx) => {
      await tx.run(steps.claim, [setId, JSON.stringify(payments)]);
      const { rows: fresh } = await tx.run(steps.fresh, [JSON.stringify(payments), setId]);
      const coins = await lockAccounts(tx, fresh, locks);
      const decided = fresh.map((row) => {
        const left = coins.get(row.account_id) ?? 0;
        if (left > 0) coins.set(row.account_id, left - 1);
        return { ...row, is_paid: left > 0 };
      });
      const text = JSON.stringify(
        decided.map(({ request_key: key, account_id: account, note, is_paid: isPaid }) => ({
          key,
          account,
          note,
          isPaid: Number(isPaid),
        })),
      );
      for (const step of [steps.pay, steps.audit, steps.tell]) await tx.run(step, [text]);
      for (const [id, left] of coins) await tx.run(steps.take, [left, id]);
      return decided;
    });
}

/** One by one and by their key: a scan would wait for accounts that the set has nothing to do with. */
async function lockAccounts(
  tx: Tx,
  fresh: readonly Omit<DecidedRow, 'is_paid'>[],
  locks: LockOrder,
): Promise<Map<number, number>> {
  const ids = [...new Set(fresh.map((row) => row.account_id))].toSorted((one, other) => one - other);
  const coins = new Map<number, number>();
  for (const id of locks === 'ascending' ? ids : ids.toReversed()) {
    for (const row of (await tx.run(steps.lock, [id])).rows) coins.set(id, row.coins);
  }
  return coins;
}

function findDecided({ dialect }: Db): ReturnType<typeof readStatement<[keys: string], DecidedRow>> {
  const keys =
    dialect.name === 'mysql'
      ? `select c.request_key from ${rowsOf.replaceAll('$.key', '$')}`
      : 'select value::uuid from json_array_elements_text($1::json)';
  return readStatement(
    'ledger.find',
    `select k.request_key, k.account_id, k.note,
        exists (select 1 from payments p where p.request_key = k.request_key) as is_paid
       from request_keys k where k.request_key in (${keys})`,
  );
}

/** A UUID that a text stands for. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
