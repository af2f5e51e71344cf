import { afterEach, expect, test } from 'vitest';
import { realDatabases } from '../testing/real-databases.ts';
import { openScratch, type Scratch } from '../testing/scratch-database.ts';
import { readStatement } from './contract.ts';

const real = (await realDatabases()).find(({ dialect }) => dialect.name === 'postgresql');
const rowCount = 20_000;
const readCount = 40;

let scratch: Scratch | undefined;
afterEach(() => scratch?.close());

const findSome = readStatement<[keys: number[]], { key: number }>(
  'test.find_some',
  'select key from slips where key = any($1::int[])',
);
const flush = readStatement<[], unknown>('test.flush', 'select pg_stat_force_next_flush()');

test.skipIf(real?.unreachable !== undefined)(
  'a statement that was planned while its table was empty does not read all of it for ever',
  async () => {
    if (!real) throw new Error('The platform knows no PostgreSQL');
    scratch = await openScratch(real, { connectionsMax: 1 });
    const { database, run } = scratch;
    // Nobody analyzes it, so that nothing but the connection itself can renew a plan.
    await run(
      `create table slips (key integer primary key, note varchar(1000), other varchar(1000))
         with (autovacuum_enabled = false)`,
    );
    for (let turn = 0; turn < readCount; turn += 1) await database.run(findSome, [[1, 2, 3]]);
    await run(`insert into slips (key, note) select n, repeat('x', 50) from generate_series(1, ${rowCount}) n`);
    const readRows = async (): Promise<number> => {
      await database.run(flush, []);
      const [counts] = await run("select seq_tup_read from pg_stat_user_tables where relname = 'slips'");
      return Number(counts?.['seq_tup_read']);
    };
    for (let turn = 0; turn < readCount; turn += 1) await database.run(findSome, [[4, 5, 6]]);
    const atFirst = await readRows();
    for (let turn = 0; turn < readCount; turn += 1) await database.run(findSome, [[7, 8, 9]]);
    expect(await readRows()).toBe(atFirst);
    expect((await database.run(findSome, [[7, 0, 9]])).rows).toHaveLength(2);
  },
);
