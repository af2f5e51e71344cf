import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migration } from '../../migrations/p002_refresh_families.ts';
import { brokenConstraint } from '../database/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { familiesWorld, type FamiliesWorld, migrationRunner, tokenOf } from './test/families-world.ts';
import { refreshTokenHash } from './refresh-tokens.ts';

const servers = await realDatabases();

describe.each(servers)('the tables of refresh families', (real) => {
  describe.skipIf(real.unreachable !== undefined)(`on ${real.name}`, () => {
    let world: FamiliesWorld;

    beforeAll(async () => {
      world = await familiesWorld(real);
    });
    afterAll(async () => {
      await world.end();
    });

    /** Writes with parameters in this engine's own placeholders. */
    const write = (sql: string, ...params: readonly unknown[]): Promise<unknown> => {
      let index = 0;
      return world.write(
        sql.replaceAll('?', () => world.database.dialect.placeholder((index += 1))),
        params,
      );
    };

    const breaks = async (work: Promise<unknown>): Promise<string | undefined> => {
      const fault: unknown = await work.then(
        () => undefined,
        (error: unknown) => error,
      );
      return brokenConstraint(fault);
    };

    const insertToken = `insert into refresh_tokens (token_hash, family_id, live_family_id, issued_at, expires_at)
      values (?, ?, ?, current_timestamp, current_timestamp)`;

    it('hold one live token a family, so that none can fork', async () => {
      const { familyId } = await world.begin();
      expect(await breaks(write(insertToken, randomBytes(32), familyId, familyId))).toBe(
        'ux_refresh_tokens_live_family',
      );
    });

    it('hold a token once, as a whole digest, in a family that exists', async () => {
      const { refreshToken } = await world.begin();
      const { familyId: spare } = await world.begin();
      await write('delete from refresh_tokens where family_id = ?', spare);
      const strange = '01890a5d-ac96-774b-bcce-b302099a8057';
      const primaryKey = await breaks(write(insertToken, refreshTokenHash(refreshToken), spare, spare));
      expect(['pk_refresh_tokens', 'PRIMARY']).toContain(primaryKey);
      expect(await breaks(write(insertToken, randomBytes(31), spare, spare))).toBe('ck_refresh_tokens_hash');
      expect(await breaks(write(insertToken, randomBytes(32), strange, strange))).toBe('fk_refresh_tokens_family');
    });

    it('count an unused token as live in its own family, and no other one', async () => {
      const [one, two] = [await world.begin(), await world.begin()];
      const unmarked = 'update refresh_tokens set live_family_id = null where family_id = ?';
      expect(await breaks(write(unmarked, one.familyId))).toBe('ck_refresh_tokens_live');
      await write('delete from refresh_tokens where family_id = ?', two.familyId);
      const elsewhere = 'update refresh_tokens set live_family_id = ? where family_id = ?';
      expect(await breaks(write(elsewhere, two.familyId, one.familyId))).toBe('ck_refresh_tokens_live');
      await world.refresh(one.refreshToken);
      const revived = 'update refresh_tokens set live_family_id = ? where used_at is not null and family_id = ?';
      expect(await breaks(write(revived, two.familyId, one.familyId))).toBe('ck_refresh_tokens_live');
    });

    it('know the successor of what was used, and the reason of what was revoked', async () => {
      const { familyId } = await world.begin();
      const spent = 'update refresh_tokens set used_at = current_timestamp, live_family_id = null where family_id = ?';
      const used = write(spent, familyId);
      expect(await breaks(used)).toBe('ck_refresh_tokens_used');
      const revoked = write('update refresh_families set revoked_at = current_timestamp where id = ?', familyId);
      expect(await breaks(revoked)).toBe('ck_refresh_families_revoked');
    });

    it('keep a family as long as it has tokens', async () => {
      const { familyId } = await world.begin();
      expect(await breaks(write('delete from refresh_families where id = ?', familyId))).toBe(
        'fk_refresh_tokens_family',
      );
    });

    it('are purged in portions, two days after the end, and never of what may still count', async () => {
      await write('delete from refresh_tokens');
      await write('delete from refresh_families');
      const old = [await world.begin('old'), await world.begin('old'), await world.begin('old')];
      for (const { refreshToken } of old) tokenOf(await world.refresh(refreshToken));
      await world.age(3 * 86_400 - 3_700);
      const young = await world.begin('young');
      tokenOf(await world.refresh(young.refreshToken));
      const purge = (limitMax: number): Promise<{ tokens: number; families: number }> =>
        world.database.transact((tx) => world.families.purgeExpired(tx, limitMax));
      // The tokens expired over two days ago; the families reach their absolute end plus two days later.
      expect(await purge(4)).toEqual({ tokens: 4, families: 0 });
      expect(await purge(4)).toEqual({ tokens: 2, families: 0 });
      expect(await purge(4)).toEqual({ tokens: 0, families: 0 });
      await world.age(3_800);
      expect(await purge(2)).toEqual({ tokens: 0, families: 2 });
      expect(await purge(2)).toEqual({ tokens: 0, families: 1 });
      expect(await purge(2)).toEqual({ tokens: 0, families: 0 });
      expect(await world.families.isLive(world.database, young.familyId)).toBe(true);
      // A family waits for the last of its tokens, which a small portion may leave behind.
      await world.age(4 * 86_400);
      expect(await purge(1)).toEqual({ tokens: 1, families: 0 });
      expect(await purge(1)).toEqual({ tokens: 1, families: 1 });
    });

    it('are removed by the migration’s way back', async () => {
      const lone = await familiesWorld(real);
      try {
        await lone.database.transact(async (tx) => {
          await migration.down(migrationRunner(tx));
          await migration.up(migrationRunner(tx));
        });
        expect((await lone.begin()).refreshToken).toMatch(/^qr_/);
      } finally {
        await lone.end();
      }
    });
  });
});
