import type { Paid, Payment } from './coalescer-ledger.ts';
import { poison } from './coalescer-ledger.ts';

/** What became of a payment: its outcome, `raised` where its own statement did, `lost` where no answer ever came. */
export interface Answered {
  readonly payment: Payment;
  readonly outcome: Paid | 'raised' | 'lost';
}

/** What stands in the tables, of some keys and accounts. */
export interface Ledger {
  readonly coins: ReadonlyMap<number, number>;
  /** What each key stands for. */
  readonly keys: ReadonlyMap<string, Omit<Payment, 'key'>>;
  readonly payments: readonly Payment[];
  readonly audited: readonly { readonly key: string; readonly action: string }[];
  readonly told: readonly { readonly key: string; readonly account: number }[];
}

type Row = Readonly<Record<string, unknown>>;

export async function readLedger(
  run: (sql: string) => Promise<readonly Row[]>,
  keys: readonly string[],
  accounts: readonly number[],
): Promise<Ledger> {
  const where = `where request_key in (${[...new Set(keys)].map((key) => `'${key}'`).join(', ')})`;
  const rowsOf = (what: string): Promise<readonly Row[]> => run(`select ${what} ${where} order by id`);
  const paymentOf = (row: Row): Payment => ({
    key: String(row['request_key']),
    account: Number(row['account_id']),
    note: String(row['note']),
  });
  const coins = await run(`select id, coins from accounts where id in (${accounts.join(', ')}) order by id`);
  const claimed = await run(`select request_key, account_id, note from request_keys ${where} order by request_key`);
  return {
    coins: new Map(coins.map((row) => [Number(row['id']), Number(row['coins'])])),
    keys: new Map(claimed.map(paymentOf).map(({ key, ...stands }) => [key, stands])),
    payments: (await rowsOf('* from payments')).map(paymentOf),
    audited: (await rowsOf('* from audit_rows')).map((row) => ({
      key: paymentOf(row).key,
      action: String(row['action']),
    })),
    told: (await rowsOf('* from outbox_rows')).map(paymentOf).map(({ key, account }) => ({ key, account })),
  };
}

/** The books: what no crash, race or repeat may leave behind, one sentence for each thing that is wrong. */
export function bookFaults(before: ReadonlyMap<number, number>, ledger: Ledger): readonly string[] {
  const faults: string[] = [];
  for (const [key, stands] of ledger.keys) {
    const payments = ledger.payments.filter((payment) => payment.key === key);
    const actions = ledger.audited.filter((row) => row.key === key).map(({ action }) => action);
    const told = ledger.told.filter((row) => row.key === key);
    const expected = payments.length === 0 ? 'empty' : 'paid';
    if (payments.length > 1) faults.push(`${key} was paid ${payments.length} times`);
    if (actions.join() !== expected) faults.push(`${key} was ${expected} and is audited as "${actions.join()}"`);
    if (told.length !== payments.length)
      faults.push(`${key} has ${payments.length} payments, ${told.length} in the outbox`);
    for (const row of [...payments, ...told]) {
      if (row.account !== stands.account)
        faults.push(`${key} stands for ${stands.account} and has a row of ${row.account}`);
    }
    const isEmptyInVain = payments.length === 0 && (ledger.coins.get(stands.account) ?? 0) > 0;
    if (isEmptyInVain) faults.push(`${key} was refused, but account ${stands.account} has coins left`);
  }
  for (const { key } of [...ledger.payments, ...ledger.audited, ...ledger.told]) {
    if (!ledger.keys.has(key)) faults.push(`${key} left rows, but not its key`);
  }
  for (const [account, coins] of before) {
    const paid = ledger.payments.filter((payment) => payment.account === account).length;
    const left = ledger.coins.get(account);
    if (left !== coins - paid) faults.push(`account ${account} had ${coins}, paid ${paid} and has ${left}`);
  }
  return faults;
}

/** What the clients heard, beside what the tables say. */
export function answerFaults(answers: readonly Answered[], ledger: Ledger): readonly string[] {
  const firsts = answers.filter(({ outcome }) => outcome === 'paid' || outcome === 'empty');
  const keys = firsts.map(({ payment }) => payment.key);
  const twice = keys.filter((key, place) => keys.indexOf(key) !== place);
  const untrue = answers.filter((answer) => !isTrue(answer, ledger));
  return [
    ...twice.map((key) => `${key} was told twice that it was the first`),
    ...untrue.map(
      ({ payment, outcome }) => `${JSON.stringify(payment)} heard "${outcome}", but the books say otherwise`,
    ),
  ];
}

function isTrue({ payment: { key, account, note }, outcome }: Answered, { keys, payments }: Ledger): boolean {
  const stands = keys.get(key);
  const isSame = stands?.account === account && stands.note === note;
  if (outcome === 'lost') return true; // nobody said anything
  if (outcome === 'raised') return note === poison;
  if (outcome === 'unknown') return !isSame;
  if (outcome === 'reused') return stands !== undefined && !isSame;
  return isSame && outcome.startsWith('paid') === payments.some((payment) => payment.key === key);
}
