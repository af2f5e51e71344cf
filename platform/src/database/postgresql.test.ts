import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realDatabases } from '../testing/real-databases.ts';
import { readStatement, writeStatement } from './contract.ts';
import { openScratch, type Scratch } from '../testing/scratch-database.ts';

const real = (await realDatabases()).find(({ dialect }) => dialect.name === 'postgresql');
if (!real) throw new Error('PostgreSQL is no longer among the engines');

describe.skipIf(real.unreachable !== undefined)(`the adapter of ${real.name}`, () => {
  let scratch: Scratch;
  beforeEach(async () => {
    scratch = await openScratch(real, { connectionsMax: 1, statementTimeoutMs: 300 });
  });
  afterEach(() => scratch.close());

  const nap = readStatement<[seconds: number], never>('test.nap', 'select pg_sleep($1)');
  const names = readStatement<[], { name: string; statement: string }>(
    'test.names',
    'select name, statement from pg_prepared_statements order by name',
  );

  it('gives up a statement that takes too long, in a transaction and outside', async () => {
    const busy = { status: 503, code: 'database_busy', headers: { 'retry-after': '1' } };
    await expect(scratch.database.run(nap, [10])).rejects.toMatchObject(busy);
    await expect(scratch.database.transact((tx) => tx.run(nap, [10]))).rejects.toMatchObject(busy);
    await scratch.database.run(nap, [0]);
    expect(scratch.database.pool.total).toBe(1);
  });

  it('ends the transaction of a caller who does nothing in it', async () => {
    const pid = readStatement<[], { id: number }>('test.pid', 'select pg_backend_pid() as id');
    const idle = scratch.database.transact(async (tx) => {
      const [row] = (await tx.run(pid, [])).rows;
      const isGone = async (): Promise<boolean> =>
        (await scratch.run(`select 1 from pg_stat_activity where pid = ${row?.id ?? 0}`)).length === 0;
      await expect.poll(isGone, { timeout: 10_000 }).toBe(true);
      await tx.run(pid, []);
    });
    await expect(idle).rejects.toMatchObject({ status: 503, code: 'database_unavailable' });
  });

  it('names each statement by its text, once', async () => {
    for (const seconds of [0, 0, 0.001]) await scratch.database.run(nap, [seconds]);
    await scratch.database.run({ ...nap, operation: 'another.operation' }, [0]);
    const { rows } = await scratch.database.run(names, []);
    expect(rows.filter(({ statement }) => statement === nap.text).map(({ name }) => name)).toEqual([
      expect.stringMatching(/^q_[\w-]{22}$/),
    ]);
  });

  it('names no more than 2,000 statements, whatever the callers send', async () => {
    for (let place = 0; place < 2_200; place++) {
      await scratch.database.run(readStatement<[], never>('test.many', `select ${place}`), []);
    }
    // The name of this one is the 2,001st: it runs without.
    const { rows } = await scratch.database.run(names, []);
    expect(rows.length).toBe(2_000);
    expect(rows.some(({ statement }) => statement === 'select 1999')).toBe(true);
    expect(rows.some(({ statement }) => statement === 'select 2100')).toBe(false);
  });

  it('says how many rows a write changed, and gives those that it returns', async () => {
    await scratch.run('create table things (id integer)');
    const insert = writeStatement<[ids: number[]], { id: number }>(
      'test.insert',
      'insert into things select unnest($1::int[]) returning id',
    );
    const inserted = await scratch.database.runAlone(insert, [[1, 2, 3]]);
    expect(inserted).toEqual({ rows: [{ id: 1 }, { id: 2 }, { id: 3 }], affected: 3 });
    const remove = writeStatement<[], never>('test.remove', 'delete from things where id > 1');
    expect(await scratch.database.runAlone(remove, [])).toEqual({ rows: [], affected: 2 });
  });

  it('does all of one statement or nothing', async () => {
    await scratch.run('create table things (id integer primary key)');
    const insert = writeStatement<[ids: number[]], never>('test.insert', 'insert into things select unnest($1::int[])');
    await expect(scratch.database.runAlone(insert, [[1, 2, 1]])).rejects.toThrow(/duplicate/);
    expect(await scratch.run('select * from things')).toEqual([]);
  });
});
