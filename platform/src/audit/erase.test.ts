import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realDatabases } from '../testing/index.ts';
import { type Erasure, eraseFromAudit } from './erase.ts';
import { checkpointPage, proveInclusion } from './prove.ts';
import { recordAudit } from './record.ts';
import { leafHash, isIncluded } from './merkle.ts';
import { contextOf, killedAfter, type LedgerWorld, openLedgerWorld } from './test/ledger-world.ts';

/** Who acts in every fourth row of these worlds. */
const person = 'member-1';

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`erasing a person on ${real.name}`, () => {
    let world: LedgerWorld;
    let about: number;
    beforeEach(async () => {
      world = await openLedgerWorld(real);
      await world.write(300);
      await world.write(1, { resourceType: 'member', resourceId: person, newValues: { name: 'A***' } });
      [about = 0] = await idsWhere(`resource_type = 'member'`);
      await world.seal();
    });
    afterEach(() => world.close());

    const idsWhere = async (condition: string): Promise<number[]> =>
      (await world.run(`select id from audit_logs where ${condition} order by id`)).map(({ id }) => Number(id));

    const theirs = (): Promise<number[]> => idsWhere(`user_id = '${person}'`);

    /** Orders the erasure by an audit row. */
    const ordered = async (): Promise<Erasure> => {
      await world.database.transact((tx) =>
        recordAudit(tx, contextOf(0), { action: 'erase', resourceType: 'member', resourceId: person }),
      );
      const [erasureId = 0] = await idsWhere(`action = 'erase'`);
      return { userId: person, personResource: 'member', erasureId };
    };

    it('empties the rows and the salts, and keeps every proof', async () => {
      const before = await Promise.all((await theirs()).slice(0, 3).map((id) => proveInclusion(world.database, id)));
      expect(before[0]?.openings.origin).toContain('"ip_address":"203.0.113.');
      const erasure = await ordered();
      const rows = await theirs();
      expect(await eraseFromAudit(world.database, erasure)).toBe(rows.length + 1);
      expect(await idsWhere(`user_id = '${person}' and (ip_address is not null or user_agent is not null)`)).toEqual(
        [],
      );
      expect(await idsWhere(`resource_type = 'member' and action <> 'erase' and new_values is not null`)).toEqual([]);
      await world.seal();
      expect(await world.verify({ keptNotes: await world.notes() })).toMatchObject({ isSound: true });
      for (const proof of before) {
        const now = await proveInclusion(world.database, proof.auditId, proof.checkpoint.size);
        expect(now.openings.origin).toBeNull();
        expect(now.openings.values).toBe(proof.openings.values);
        expect(now.entry).toBe(proof.entry);
        const { leaf: index, checkpoint, path } = now;
        expect(isIncluded({ leafHash: leafHash(now.entry), index, ...checkpoint, proof: path })).toBe(true);
      }
      expect((await proveInclusion(world.database, about)).openings).toMatchObject({ values: null });
    });

    it('leaves no salt by which what was erased could be tried out', async () => {
      const [id = 0] = await theirs();
      const proof = await proveInclusion(world.database, id);
      const salt = /"salt":"([^"]+)"/.exec(proof.openings.origin ?? '')?.[1] ?? '';
      const isKept = async (): Promise<boolean> => {
        const tiles = await world.run('select salts from audit_tiles where tile_level = 0');
        return tiles.some((tile) => (tile['salts'] as Buffer).includes(Buffer.from(salt, 'base64url')));
      };
      expect(await isKept()).toBe(true);
      await eraseFromAudit(world.database, await ordered());
      expect(await isKept()).toBe(false);
      // A sealer that remembers the tile must not write the salt back.
      await world.write(1);
      await world.seal();
      expect(await isKept()).toBe(false);
      expect(await world.verify()).toMatchObject({ isSound: true });
    });

    it('can be done again after a crash anywhere, and twice', async () => {
      const erasure = await ordered();
      const rows = await theirs();
      for (const statements of [3, 9, 40, 200]) {
        const database = killedAfter(world, world.open({ connectionsMax: 1 }), statements);
        await eraseFromAudit(database, erasure).catch(() => undefined);
        expect(await world.verify()).toMatchObject({ isSound: true });
      }
      await eraseFromAudit(world.database, erasure);
      expect(await eraseFromAudit(world.database, erasure)).toBe(0);
      const kept = await world.run('select audit_id from audit_erasures');
      expect(kept).toHaveLength(rows.length + 1);
      expect(await world.verify()).toMatchObject({ isSound: true });
    });

    it('refuses rows that were never sealed, or are not what was sealed', async () => {
      const erasure = await ordered();
      await world.write(4);
      await expect(eraseFromAudit(world.database, erasure)).rejects.toMatchObject({ code: 'audit_log_not_sealed' });
      await world.seal();
      const [id = 0] = await theirs();
      await disableTriggers();
      await world.run(`update audit_logs set endpoint = '/elsewhere' where id = ${id}`);
      await expect(eraseFromAudit(world.database, erasure)).rejects.toMatchObject({ code: 'audit_log_altered' });
    });

    it('is found where nobody ordered it, or it was not done', async () => {
      const erasure = await ordered();
      await world.seal();
      await eraseFromAudit(world.database, { ...erasure, erasureId: 1 });
      const [first] = await theirs();
      expect(await world.verify()).toMatchObject({ fault: { kind: 'erasure', auditId: first } });
    });

    const disableTriggers = async (): Promise<void> => {
      if (real.dialect.name === 'postgresql') await world.run('alter table audit_logs disable trigger user');
      else await world.run('drop trigger tr_audit_logs_no_update');
    };

    it.each([
      ['what is not erased', `update audit_logs set ip_address = null, user_agent = null where user_id = 'member-2'`],
      ['another value', `update audit_logs set ip_address = '198.51.100.1' where user_id = '${person}'`],
      ['another field', `update audit_logs set endpoint = null where user_id = '${person}'`],
      ['a row', `delete from audit_logs where user_id = '${person}'`],
    ])('lets nobody touch %s', async (_, statement) => {
      await eraseFromAudit(world.database, await ordered());
      await expect(world.run(statement)).rejects.toThrow('append-only');
      expect((await checkpointPage(world.database, { limit: 1 })).length).toBe(1);
    });
  });
}
