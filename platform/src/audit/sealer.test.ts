import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import { recordAudit } from './record.ts';
import { insertKey } from './seal-statements.ts';
import { auditSigner, parseCheckpoint } from './signing.ts';
import { barrier } from '../testing/scratch-database.ts';
import {
  auditIds,
  contextOf,
  killedAfter,
  type LedgerWorld,
  openLedgerWorld,
  testSigner,
} from './test/ledger-world.ts';

const entry = { action: 'create', resourceType: 'cow', resourceId: 'MX-1' };

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`sealing on ${real.name}`, () => {
    let world: LedgerWorld;
    beforeEach(async () => {
      world = await openLedgerWorld(real);
    });
    afterEach(() => world.close());

    const sizes = async (): Promise<number[]> =>
      (await world.notes()).map((note) => parseCheckpoint(note)?.size ?? -1).toReversed();

    /** The ids in the order of their leaves. */
    const sealedIds = async (): Promise<number[]> => {
      const runs = await world.run('select first_id, row_count from audit_runs order by first_leaf');
      return runs.flatMap(({ first_id: first, row_count: count }) =>
        Array.from({ length: Number(count) }, (_, place) => Number(first) + place),
      );
    };

    it('puts every row into the tree once, and signs how far it came', async () => {
      expect(await world.seal()).toBe(0);
      expect(await sizes()).toEqual([]);
      await world.write(3);
      expect(await world.seal()).toBe(3);
      await world.write(2);
      expect(await world.seal()).toBe(2);
      expect(await world.seal()).toBe(0);
      expect(await sizes()).toEqual([3, 5]);
      expect(await sealedIds()).toEqual(await auditIds(world));
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 5, size: 5, checkpoints: 2, unsealed: 0 });
    });

    it('goes over the edges of tiles and of batches, by one sealer or another', async () => {
      const many = Array.from({ length: 2_300 }, () => entry);
      await world.database.transact((tx) => recordAudit(tx, contextOf(1), ...many));
      expect(await world.sealer().sealNow()).toBe(2_300);
      await world.database.transact((tx) => recordAudit(tx, contextOf(2), ...many.slice(0, 260)));
      // This one has never seen the tree.
      expect(await world.sealer().sealNow()).toBe(260);
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 2_560, checkpoints: 3 });
    });

    it('takes a row that commits late when it comes, and never puts it before what is sealed', async () => {
      const [begun, mayEnd] = [barrier(2), barrier(2)];
      const late = world.database.transact(async (tx) => {
        await recordAudit(tx, contextOf(1), entry, entry);
        await begun();
        await mayEnd();
      });
      await begun();
      await world.write(2);
      expect(await world.seal()).toBe(2);
      // It may still come for as long as its transaction runs.
      expect(await world.seal()).toBe(0);
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 2 });
      await mayEnd();
      await late;
      // It is there now, and not sealed: that is no fault.
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 2 });
      expect(await world.seal()).toBe(2);
      expect(await sealedIds()).toEqual([3, 4, 1, 2]);
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 4, checkpoints: 2 });
    });

    it('closes a gap of rows that were rolled back, and finds a row that is put there later', async () => {
      await world.write(1);
      await world.database
        .transact(async (tx) => {
          await recordAudit(tx, contextOf(1), entry, entry);
          throw new Error('undone');
        })
        .catch(() => undefined);
      await world.write(1);
      const start = Date.now();
      let aheadMs = 0;
      const clock = { now: () => new Date(start + aheadMs) };
      const sealer = world.sealer({ clock });
      await sealer.sealNow();
      const gapsOf = async (): Promise<unknown> => (await world.run('select gaps from audit_tree'))[0]?.['gaps'];
      expect(JSON.parse(String(await gapsOf()))).toMatchObject([{ from: 2, to: 3 }]);
      aheadMs = 61_000;
      await sealer.sealNow();
      expect(await gapsOf()).toBe('[]');
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 2, size: 2 });
      const overriding = real.dialect.name === 'postgresql' ? 'overriding system value' : '';
      await world.run(`
        insert into audit_logs (id, request_id, action, resource_type) ${overriding}
        values (2, '0190f3a2-5c1e-7a43-9a51-000000000001', 'create', 'cow')`);
      expect(await world.verify()).toMatchObject({ isSound: false, fault: { kind: 'added', auditId: 2 } });
    });

    it('is done by one of many at a time, whoever that is', async () => {
      const sealers = Array.from({ length: 4 }, () => world.sealer({ database: world.open({ connectionsMax: 2 }) }));
      await Promise.all([
        world.write(60),
        ...sealers.map(async (sealer) => {
          for (let turn = 0; turn < 20; turn += 1) await sealer.sealNow();
        }),
      ]);
      await world.seal();
      expect((await sealedIds()).toSorted((a, b) => a - b)).toEqual(await auditIds(world));
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 60, size: 60 });
    });

    it('loses nothing and repeats nothing when its connection is killed anywhere', async () => {
      let killed = 0;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 9 }), async (rows, statements) => {
          const database = world.open({ connectionsMax: 1 });
          const many = Array.from({ length: rows }, () => entry);
          await world.database.transact((tx) => recordAudit(tx, contextOf(1), ...many));
          await world
            .sealer({ database: killedAfter(world, database, statements) })
            .sealNow()
            .catch(() => (killed += 1));
          await world.seal();
          const verdict = await world.verify();
          expect(verdict).toMatchObject({ isSound: true, rows: (await auditIds(world)).length });
        }),
        { numRuns: 12 },
      );
      expect(killed).toBeGreaterThan(0);
    });

    it('lists the keys, and a new one is confirmed by the one before it', async () => {
      await world.write(1);
      await world.seal();
      const next = auditSigner('quinta-audit-test', 'the next key of these tests, for nothing else');
      await world.write(1);
      await world.sealer({ signer: next, previousSigner: testSigner }).sealNow();
      await world.write(1);
      await world.sealer({ signer: next }).sealNow();
      const keys = (await world.run('select verifier_key from audit_keys order by place')).map(
        (row) => row['verifier_key'],
      );
      expect(keys).toEqual([testSigner.verifierKey, next.verifierKey]);
      expect(await world.verify({ trustedKeys: [testSigner.verifierKey] })).toMatchObject({
        isSound: true,
        checkpoints: 3,
      });
      // Who trusts the new key alone cannot tell about what it never signed.
      expect(await world.verify({ trustedKeys: [next.verifierKey] })).toMatchObject({ fault: { kind: 'checkpoint' } });
    });

    it('does not accept a key whose owner has signed a checkpoint of another', async () => {
      await world.write(1);
      await world.seal();
      const stranger = auditSigner('quinta-audit-test', 'a key of somebody who can write to the database');
      const [note = ''] = await world.notes();
      const forged = `${note}${stranger.signatureOf(note.slice(0, note.lastIndexOf('\n\n') + 1))}`;
      await world.database.transact((tx) => insertKey(tx, { place: 2, key: stranger.verifierKey }));
      await world.run(`update audit_checkpoints set note = '${forged}'`);
      await world.write(1);
      await world.sealer({ signer: stranger }).sealNow();
      const trustedKeys = [testSigner.verifierKey];
      expect(await world.verify({ trustedKeys })).toMatchObject({ isSound: false, fault: { kind: 'checkpoint' } });
    });

    it('does not accept a key that appeared by itself', async () => {
      await world.write(1);
      await world.seal();
      const stranger = auditSigner('quinta-audit-test', 'a key that nobody has confirmed, ever');
      const errors: string[] = [];
      const log = { ...silentLog, error: (_: object, event: string) => void errors.push(event) };
      await world.write(1);
      await world.sealer({ signer: stranger, log }).sealNow();
      expect(errors).toEqual(['The audit is signed by a new key that the one before it has not confirmed']);
      expect(await world.verify()).toMatchObject({ isSound: false, fault: { kind: 'checkpoint' } });
    });
  });
}
