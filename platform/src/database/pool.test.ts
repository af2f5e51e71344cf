import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LogFields } from '../kernel/index.ts';
import { silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { readStatement } from './contract.ts';
import { brokenConstraint } from './faults.ts';
import { openDatabase, type OpenOptions } from './open.ts';
import { bankOn, openScratch, type Scratch } from '../testing/scratch-database.ts';

const unavailable = { status: 503, code: 'database_unavailable', headers: { 'retry-after': '1' } };
const busy = { status: 503, code: 'database_busy', headers: { 'retry-after': '1' } };

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`a pool on ${real.name}`, () => {
    const bank = bankOn(real);
    let scratch: Scratch | undefined;
    const openBank = async (options: Partial<OpenOptions> = {}): Promise<Scratch> => {
      scratch = await openScratch(real, options);
      for (const sql of bank.tables) await scratch.run(sql);
      return scratch;
    };
    afterEach(async () => {
      await scratch?.close();
      scratch = undefined;
    });

    /** The connections of the pool, each asked while all the others are held. */
    const connectionIds = async ({ database }: Scratch, count: number): Promise<Set<number>> => {
      const ids = new Set<number>();
      const hold = async (left: number): Promise<void> => {
        if (left === 0) return;
        await database.transact(async (tx) => {
          ids.add((await tx.run(bank.connectionId, [])).rows[0]?.id ?? 0);
          await hold(left - 1);
        });
      };
      await hold(count);
      return ids;
    };

    it('keeps its connections when statements are refused', async () => {
      const { database } = await openBank({ connectionsMax: 3 });
      const before = await connectionIds({ ...(scratch as Scratch), database }, 3);
      const refuse = (place: number): Promise<unknown> =>
        database.transact((tx) => tx.run(bank.open, [1_000 + place, 'one', 0]));
      const outcomes = await Promise.allSettled(Array.from({ length: 60 }, (_, place) => refuse(place)));
      expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
      for (let place = 0; place < 20; place++) {
        const alone = database.runAlone(bank.open, [1, `n${place}`, 0]);
        await expect(alone).rejects.toThrow(/duplicate/i);
      }
      expect(await connectionIds({ ...(scratch as Scratch), database }, 3)).toEqual(before);
      expect(database.pool.total).toBe(3);
    });

    it('tells which rule a write broke', async () => {
      const { database, run } = await openBank();
      const brokenBy = async (id: number, name: string, balance: number): Promise<string | undefined> =>
        database.runAlone(bank.open, [id, name, balance]).then(
          () => 'none',
          (error: unknown) => brokenConstraint(error),
        );
      expect(await brokenBy(9, 'one', 0)).toBe('ux_accounts_name');
      expect(await brokenBy(9, 'nine', -1)).toBe('ck_accounts_balance');
      expect(await brokenBy(1, 'nine', 1)).toBe(real.dialect.name === 'mysql' ? 'PRIMARY' : 'accounts_pkey');
      await run('insert into entries (id, account_id) values (1, 1)');
      const orphan = database.transact((tx) =>
        tx.run({ ...bank.open, text: 'insert into entries values (2, 77)' }, [] as never),
      );
      await expect(orphan.catch((error: unknown) => brokenConstraint(error))).resolves.toBe('fk_entries_account');
      const nonsense = database.run(readStatement<[], never>('test.nonsense', 'select nonsense'), []);
      await expect(nonsense.catch((error: unknown) => brokenConstraint(error) ?? 'none')).resolves.toBe('none');
      expect(brokenConstraint('no error at all')).toBeUndefined();
    });

    it('loses a connection in the middle of a transaction: the caller hears 503, and the next request works', async () => {
      const { database, kill } = await openBank({ connectionsMax: 2 });
      const broken = database.transact(async (tx) => {
        await tx.run(bank.add, [50, 1]);
        await kill((await tx.run(bank.connectionId, [])).rows[0]?.id ?? 0);
        await tx.run(bank.add, [50, 2]);
      });
      await expect(broken).rejects.toMatchObject(unavailable);
      expect((await database.run(bank.balances, [])).rows.map(({ balance }) => balance)).toEqual([100, 100]);
      await database.transact((tx) => tx.run(bank.add, [1, 1]));
      expect((await database.run(bank.balances, [])).rows[0]?.balance).toBe(101);
    });

    it('loses a connection before COMMIT: nothing is kept and nothing is done again by itself', async () => {
      const { database, kill } = await openBank();
      let attempts = 0;
      const broken = database.transact(async (tx) => {
        attempts += 1;
        await tx.run(bank.add, [50, 1]);
        await kill((await tx.run(bank.connectionId, [])).rows[0]?.id ?? 0);
      });
      await expect(broken).rejects.toMatchObject(unavailable);
      expect(attempts).toBe(1);
      expect((await database.run(bank.balances, [])).rows[0]?.balance).toBe(100);
    });

    it('loses all its idle connections, and the next read succeeds', async () => {
      const opened = await openBank({ connectionsMax: 3 });
      const ids = await connectionIds(opened, 3);
      for (const id of ids) await opened.kill(id);
      expect((await opened.database.run(bank.balances, [])).rows.length).toBe(2);
      const fresh = await connectionIds(opened, 3);
      expect([...fresh].filter((id) => ids.has(id))).toEqual([]);
      expect(opened.database.pool).toMatchObject({ total: 3, idle: 3 });
    });

    it('loses all its idle connections, and the next transaction is done once', async () => {
      const opened = await openBank({ connectionsMax: 3 });
      for (const id of await connectionIds(opened, 3)) await opened.kill(id);
      await opened.database.transact((tx) => tx.run(bank.add, [7, 1]));
      expect((await opened.database.run(bank.balances, [])).rows[0]?.balance).toBe(107);
    });

    it('gives up a statement that waits for a lock too long', async () => {
      const { database, open } = await openBank();
      const impatient = open({ lockTimeoutMs: 200 });
      await database.transact(async (tx) => {
        await tx.run(bank.lock, [1]);
        await expect(impatient.transact((other) => other.run(bank.add, [1, 1]))).rejects.toMatchObject(busy);
        await expect(impatient.runAlone(bank.add, [1, 1])).rejects.toMatchObject(busy);
        await impatient.transact((other) => other.run(bank.add, [1, 2]));
      });
    });

    it('gives up a statement that takes too long', async () => {
      const { open } = await openBank();
      const impatient = open({ statementTimeoutMs: 300, connectionsMax: 1 });
      const nap = real.dialect.name === 'mysql' ? 'select sleep(10)' : 'select pg_sleep(10)';
      const slow = readStatement<[], unknown>('test.nap', nap);
      await expect(impatient.run(slow, [])).rejects.toMatchObject(busy);
      await expect(impatient.transact((tx) => tx.run(slow, []))).rejects.toMatchObject(busy);
      expect((await impatient.run(bank.balances, [])).rows.length).toBe(2);
    });

    it('makes a request wait for a connection only so long', async () => {
      const { open } = await openBank();
      const narrow = open({ connectionsMax: 1, connectTimeoutMs: 300 });
      await narrow.transact(async () => {
        await expect(narrow.run(bank.balances, [])).rejects.toMatchObject(unavailable);
      });
      expect((await narrow.run(bank.balances, [])).rows.length).toBe(2);
    });

    it.each([1, 3])('answers whoever waits for one of %d connections when it is closed', async (connectionsMax) => {
      const { open } = await openBank();
      const closing = open({ connectionsMax });
      await closing.run(bank.balances, []);
      const asked = Array.from({ length: 5 }, () => closing.run(bank.balances, []));
      await closing.close();
      const outcomes = await Promise.allSettled(asked);
      expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'fulfilled'));
    });

    it('tells of each statement by its operation, and logs the slow ones without their values', async () => {
      const lines: LogFields[] = [];
      const observed: [string, boolean][] = [];
      const { database } = await openBank({
        slowMs: 0,
        log: { ...silentLog, warn: (fields) => void lines.push(fields) },
        observe: (operation, durationMs, failed) => {
          expect(durationMs).toBeGreaterThanOrEqual(0);
          observed.push([operation, failed]);
        },
      });
      await database.runAlone(bank.open, [9, 'a secret name', 1]);
      await database.runAlone(bank.open, [9, 'a secret name', 1]).catch(() => undefined);
      expect(observed).toEqual([
        ['test.open', false],
        ['test.open', true],
      ]);
      expect(lines).toMatchObject([{ operation: 'test.open' }, { operation: 'test.open', failed: true }]);
      expect(JSON.stringify(lines)).not.toContain('secret');
      expect(await database.ping()).toBeGreaterThan(0);
    });

    it('that cannot be reached is no error at the start, and a 503 at the first use', async () => {
      const url = `${real.dialect.name}://somebody:very-secret@127.0.0.1:1/nowhere`;
      const nowhere = openDatabase({ url, connectTimeoutMs: 2_000 });
      const asked = nowhere.run(bank.balances, []);
      await expect(asked).rejects.toMatchObject(unavailable);
      await expect(nowhere.transact((tx) => tx.run(bank.add, [1, 1]))).rejects.toMatchObject(unavailable);
      await vi.waitFor(() => expect(nowhere.pool.total - nowhere.pool.idle).toBe(0));
      const told = await asked.catch((error: unknown) => error);
      expect(String(told)).not.toMatch(/very-secret|127\.0\.0\.1/);
      await nowhere.close();
    });
  });
}
