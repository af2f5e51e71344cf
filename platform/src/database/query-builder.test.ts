import fc from 'fast-check';
import { type Generated, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { realDatabases } from '../testing/real-databases.ts';
import type { Database, Db, Tx } from './contract.ts';
import { readStatement, writeStatement } from './contract.ts';
import { ignoringDuplicates, likeAnywhere, queryBuilder, type ReadBuilder } from './query-builder.ts';
import { bankOn, openScratch, type Scratch } from '../testing/scratch-database.ts';

interface Tables {
  readonly accounts: { id: Generated<number>; name: string; balance: number };
}

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`the query builder on ${real.name}`, () => {
    const bank = bankOn(real);
    const observed: string[] = [];
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await openScratch(real, { observe: (operation) => void observed.push(operation) });
      for (const text of bank.tables) await scratch.run(text);
    });
    afterAll(() => scratch.close());

    const add = (tx: Tx, id: number, name: string): Promise<bigint> =>
      ignoringDuplicates(queryBuilder<Tables>(tx).insertInto('accounts').values({ id, name, balance: 1 }), tx.dialect)
        .executeTakeFirst()
        .then(({ numInsertedOrUpdatedRows }) => numInsertedOrUpdatedRows ?? -1n);

    it('reads on the pool', async () => {
      const rows = await queryBuilder<Tables>(scratch.database)
        .selectFrom('accounts')
        .select(['id', 'balance'])
        .where('id', 'in', [1, 2])
        .orderBy('id')
        .execute();
      expect(rows).toEqual([
        { id: 1, balance: 100 },
        { id: 2, balance: 100 },
      ]);
      expect(observed.at(-1)).toBe('select accounts');
    });

    it('writes in the transaction that it was made for, and shares its end', async () => {
      const undone = scratch.database.transact(async (tx) => {
        const builder = queryBuilder<Tables>(tx);
        await builder.updateTable('accounts').set({ balance: 5 }).where('id', '=', 1).execute();
        const inside = await builder.selectFrom('accounts').select('balance').where('id', '=', 1).executeTakeFirst();
        expect(inside).toEqual({ balance: 5 });
        throw new Error('undone');
      });
      await expect(undone).rejects.toThrow('undone');
      expect(observed).toContain('update accounts');
      expect((await scratch.database.run(bank.balances, [])).rows[0]?.balance).toBe(100);
    });

    it('leaves a taken row alone, and says so', async () => {
      const { database } = scratch;
      expect(await database.transact((tx) => add(tx, 50, 'fifty'))).toBe(1n);
      expect(await database.transact((tx) => add(tx, 50, 'another'))).toBe(0n);
      expect(await database.transact((tx) => add(tx, 51, 'fifty'))).toBe(0n);
      expect(observed).toContain('insert accounts');
    });

    it('finds a text anywhere in another by LIKE, and takes no character of it for a wildcard', async () => {
      const isIn = async (part: string, whole: string): Promise<boolean> => {
        const like = sql<number | boolean>`${sql.val(whole)} like ${sql.val(likeAnywhere(part))}`;
        const row = await queryBuilder<Tables>(scratch.database)
          .selectNoFrom(like.as('like'))
          .executeTakeFirstOrThrow();
        return Boolean(row.like);
      };
      const word = fc.string({ unit: fc.constantFrom('%', '_', '\\', 'a'), maxLength: 4 });
      const around = fc.tuple(word, word, word);
      await fc.assert(
        fc.asyncProperty(around, word, async ([before, part, after], other) => {
          expect(await isIn(part, before + part + after)).toBe(true);
          expect(await isIn(other, before)).toBe(before.includes(other));
        }),
      );
    });

    it('is dead with its transaction', async () => {
      const escaped: Tx[] = [];
      await scratch.database.transact(async (tx) => void escaped.push(tx));
      const [tx] = escaped as [Tx];
      const late = queryBuilder<Tables>(tx).selectFrom('accounts').selectAll().execute();
      await expect(late).rejects.toThrow('had ended');
    });

    it('opens no transaction of its own and streams nothing', async () => {
      await scratch.database.transact(async (tx) => {
        const builder = queryBuilder<Tables>(tx);
        await expect(builder.transaction().execute(async () => 1)).rejects.toThrow('opened by Database.transact');
        const stream = builder.selectFrom('accounts').selectAll().stream();
        await expect(stream.next()).rejects.toThrow('Streaming is not offered');
      });
    });

    it('takes values as values, whatever they look like', async () => {
      const hostile = `'; drop table accounts; --`;
      await scratch.database.transact((tx) => add(tx, 60, hostile));
      const found = await queryBuilder<Tables>(scratch.database)
        .selectFrom('accounts')
        .select('id')
        .where('name', '=', hostile)
        .execute();
      expect(found).toEqual([{ id: 60 }]);
    });
  });
}

describe('the types', () => {
  const read = readStatement<[id: number], { id: number }>('test.read', 'select 1');
  const write = writeStatement<[id: number], never>('test.write', 'delete');

  /** Never called: that it compiles, and only with each of its marks, is the test. */
  function compiles(database: Database, db: Db, tx: Tx): unknown[] {
    return [
      db.run(read, [1]),
      database.run(read, [1]),
      tx.run(read, [1]),
      tx.run(write, [1]),
      database.runAlone(write, [1]),
      queryBuilder<Tables>(tx).deleteFrom('accounts'),
      queryBuilder<Tables>(db).selectFrom('accounts'),
      queryBuilder<Tables>(database).selectFrom('accounts') satisfies object,
      // @ts-expect-error a write needs a transaction, and a Db is none
      db.run(write, [1]),
      // @ts-expect-error a write needs a transaction, and the pool is none
      database.run(write, [1]),
      // @ts-expect-error a statement alone in its transaction is a write
      database.runAlone(read, [1]),
      // @ts-expect-error parameters have the types that the statement says
      db.run(read, ['1']),
      // @ts-expect-error and their number
      db.run(read, []),
    ];
  }

  it('let nothing write outside of a transaction', () => {
    expect(compiles).toBeTypeOf('function');
    // The builder on the pool reads, and knows no word for anything else.
    expectTypeOf<keyof ReadBuilder<Tables>>().toEqualTypeOf<'selectFrom' | 'selectNoFrom' | 'fn' | 'dynamic'>();
    expectTypeOf<Database>().not.toExtend<Tx>();
    expectTypeOf<Db>().not.toExtend<Tx>();
    expectTypeOf<Tx>().toExtend<Db>();
    expectTypeOf<Database>().toExtend<Db>();
  });
});
