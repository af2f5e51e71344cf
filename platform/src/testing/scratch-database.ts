import {
  type Database,
  readStatement,
  type ReadStatement,
  writeStatement,
  type WriteStatement,
} from '../database/contract.ts';
import { type MigrationRunner, openDatabase, type OpenOptions } from '../database/index.ts';
import { connect } from '../database/migrations/connection.ts';
import type { RealDatabaseCase } from './real-databases.ts';

/** A database to be thrown away, with a pool on it and a second connection that the pool knows nothing of. */
export interface Scratch {
  readonly url: string;
  readonly database: Database;
  /** The connection of an administrator, as a migration gets it. */
  readonly runner: MigrationRunner;
  /** Runs SQL outside of the pool: what an administrator or another program does. */
  readonly run: (sql: string) => Promise<readonly Record<string, unknown>[]>;
  /** Ends a connection of the server by its number. */
  readonly kill: (id: number) => Promise<void>;
  /** Another pool on the same database; closed with the first. */
  readonly open: (options?: Partial<OpenOptions>) => Database;
  close(): Promise<void>;
}

export async function openScratch(real: RealDatabaseCase, options: Partial<OpenOptions> = {}): Promise<Scratch> {
  const thrown = await real.createDatabase();
  const administrator = await connect({ url: thrown.url });
  const pools: Database[] = [];
  const open = (more: Partial<OpenOptions> = {}): Database => {
    const pool = openDatabase({ connectionsMax: 4, ...options, ...more, url: thrown.url });
    pools.push(pool);
    return pool;
  };
  return {
    url: thrown.url,
    database: open(),
    runner: administrator,
    run: (sql) => administrator.run(sql),
    kill: async (id) => {
      await administrator.run(real.dialect.name === 'mysql' ? `kill ${id}` : `select pg_terminate_backend(${id})`);
    },
    open,
    close: async () => {
      for (const pool of pools) await pool.close();
      await administrator.close();
      await thrown.drop();
    },
  };
}

/** The statements of a small bank, in the words of each engine. */
export interface Bank {
  readonly tables: readonly string[];
  readonly connectionId: ReadStatement<[], { id: number }>;
  readonly balances: ReadStatement<[], { id: number; balance: number }>;
  readonly lock: ReadStatement<[id: number], { id: number; balance: number }>;
  readonly open: WriteStatement<[id: number, name: string, balance: number], never>;
  readonly add: WriteStatement<[amount: number, id: number], never>;
}

export function bankOn({ dialect }: RealDatabaseCase): Bank {
  const [first, second, third] = [1, 2, 3].map((place) => dialect.placeholder(place));
  return {
    tables: [
      `create table accounts (
         id integer not null primary key,
         name varchar(40) not null,
         balance integer not null,
         constraint ux_accounts_name unique (name),
         constraint ck_accounts_balance check (balance >= 0)
       )`,
      `create table entries (
         id integer not null primary key,
         account_id integer not null,
         constraint fk_entries_account foreign key (account_id) references accounts (id)
       )`,
      "insert into accounts (id, name, balance) values (1, 'one', 100), (2, 'two', 100)",
    ],
    connectionId: readStatement(
      'test.connection',
      dialect.name === 'mysql' ? 'select connection_id() as id' : 'select pg_backend_pid() as id',
    ),
    balances: readStatement('test.balances', 'select id, balance from accounts order by id'),
    lock: readStatement('test.lock', `select id, balance from accounts where id = ${first} for update`),
    open: writeStatement(
      'test.open',
      `insert into accounts (id, name, balance) values (${first}, ${second}, ${third})`,
    ),
    add: writeStatement('test.add', `update accounts set balance = balance + ${first} where id = ${second}`),
  };
}

/** The first `count` who come wait for each other; whoever comes later passes. */
export function barrier(count: number): () => Promise<void> {
  const gate = Promise.withResolvers<undefined>();
  let arrived = 0;
  return async () => {
    arrived += 1;
    if (arrived === count) gate.resolve(undefined);
    if (arrived <= count) await gate.promise;
  };
}
