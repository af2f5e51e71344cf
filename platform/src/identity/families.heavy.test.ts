import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../database/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { familiesWorld, type FamiliesWorld, phone, tokenOf } from './test/families-world.ts';
import type { Rotation } from './rotation.ts';

const servers = await realDatabases();
const forkRounds = 40;
const logoutRounds = 200;

describe.each(servers)('races of refresh families', (real) => {
  describe.skipIf(real.unreachable !== undefined)(`on ${real.name}`, () => {
    let world: FamiliesWorld;
    /** A second pool, as a second process has. */
    let other: Database;

    beforeAll(async () => {
      world = await familiesWorld(real);
      other = openDatabase({ url: world.url, connectionsMax: 8 });
    });
    afterAll(async () => {
      await other.close();
      await world.end();
    });

    const refreshOn = (database: Database, token: string): Promise<Rotation> =>
      database.transact((tx) => world.families.rotate(tx, token, phone));

    it('50 refreshes of one token at once: one successor for all, no fork, and it works', async () => {
      for (let round = 0; round < forkRounds; round++) {
        const { familyId, refreshToken } = await world.begin('race');
        const rotations = await Promise.all(
          Array.from({ length: 50 }, (_, index) => refreshOn(index % 2 === 0 ? world.database : other, refreshToken)),
        );
        expect(rotations.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1);
        expect(rotations.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(49);
        const [successor = '', ...rest] = new Set(rotations.map(tokenOf));
        expect(rest).toEqual([]);
        const [count] = await world.write(
          `select count(*) as tokens, count(live_family_id) as live from refresh_tokens where family_id = '${familyId}'`,
        );
        expect([Number(count?.['tokens']), Number(count?.['live'])]).toEqual([2, 1]);
        expect(await world.refresh(successor)).toMatchObject({ outcome: 'rotated', familyId });
      }
    });

    it('refresh against logout: what the refresh got is dead once the logout is done', async () => {
      const outcomes = new Set<string>();
      for (let round = 0; round < logoutRounds; round++) {
        const { familyId, refreshToken } = await world.begin('logout');
        const [rotation] = await Promise.all([
          refreshOn(other, refreshToken),
          world.revoke(familyId),
          refreshOn(world.database, refreshToken),
        ]);
        outcomes.add(rotation.outcome);
        expect(await world.families.isLive(other, familyId)).toBe(false);
        const given = 'refreshToken' in rotation ? [refreshToken, rotation.refreshToken] : [refreshToken];
        for (const token of given) expect(await refreshOn(other, token)).toMatchObject({ outcome: 'revoked' });
      }
      expect([...outcomes].filter((outcome) => !['rotated', 'replayed', 'revoked'].includes(outcome))).toEqual([]);
    });

    it('theft seen by many at once ends the family once, and all of them hear it', async () => {
      const { familyId, refreshToken } = await world.begin('thief');
      const child = tokenOf(await world.refresh(refreshToken));
      await world.age(31);
      const rotations = await Promise.all([
        ...Array.from({ length: 20 }, () => refreshOn(other, refreshToken)),
        refreshOn(world.database, child),
      ]);
      const thefts = rotations.slice(0, 20).filter(({ outcome }) => outcome === 'reused' || outcome === 'revoked');
      expect(thefts).toHaveLength(20);
      expect(thefts.some(({ outcome }) => outcome === 'reused')).toBe(true);
      expect(await world.families.isLive(world.database, familyId)).toBe(false);
    });

    it('a sign-out everywhere beside sign-ins and refreshes deadlocks nobody', async () => {
      const begun = await Promise.all(Array.from({ length: 10 }, () => world.begin('busy')));
      const work = begun.flatMap(({ refreshToken }) => [
        refreshOn(other, refreshToken),
        refreshOn(world.database, refreshToken),
      ]);
      const everywhere = other.transact((tx) => world.families.revokeAllOf(tx, 'busy', 'logout'));
      const purge = other.transact((tx) => world.families.purgeExpired(tx, 100));
      const rotations = await Promise.all([...work, everywhere.then(() => undefined), purge.then(() => undefined)]);
      expect(rotations).toHaveLength(22);
      expect(await world.families.list(other, 'busy')).toEqual([]);
    });
  });
});
