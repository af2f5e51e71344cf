import {
  type Coalescer,
  type CoalescerOptions,
  createCoalescer,
  type SetObservation,
} from '../src/database/coalescer.ts';
import { type Database, openDatabase, type OpenOptions, readStatement, type Dialect } from '../src/database/index.ts';
import type { RealDatabaseCase } from '../src/testing/real-databases.ts';
import { openScratch, type Scratch } from '../src/testing/scratch-database.ts';
import { answerFaults, type Answered, bookFaults, readLedger } from './coalescer-checks.ts';
import { ledgerTables, type LockOrder, type Paid, type Payment, paySet, uuidOf } from './coalescer-ledger.ts';

export type Payer = Coalescer<Payment, Paid>;

type PayerOptions = Partial<OpenOptions> &
  Partial<Pick<CoalescerOptions<never, never>, 'setMax' | 'queueMax' | 'inFlightMax'>> & {
    readonly locks?: LockOrder;
    readonly observeSet?: (observed: SetObservation) => void;
  };

/** A ledger on a database of its own. */
export interface LedgerWorld extends Pick<Scratch, 'url' | 'run' | 'kill'> {
  /** A process of its own, as far as the database can tell: a pool with a coalescer. */
  payerOn(options?: PayerOptions): Payer;
  /** What is wrong after all of these answers, one sentence each. */
  faultsAfter(answers: readonly Answered[]): Promise<readonly string[]>;
  /** The notes of what was paid, in their order. */
  paidNotes(): Promise<readonly string[]>;
  /** Locks an account as another program would; resolves to what lets go. */
  lockAccount(id: number): Promise<() => Promise<void>>;
  /** How many sessions wait for a lock. */
  waitingForLocks(): Promise<number>;
  close(): Promise<void>;
}

/** Coins by account; accounts 1 and 2 never run dry. */
const purse = new Map([
  [1, 5_000],
  [2, 5_000],
  [3, 30],
]);
export const accounts: readonly number[] = [...purse.keys()];

/** A payment of one coin whose key its name stands for. */
export function paymentOf(name: string, account = 1): Payment {
  return { key: uuidOf(name), account, note: name };
}

/** Makes the tables with their accounts; gives what tells what is wrong after all of these answers, one sentence each. */
export async function fillLedger(dialect: Dialect, run: Scratch['run']): Promise<LedgerWorld['faultsAfter']> {
  for (const sql of ledgerTables(dialect)) await run(sql);
  for (const [id, coins] of purse) await run(`insert into accounts (id, coins) values (${id}, ${coins})`);
  return async (answers) => {
    const keys = answers.map(({ payment }) => payment.key);
    const ledger = await readLedger(run, keys, accounts);
    const lost = answers.filter(({ outcome }) => outcome === 'lost').map(({ payment }) => `${payment.key} was lost`);
    return [...bookFaults(purse, ledger), ...answerFaults(answers, ledger), ...lost];
  };
}

export async function openLedgerWorld(real: RealDatabaseCase): Promise<LedgerWorld> {
  const scratch = await openScratch(real);
  const { url, run, kill } = scratch;
  const faultsAfter = await fillLedger(real.dialect, run);
  const pools: Database[] = [];
  const locked: (() => Promise<void>)[] = [];
  const waiting =
    real.dialect.name === 'mysql'
      ? `select count(*) as count from information_schema.innodb_trx t
           join information_schema.processlist p on p.id = t.trx_mysql_thread_id
          where p.db = database() and t.trx_state = 'LOCK WAIT'`
      : "select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  return {
    url,
    run,
    kill,
    payerOn: (options = {}) => {
      const pool = openDatabase({ url, connectionsMax: 4, ...options });
      pools.push(pool);
      const { setMax = 16, queueMax = 1_000, inFlightMax = 1, locks, observeSet } = options;
      return createCoalescer({
        operation: 'test',
        takes: 'all',
        setMax,
        queueMax,
        inFlightMax,
        run: paySet(pool, locks),
        observe: (set) => observeSet?.(set),
      });
    },
    faultsAfter,
    paidNotes: async () => (await run('select note from payments order by note')).map((row) => String(row['note'])),
    lockAccount: async (id) => {
      const letGo = await lockRow(url, real.dialect, id);
      locked.push(letGo);
      return letGo;
    },
    waitingForLocks: async () => Number((await run(waiting))[0]?.['count']),
    close: async () => {
      for (const letGo of locked) await letGo();
      for (const pool of pools) await pool.close();
      await scratch.close();
    },
  };
}

/** Holds an account in a transaction of its own until it is told to let go. */
export async function lockRow(url: string, dialect: Dialect, id: number): Promise<() => Promise<void>> {
  const other = openDatabase({ url, connectionsMax: 1 });
  const lock = readStatement<[id: number], unknown>(
    'test.lock',
    `select id from accounts where id = ${dialect.placeholder(1)} for update`,
  );
  const [held, free] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const holding = other.transact(async (tx) => {
    await tx.run(lock, [id]);
    held.resolve(undefined);
    await free.promise;
  });
  await Promise.race([held.promise, holding]);
  let ended: Promise<void> | undefined;
  return () => {
    free.resolve(undefined);
    return (ended ??= holding.then(() => other.close()));
  };
}
