import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../kernel/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { type Tx, writeStatement } from './contract.ts';
import { bankOn, barrier, openScratch, type Scratch } from '../testing/scratch-database.ts';

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`a transaction on ${real.name}`, () => {
    const bank = bankOn(real);
    let scratch: Scratch;
    beforeEach(async () => {
      scratch = await openScratch(real);
      for (const sql of bank.tables) await scratch.run(sql);
    });
    afterEach(() => scratch.close());

    const balances = async (): Promise<number[]> =>
      (await scratch.database.run(bank.balances, [])).rows.map(({ balance }) => balance);

    it('keeps all that its work wrote, and gives its value', async () => {
      const value = await scratch.database.transact(async (tx) => {
        const { affected } = await tx.run(bank.add, [-30, 1]);
        await tx.run(bank.add, [30, 2]);
        return affected;
      });
      expect(value).toBe(1);
      expect(await balances()).toEqual([70, 130]);
    });

    it('keeps nothing where the work throws, and passes on what it threw', async () => {
      const thrown = new Error('changed my mind');
      const work = async (tx: Tx): Promise<never> => {
        await tx.run(bank.add, [-30, 1]);
        throw thrown;
      };
      await expect(scratch.database.transact(work)).rejects.toBe(thrown);
      expect(await balances()).toEqual([100, 100]);
      expect(scratch.database.pool.total - scratch.database.pool.idle).toBe(0);
    });

    it('is done again after a deadlock, and each of the two happens once', async () => {
      const bothHoldOne = barrier(2);
      let attempts = 0;
      const transfer = (from: number, to: number): Promise<void> =>
        scratch.database.transact(async (tx) => {
          attempts += 1;
          await tx.run(bank.lock, [from]);
          await bothHoldOne();
          await tx.run(bank.lock, [to]);
          await tx.run(bank.add, [-10, from]);
          await tx.run(bank.add, [10, to]);
        });
      await Promise.all([transfer(1, 2), transfer(2, 1)]);
      expect(attempts).toBe(3);
      expect(await balances()).toEqual([100, 100]);
    });

    it('is done again after a serialization failure, on what the other has left', async () => {
      const bothHaveRead = barrier(2);
      let attempts = 0;
      const addOne = (): Promise<void> =>
        scratch.database.transact(
          async (tx) => {
            attempts += 1;
            const { rows } = await tx.run(bank.balances, []);
            await bothHaveRead();
            await tx.run(bank.add, [rows[0]?.balance ?? 0, 1]);
          },
          { isolation: 'serializable' },
        );
      await Promise.all([addOne(), addOne()]);
      expect(attempts).toBe(3);
      // Each doubled what it saw: 100, 200, 400.
      expect(await balances()).toEqual([400, 100]);
    });

    it('is tried as often as is said, and then the caller hears that the database is busy', async () => {
      const fail = writeStatement<[], never>(
        'test.fail',
        real.dialect.name === 'mysql'
          ? "signal sqlstate '40001' set mysql_errno = 1213"
          : "do $$ begin raise exception 'no' using errcode = '40001'; end $$",
      );
      for (const attemptsMax of [1, 3]) {
        let attempts = 0;
        const failing = scratch.database.transact(
          async (tx) => {
            attempts += 1;
            await tx.run(bank.add, [1, 1]);
            await tx.run(fail, []);
          },
          { attemptsMax },
        );
        await expect(failing).rejects.toMatchObject({
          status: 503,
          code: 'database_busy',
          headers: { 'retry-after': '1' },
        });
        expect(attempts).toBe(attemptsMax);
      }
      let attempts = 0;
      const unbounded = scratch.database.transact(async (tx) => {
        attempts += 1;
        await tx.run(fail, []);
      });
      await expect(unbounded).rejects.toBeInstanceOf(Problem);
      expect(attempts).toBe(5);
      expect(await balances()).toEqual([100, 100]);
    });

    it('lets its followers run once it is kept, in their order, and never otherwise', async () => {
      const seen: string[] = [];
      let attempts = 0;
      const bothHoldOne = barrier(2);
      const other = scratch.database.transact(async (tx) => {
        await tx.run(bank.lock, [2]);
        await bothHoldOne();
        await tx.run(bank.lock, [1]);
      });
      await scratch.database.transact(async (tx) => {
        attempts += 1;
        const attempt = attempts;
        await tx.run(bank.add, [5, 1]);
        tx.afterCommit(async () => void seen.push(`${attempt} sees ${(await balances())[0]}`));
        tx.afterCommit(() => void seen.push('last'));
        await bothHoldOne();
        await tx.run(bank.lock, [2]);
        expect(seen).toEqual([]);
      });
      await other;
      expect(seen).toEqual([`${attempts} sees 105`, 'last']);
      const refused = scratch.database.transact(async (tx) => {
        tx.afterCommit(() => void seen.push('never'));
        await tx.run(bank.add, [-1_000, 1]);
      });
      await expect(refused).rejects.toThrow(/ck_accounts_balance/);
      expect(seen.length).toBe(2);
    });

    it('keeps what was committed where a follower fails, and goes on with the next one', async () => {
      const seen: string[] = [];
      const value = await scratch.database.transact(async (tx) => {
        await tx.run(bank.add, [5, 1]);
        tx.afterCommit(() => Promise.reject(new Error('the cache is gone')));
        tx.afterCommit(() => void seen.push('next'));
        return 'done';
      });
      expect([value, seen, (await balances())[0]]).toEqual(['done', ['next'], 105]);
    });

    it('is over when it is over: a forgotten statement is an error, whether it was kept or not', async () => {
      const escaped: Tx[] = [];
      await scratch.database.transact(async (tx) => void escaped.push(tx));
      const thrown = scratch.database.transact(async (tx) => {
        escaped.push(tx);
        throw new Error('no');
      });
      await expect(thrown).rejects.toThrow('no');
      for (const tx of escaped) {
        await expect(async () => tx.run(bank.add, [1, 1])).rejects.toThrow(
          'test.add ran in a transaction that had ended',
        );
        await expect(async () => tx.run(bank.balances, [])).rejects.toThrow('had ended');
      }
      expect(await balances()).toEqual([100, 100]);
    });

    it('does not hide a failed statement whose error was swallowed', async () => {
      const swallowing = scratch.database.transact(async (tx) => {
        await tx.run(bank.add, [7, 2]);
        await tx.run(bank.open, [1, 'again', 0]).catch(() => undefined);
      });
      const outcome = await swallowing.then(
        () => 'kept',
        (error: unknown) => String(error),
      );
      const told = {
        // There the whole transaction is lost, and COMMIT itself says nothing of it.
        postgresql: ['Error: The transaction was rolled back: a statement in it had failed', [100, 100]],
        // Here the statement alone is undone.
        mysql: ['kept', [100, 107]],
      };
      expect([outcome, await balances()]).toEqual(told[real.dialect.name]);
      expect((await scratch.database.run(bank.balances, [])).rows.length).toBe(2);
    });

    it('sees what others have kept meanwhile, unless a stricter isolation is asked for', async () => {
      const seen = async (isolation: 'read committed' | 'repeatable read' | undefined): Promise<number[]> =>
        scratch.database.transact(
          async (tx) => {
            const before = (await tx.run(bank.balances, [])).rows[0]?.balance ?? 0;
            await scratch.run('update accounts set balance = balance + 1 where id = 1');
            return [before, (await tx.run(bank.balances, [])).rows[0]?.balance ?? 0];
          },
          isolation === undefined ? {} : { isolation },
        );
      expect(await seen(undefined)).toEqual([100, 101]);
      expect(await seen('repeatable read')).toEqual([101, 101]);
      expect(await seen('read committed')).toEqual([102, 103]);
    });
  });
}
