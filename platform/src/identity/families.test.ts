import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { createFamilies, type Families } from './families.ts';
import { familiesWorld, type FamiliesWorld, phone, successorKey, tokenOf } from './test/families-world.ts';
import { refusalOf } from './rotation.ts';

const servers = await realDatabases();

describe.each(servers)('refresh families', (real) => {
  describe.skipIf(real.unreachable !== undefined)(`on ${real.name}`, () => {
    let world: FamiliesWorld;

    beforeAll(async () => {
      world = await familiesWorld(real);
    });
    afterAll(async () => {
      await world.end();
    });

    it('begin with an opaque token of which only the digest is stored', async () => {
      const begun = await world.begin('ana');
      expect(begun.refreshToken).toMatch(/^qr_[\w-]{43}$/);
      expect(begun.subject).toBe('ana');
      const rows = await world.write('select token_hash from refresh_tokens');
      const stored = rows.map(({ token_hash: hash }) => (hash as Buffer).toString('hex'));
      expect(stored).toContain(createHash('sha256').update(begun.refreshToken).digest('hex'));
      const everything = await world.write(
        'select * from refresh_families f join refresh_tokens t on t.family_id = f.id',
      );
      expect(JSON.stringify(everything)).not.toContain(begun.refreshToken.slice(3));
      const [session] = await world.families.list(world.database, 'ana');
      const lifeMs = begun.refreshExpiresAt.getTime() - (session?.createdAt.getTime() ?? 0);
      expect(lifeMs).toBeGreaterThan(3_500_000);
      expect(lifeMs).toBeLessThan(3_700_000);
    });

    it('rotate: the new token works, in the same family and for the same subject', async () => {
      const begun = await world.begin('ana');
      const second = await world.refresh(begun.refreshToken);
      expect(second).toMatchObject({ outcome: 'rotated', familyId: begun.familyId, subject: 'ana' });
      const third = await world.refresh(tokenOf(second));
      expect(third).toMatchObject({ outcome: 'rotated', familyId: begun.familyId });
      expect(new Set([begun.refreshToken, tokenOf(second), tokenOf(third)]).size).toBe(3);
    });

    it('answer a repeat within the grace time with the same successor, from any process with the key', async () => {
      const begun = await world.begin();
      const first = await world.refresh(begun.refreshToken);
      await world.age(29);
      const repeat = await world.refresh(begun.refreshToken, world.with({}));
      expect(repeat).toMatchObject({ outcome: 'replayed', familyId: begun.familyId, refreshToken: tokenOf(first) });
      expect(await world.refresh(tokenOf(repeat))).toMatchObject({ outcome: 'rotated' });
    });

    it('agree on grace and expiry in two processes whose clocks are a day apart', async () => {
      const day = 86_400_000;
      const off = (ms: number): Families => world.with({ clock: { now: () => new Date(Date.now() + ms) } });
      const [behind, ahead] = [off(-day), off(day)];
      const { refreshToken } = await world.database.transact((tx) => behind.begin(tx, { subject: '7', client: phone }));
      const first = await world.refresh(refreshToken, ahead);
      const repeat = await world.refresh(refreshToken, behind);
      expect(repeat).toMatchObject({ outcome: 'replayed', refreshToken: tokenOf(first) });
      await world.age(31);
      expect(await world.refresh(refreshToken, behind)).toMatchObject({ outcome: 'reused' });
    });

    it('take a repeat after the grace time for theft: the family is ended by the same commit', async () => {
      const begun = await world.begin();
      const heir = await world.refresh(begun.refreshToken);
      await world.age(31);
      expect(await world.refresh(begun.refreshToken)).toEqual({
        outcome: 'reused',
        familyId: begun.familyId,
        subject: '7',
      });
      expect(await world.refresh(tokenOf(heir))).toMatchObject({ outcome: 'revoked' });
      expect(await world.refresh(begun.refreshToken)).toMatchObject({ outcome: 'revoked' });
      expect(await world.families.isLive(world.database, begun.familyId)).toBe(false);
      const [row] = await world.write(
        `select revoked_reason from refresh_families where revoked_reason = 'reuse' and id = '${begun.familyId}'`,
      );
      expect(row).toEqual({ revoked_reason: 'reuse' });
    });

    it('take a repeat for theft even within the grace time once the successor was used', async () => {
      const begun = await world.begin();
      const child = tokenOf(await world.refresh(begun.refreshToken));
      const grandchild = tokenOf(await world.refresh(child));
      expect(await world.refresh(begun.refreshToken)).toMatchObject({ outcome: 'reused' });
      expect(await world.refresh(grandchild)).toMatchObject({ outcome: 'revoked' });
    });

    it('do not call it theft when the key of successors was changed within the grace time', async () => {
      const begun = await world.begin();
      const child = tokenOf(await world.refresh(begun.refreshToken));
      const rekeyed = world.with({ successorKey: 'another'.repeat(5) });
      expect(await world.refresh(begun.refreshToken, rekeyed)).toEqual({ outcome: 'invalid' });
      expect(await world.refresh(child, rekeyed)).toMatchObject({ outcome: 'rotated' });
    });

    it('refuse unknown, tampered and malformed tokens, and touch nobody', async () => {
      const begun = await world.begin();
      const { refreshToken } = begun;
      const flipped = refreshToken.slice(0, -1) + (refreshToken.endsWith('A') ? 'B' : 'A');
      const texts = [`qr_${randomBytes(32).toString('base64url')}`, flipped, '', 'qr_', refreshToken.slice(3)];
      for (const text of [...texts, `${refreshToken}\0`, `${refreshToken} `, 'x'.repeat(1_048_576)]) {
        expect(await world.refresh(text)).toEqual({ outcome: 'invalid' });
        expect(await world.families.familyOf(world.database, text)).toBeUndefined();
      }
      expect(await world.families.isLive(world.database, begun.familyId)).toBe(true);
    });

    it('expire when idle, and at their absolute end however busy', async () => {
      const idle = await world.begin();
      const busy = await world.begin();
      await world.age(3_599);
      const next = tokenOf(await world.refresh(busy.refreshToken));
      await world.age(2);
      expect(await world.refresh(idle.refreshToken)).toMatchObject({ outcome: 'expired', familyId: idle.familyId });
      const last = await world.refresh(next, world.with({ idleTtlSeconds: 1_000_000 }));
      const sessions = await world.families.list(world.database, '7');
      const session = sessions.find(({ id }) => id === busy.familyId);
      expect(session?.expiresAt).toEqual(new Date((session?.createdAt.getTime() ?? 0) + 86_400_000));
      await world.age(86_400 - 3_601);
      expect(await world.refresh(tokenOf(last))).toMatchObject({ outcome: 'expired', familyId: busy.familyId });
      expect(await world.families.isLive(world.database, busy.familyId)).toBe(false);
    });

    it('cannot outlive an absolute end that was brought forward', async () => {
      const { familyId, refreshToken } = await world.begin();
      await world.write(`update refresh_families set absolute_expires_at = created_at where id = '${familyId}'`);
      expect(await world.refresh(refreshToken)).toMatchObject({ outcome: 'expired', familyId });
    });

    it('end by logout: every token of them, once', async () => {
      const begun = await world.begin();
      const child = tokenOf(await world.refresh(begun.refreshToken));
      expect(await world.families.familyOf(world.database, begun.refreshToken)).toEqual({
        familyId: begun.familyId,
        subject: '7',
      });
      expect(await world.revoke(begun.familyId)).toBe(true);
      expect(await world.revoke(begun.familyId)).toBe(false);
      expect(await world.refresh(child)).toMatchObject({ outcome: 'revoked' });
      expect(await world.refresh(begun.refreshToken)).toMatchObject({ outcome: 'revoked' });
      expect(await world.revoke('no uuid')).toBe(false);
    });

    it('end together but for one, and only the subject’s own', async () => {
      const [here, there, elsewhere] = [await world.begin('eva'), await world.begin('eva'), await world.begin('eva')];
      const [upper, spaced] = [await world.begin('Eva'), await world.begin('eva.')];
      const ended = await world.database.transact((tx) =>
        world.families.revokeAllOf(tx, 'eva', 'password changed', { except: here.familyId }),
      );
      expect([...ended].toSorted()).toEqual([there.familyId, elsewhere.familyId].toSorted());
      for (const { refreshToken } of [here, upper, spaced]) {
        expect(await world.refresh(refreshToken)).toMatchObject({ outcome: 'rotated' });
      }
      expect(await world.refresh(there.refreshToken)).toMatchObject({ outcome: 'revoked' });
      const rest = await world.database.transact((tx) => world.families.revokeAllOf(tx, 'eva', 'logout'));
      expect(rest).toEqual([here.familyId]);
    });

    it('tell who ended after the commit, and nothing of what was rolled back', async () => {
      const heard: string[] = [];
      const telling = world.with({ onRevoked: (familyId) => heard.push(familyId) });
      const [one, two] = [await world.begin('leo'), await world.begin('leo')];
      const rolledBack = world.database.transact(async (tx) => {
        await telling.revoke(tx, one.familyId, 'logout');
        throw new Error('rolled back');
      });
      await expect(rolledBack).rejects.toThrow('rolled back');
      expect(heard).toEqual([]);
      await world.database.transact(async (tx) => {
        await telling.revoke(tx, one.familyId, 'logout');
        expect(heard).toEqual([]);
      });
      expect(heard).toEqual([one.familyId]);
      await world.database.transact((tx) => telling.revokeAllOf(tx, 'leo', 'logout'));
      expect(heard).toEqual([one.familyId, two.familyId]);
    });

    it('are listed with device, address and times, last used first, live ones only', async () => {
      const client = { address: '2001:db8::7', userAgent: `Móvil\u0000\n\u001b[31m${'x'.repeat(500)}` };
      const older = await world.begin('lia');
      await world.age(10);
      const newer = await world.database.transact((tx) => world.families.begin(tx, { subject: 'lia', client }));
      const ended = await world.begin('lia');
      await world.revoke(ended.familyId);
      const sessions = await world.families.list(world.database, 'lia');
      expect(sessions.map(({ id }) => id)).toEqual([newer.familyId, older.familyId]);
      expect(sessions[0]).toMatchObject({ address: '2001:db8::7', expiresAt: newer.refreshExpiresAt });
      expect(sessions[0]?.userAgent).toMatch(/^M\?vil\?\?\?\[31mx+$/);
      expect(sessions[0]?.userAgent).toHaveLength(255);
      await world.refresh(older.refreshToken);
      const after = await world.families.list(world.database, 'lia');
      expect(after.map(({ id }) => id)).toEqual([older.familyId, newer.familyId]);
      expect(after[0]?.lastUsedAt.getTime()).toBeGreaterThan(after[0]?.createdAt.getTime() ?? Infinity);
      await world.age(3_601);
      expect(await world.families.list(world.database, 'lia')).toEqual([]);
    });

    it('do not begin for what is no subject, or end for what is no reason', async () => {
      for (const subject of ['', 'a b', 'ñ', 'x'.repeat(192)]) {
        await expect(world.begin(subject)).rejects.toBeInstanceOf(RangeError);
      }
      const { familyId } = await world.begin();
      const unreasoned = world.database.transact((tx) => world.families.revoke(tx, familyId, ''));
      await expect(unreasoned).rejects.toBeInstanceOf(RangeError);
    });
  });
});

describe('a configuration of families', () => {
  const options = { successorKey, clock: systemClock, idleTtlSeconds: 60, absoluteTtlSeconds: 60, graceSeconds: 0 };

  it.each([
    [{ successorKey: 'k'.repeat(31) }, /needs at least 32/],
    [{ idleTtlSeconds: 0 }, /idleTtlSeconds/],
    [{ absoluteTtlSeconds: 1.5 }, /absoluteTtlSeconds/],
    [{ graceSeconds: -1 }, /graceSeconds/],
    [{ graceSeconds: Number.NaN }, /graceSeconds/],
  ])('%o is refused with a sentence', (wrong, sentence) => {
    expect(() => createFamilies({ ...options, ...wrong })).toThrow(sentence);
    expect(() => createFamilies(options)).not.toThrow();
  });
});

describe('the refusal of a refresh', () => {
  const family = { familyId: '01890a5d-ac96-774b-bcce-b302099a8057', subject: '7' };

  it('is the same for unknown, expired and revoked, and another for a token used twice', () => {
    const bodies = [{ outcome: 'invalid' } as const, ...(['expired', 'revoked'] as const).map(withFamily)].map(
      (rotation) => {
        const problem = refusalOf(rotation);
        return [problem?.status, problem?.code, problem?.message, problem?.headers];
      },
    );
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(bodies[0]?.slice(0, 2)).toEqual([401, 'refresh_invalid']);
    expect(refusalOf(withFamily('reused'))).toMatchObject({ status: 401, code: 'refresh_reused' });
    const issued = { ...family, refreshToken: 'qr_', refreshExpiresAt: new Date(0) };
    expect(refusalOf({ outcome: 'rotated', ...issued })).toBeUndefined();
    expect(refusalOf({ outcome: 'replayed', ...issued })).toBeUndefined();
  });

  function withFamily<Outcome extends 'expired' | 'revoked' | 'reused'>(
    outcome: Outcome,
  ): { outcome: Outcome } & typeof family {
    return { outcome, ...family };
  }
});
