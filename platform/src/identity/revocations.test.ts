import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../database/index.ts';
import { type Log, silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { familiesWorld, type FamiliesWorld } from './test/families-world.ts';
import { type Revocations, type RevocationsOptions, watchRevocations } from './revocations.ts';

const servers = await realDatabases();

describe.each(servers)('revocations', (real) => {
  describe.skipIf(real.unreachable !== undefined)(`on ${real.name}`, () => {
    let world: FamiliesWorld;
    /** A second pool, as a second process has. */
    let other: Database;

    beforeAll(async () => {
      world = await familiesWorld(real);
      other = openDatabase({ url: world.url, connectionsMax: 2 });
    });
    afterAll(async () => {
      await other.close();
      await world.end();
    });

    /** Watches for the length of `work`, in "another process". */
    const watching = async (
      options: Partial<RevocationsOptions>,
      work: (revocations: Revocations) => Promise<void>,
    ): Promise<void> => {
      const revocations = watchRevocations({ database: other, accessTtlSeconds: 900, log: silentLog, ...options });
      await revocations.start();
      try {
        await work(revocations);
      } finally {
        await revocations.stop();
      }
    };

    /** Counts the statements that reach the database. */
    const counted = (): { database: Database; count: () => number } => {
      let count = 0;
      const database = openDatabase({ url: world.url, connectionsMax: 1, observe: () => void (count += 1) });
      return { database, count: () => count };
    };

    it('are known to another process within a second, from memory', async () => {
      const { familyId } = await world.begin();
      await watching({ pollMs: 50 }, async (revocations) => {
        const heard: string[] = [];
        const unsubscribe = revocations.onRevoked((id) => heard.push(id));
        expect(revocations.isRevoked(familyId)).toBe(false);
        await world.revoke(familyId);
        await expect.poll(() => revocations.isRevoked(familyId), { timeout: 1_000, interval: 10 }).toBe(true);
        expect(heard).toEqual([familyId]);
        unsubscribe();
      });
    });

    it('of before the start are known, as long as an access token may live', async () => {
      const [recent, long] = [await world.begin(), await world.begin()];
      await world.revoke(long.familyId);
      await world.age(900 + 121);
      await world.revoke(recent.familyId);
      await watching({}, async (revocations) => {
        expect(await revocations.isRevoked(recent.familyId)).toBe(true);
        expect(await revocations.isRevoked(long.familyId)).toBe(false);
      });
    });

    it('that commit later than they were made are seen all the same', async () => {
      const [slow, quick] = [await world.begin(), await world.begin()];
      await watching({ pollMs: 20 }, async (revocations) => {
        await world.database.transact(async (tx) => {
          await world.families.revoke(tx, slow.familyId, 'logout');
          // Another one is made, committed and polled while the first is still open.
          await other.transact((inner) => world.families.revoke(inner, quick.familyId, 'logout'));
          await expect.poll(() => revocations.isRevoked(quick.familyId), { timeout: 5_000, interval: 10 }).toBe(true);
          expect(await revocations.isRevoked(slow.familyId)).toBe(false);
        });
        await expect.poll(() => revocations.isRevoked(slow.familyId), { timeout: 5_000, interval: 10 }).toBe(true);
      });
    });

    it('of this process are known at once, before any poll', async () => {
      const { familyId } = await world.begin();
      await watching({ pollMs: 600_000 }, (revocations) => {
        const families = world.with({ onRevoked: (id) => revocations.revokedHere(id) });
        return world.database
          .transact((tx) => families.revoke(tx, familyId, 'logout'))
          .then(() => expect(revocations.isRevoked(familyId)).toBe(true));
      });
    });

    it('are asked of the database when the last poll is over a second old, and refuse where it cannot say', async () => {
      const { familyId } = await world.begin();
      let nowMs = 0;
      const { database, count } = counted();
      await watching({ database, pollMs: 600_000, monotonicMs: () => nowMs }, async (revocations) => {
        const atStart = count();
        nowMs = 1_000;
        expect([revocations.fresh, revocations.isRevoked(familyId)]).toEqual([true, false]);
        await world.revoke(familyId);
        expect(revocations.isRevoked(familyId)).toBe(false);
        expect(count()).toBe(atStart);
        nowMs = 1_001;
        expect(revocations.fresh).toBe(false);
        expect(await revocations.isRevoked(familyId)).toBe(true);
        expect(count()).toBe(atStart + 1);
        await database.close();
        await expect(Promise.resolve(revocations.isRevoked(familyId))).rejects.toBeInstanceOf(Error);
      });
    });

    it('are asked of the database before the start and after the stop', async () => {
      const [live, ended] = [await world.begin(), await world.begin()];
      await world.revoke(ended.familyId);
      let nowMs = 0;
      const monotonicMs = (): number => nowMs;
      const revocations = watchRevocations({ database: other, accessTtlSeconds: 900, log: silentLog, monotonicMs });
      expect(revocations.fresh).toBe(false);
      expect(await revocations.isRevoked(ended.familyId)).toBe(true);
      expect(await revocations.isRevoked(live.familyId)).toBe(false);
      await revocations.start();
      await revocations.stop();
      nowMs = 1_001;
      expect(revocations.fresh).toBe(false);
      expect(await revocations.isRevoked(live.familyId)).toBe(false);
    });

    it('are let go when the last access token of their family is gone', async () => {
      await world.age(10_000);
      const { familyId } = await world.begin();
      await world.revoke(familyId);
      let nowMs = 0;
      await watching({ pollMs: 5, monotonicMs: () => nowMs }, async (revocations) => {
        expect(revocations.size).toBe(1);
        nowMs = (900 + 119) * 1000;
        await expect.poll(() => revocations.fresh, { timeout: 5_000 }).toBe(true);
        expect(revocations.size).toBe(1);
        await world.age(1_100);
        nowMs = (900 + 121) * 1000;
        await expect.poll(() => revocations.size, { timeout: 5_000 }).toBe(0);
        expect(await revocations.isRevoked(familyId)).toBe(false);
      });
    });

    it('of before the start are let go as early as those of after it', async () => {
      await world.age(10_000);
      const { familyId } = await world.begin();
      await world.revoke(familyId);
      await world.age(900);
      let nowMs = 0;
      await watching({ pollMs: 5, monotonicMs: () => nowMs }, async (revocations) => {
        expect(revocations.size).toBe(1);
        await world.age(200);
        nowMs = 121_000;
        await expect.poll(() => revocations.size, { timeout: 5_000 }).toBe(0);
      });
    });

    it('that are too many to hold are asked of the database', async () => {
      await world.age(10_000);
      const [one, two, live] = [await world.begin(), await world.begin(), await world.begin()];
      await world.revoke(one.familyId);
      await world.revoke(two.familyId);
      await watching({ familiesMax: 1, pollMs: 5 }, async (revocations) => {
        expect([revocations.fresh, revocations.size]).toEqual([false, 0]);
        expect(await revocations.isRevoked(one.familyId)).toBe(true);
        expect(await revocations.isRevoked(two.familyId)).toBe(true);
        expect(await revocations.isRevoked(live.familyId)).toBe(false);
      });
    });
  });
});

describe('a watch whose database is away', () => {
  it('starts all the same, says so once, and answers nothing from memory', async () => {
    const said: string[] = [];
    const say = (_: unknown, message: string): void => void said.push(message);
    const log: Log = { ...silentLog, warn: say, info: say };
    const database = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', connectTimeoutMs: 500 });
    let asked = 0;
    const monotonicMs = (): number => (asked += 1);
    const revocations = watchRevocations({ database, accessTtlSeconds: 900, pollMs: 5, log, monotonicMs });
    await revocations.start();
    await expect.poll(() => asked, { timeout: 5_000 }).toBeGreaterThan(2);
    expect(revocations.fresh).toBe(false);
    await expect(Promise.resolve(revocations.isRevoked('7'))).rejects.toMatchObject({ code: 'database_unavailable' });
    await revocations.stop();
    await database.close();
    expect(said).toEqual(['Revocations cannot be read: each token is checked in the database']);
  });

  it('tells every listener, though one of them fails', () => {
    const heard: string[] = [];
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (_, message) => void errors.push(message) };
    const database = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none' });
    const revocations = watchRevocations({ database, accessTtlSeconds: 900, log });
    revocations.onRevoked(() => {
      throw new Error('a socket was gone');
    });
    revocations.onRevoked((familyId) => heard.push(familyId));
    revocations.revokedHere('7');
    revocations.revokedHere('7');
    expect(heard).toEqual(['7']);
    expect(errors).toEqual(['A listener to revocations failed']);
    expect(revocations.isRevoked('7')).toBe(true);
  });
});
