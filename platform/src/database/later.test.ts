import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realDatabases } from '../testing/real-databases.ts';
import { bankOn, openScratch, type Scratch } from '../testing/scratch-database.ts';
import { type Tx, writeStatement } from './contract.ts';
import { openDatabase } from './open.ts';
import { linkTo } from './test/link.ts';

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`what a transaction leaves for later, on ${real.name}`, () => {
    const bank = bankOn(real);
    const observed: string[] = [];
    let scratch: Scratch;
    beforeEach(async () => {
      observed.length = 0;
      const observe = (operation: string, _: number, failed: boolean): void =>
        void observed.push(failed ? `${operation} failed` : operation);
      scratch = await openScratch(real, { observe });
      for (const sql of bank.tables) await scratch.run(sql);
    });
    afterEach(() => scratch.close());

    const stored = async (): Promise<number[]> =>
      (await scratch.run('select balance from accounts order by id')).map(({ balance }) => Number(balance));

    it('is done before what comes after it, and before the commit, in its order', async () => {
      const seen = await scratch.database.transact(async (tx) => {
        tx.runLater(bank.open, [3, 'three', 0]);
        tx.runLater(bank.add, [5, 3]);
        const { rows } = await tx.run(bank.balances, []);
        tx.runLater(bank.add, [7, 3]);
        return rows.map(({ balance }) => balance);
      });
      expect(seen).toEqual([100, 100, 5]);
      expect(await stored()).toEqual([100, 100, 12]);
      expect(observed).toEqual(['test.open', 'test.add', 'test.balances', 'test.add']);
    });

    it('may be all that the transaction does', async () => {
      await scratch.database.transact(async (tx) => tx.runLater(bank.add, [1, 1]));
      expect(await stored()).toEqual([101, 100]);
    });

    it('makes the next statement throw where it fails, and nothing is kept', async () => {
      const failing = scratch.database.transact(async (tx) => {
        await tx.run(bank.add, [1, 1]);
        tx.runLater(bank.add, [-1_000, 2]);
        tx.runLater(bank.add, [2, 1]);
        await tx.run(bank.balances, []);
      });
      await expect(failing).rejects.toThrow(/ck_accounts_balance/);
      expect(await stored()).toEqual([100, 100]);
      expect(observed).toContain('test.add failed');
      expect(observed).not.toContain('test.balances');
    });

    it('makes the commit throw, too, where it failed and the statement after it was forgiven', async () => {
      const forgiving = scratch.database.transact(async (tx) => {
        await tx.run(bank.add, [1, 1]);
        tx.runLater(bank.add, [-1_000, 2]);
        tx.runLater(bank.add, [2, 1]);
        await tx.run(bank.balances, []).catch(() => undefined);
        tx.runLater(bank.add, [3, 1]);
      });
      await expect(forgiving).rejects.toThrow(/ck_accounts_balance|rolled back|aborted/);
      expect(await stored()).toEqual([100, 100]);
    });

    it('makes the commit throw where it fails, and nothing is kept or follows', async () => {
      const followed: string[] = [];
      const failing = scratch.database.transact(async (tx) => {
        await tx.run(bank.add, [1, 1]);
        tx.runLater(bank.open, [1, 'again', 0]);
        tx.afterCommit(() => void followed.push('told'));
      });
      await expect(failing).rejects.toMatchObject({
        message: expect.stringMatching(/accounts_pkey|PRIMARY/) as string,
      });
      expect(await stored()).toEqual([100, 100]);
      expect(followed).toEqual([]);
      expect(scratch.database.pool.total - scratch.database.pool.idle).toBe(0);
    });

    it('is forgotten where the work throws before it was sent', async () => {
      const thrown = new Error('changed my mind');
      const work = async (tx: Tx): Promise<never> => {
        tx.runLater(bank.add, [1, 1]);
        throw thrown;
      };
      await expect(scratch.database.transact(work)).rejects.toBe(thrown);
      await scratch.database.transact((tx) => tx.run(bank.add, [3, 2]));
      expect(await stored()).toEqual([100, 103]);
    });

    it('is refused once the transaction has ended', async () => {
      const escaped: Tx[] = [];
      await scratch.database.transact(async (tx) => void escaped.push(tx));
      for (const tx of escaped) expect(() => tx.runLater(bank.add, [1, 1])).toThrow('had ended');
    });

    it('is done again with the rest after a deadlock', async () => {
      const fail = writeStatement<[], never>(
        'test.deadlock',
        real.dialect.name === 'mysql'
          ? "signal sqlstate '40001' set mysql_errno = 1213"
          : "do $$ begin raise exception 'no' using errcode = '40P01'; end $$",
      );
      let attempts = 0;
      await scratch.database.transact(async (tx) => {
        attempts += 1;
        await tx.run(bank.add, [1, 1]);
        if (attempts < 3) tx.runLater(fail, []);
        tx.runLater(bank.add, [1, 2]);
      });
      expect(attempts).toBe(3);
      expect(await stored()).toEqual([101, 101]);
    });
  });
}

const postgresql = (await realDatabases()).find(({ dialect }) => dialect.name === 'postgresql');
if (!postgresql) throw new Error('PostgreSQL is no longer among the engines');

describe.skipIf(postgresql.unreachable !== undefined)(`a transaction on ${postgresql.name}`, () => {
  const bank = bankOn(postgresql);
  let scratch: Scratch;
  beforeEach(async () => {
    scratch = await openScratch(postgresql, { connectionsMax: 1 });
    for (const sql of bank.tables) await scratch.run(sql);
  });
  afterEach(() => scratch.close());

  it('costs a round trip for each statement that somebody waits for, and one for its commit', async () => {
    const link = await linkTo(scratch.url);
    const database = openDatabase({ url: link.url, connectionsMax: 1 });
    const tripsOf = async (work: (tx: Tx) => Promise<unknown>): Promise<number> => {
      const before = link.roundTrips;
      await database.transact(work);
      return link.roundTrips - before;
    };
    try {
      await database.run(bank.balances, []);
      expect(await tripsOf(() => Promise.resolve())).toBe(0);
      expect(await tripsOf((tx) => tx.run(bank.add, [1, 1]))).toBe(2);
      const many = async (tx: Tx): Promise<void> => {
        await tx.run(bank.balances, []);
        tx.runLater(bank.add, [1, 1]);
        await tx.run(bank.add, [1, 1]);
        tx.runLater(bank.add, [1, 2]);
        tx.runLater(bank.add, [1, 2]);
      };
      expect(await tripsOf(many)).toBe(3);
      // Whether the server is still there is known before it is told to commit.
      expect(await tripsOf(async (tx) => tx.runLater(bank.add, [1, 1]))).toBe(2);
    } finally {
      await database.close();
      await link.close();
    }
    expect(await scratch.run('select balance from accounts order by id')).toEqual([{ balance: 104 }, { balance: 102 }]);
  });

  it('is one from its first statement on, whatever is refused before', async () => {
    // What no type allows, and a mistake may bring all the same.
    const noValue = Symbol('no value') as unknown as number;
    const failing = scratch.database.transact(async (tx) => {
      await expect(tx.run(bank.add, [noValue, 1])).rejects.toThrow('is no value');
      expect(() => tx.runLater(bank.add, [noValue, 1])).toThrow('is no value');
      await tx.run(bank.add, [5, 1]);
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    expect(await scratch.run('select balance from accounts order by id')).toEqual([{ balance: 100 }, { balance: 100 }]);
  });
});
