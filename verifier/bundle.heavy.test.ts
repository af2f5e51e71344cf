import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LedgerWorld, openLedgerWorld, testSigner } from '../platform/src/audit/test/ledger-world.ts';
import { signCheckpoint } from '../platform/src/audit/signing.ts';
import { treeEdge } from '../platform/src/audit/tree-edge.ts';
import { realDatabases } from '../platform/src/testing/index.ts';
import { bundleEdits, bundleWith, linesIn, pickBy } from './test/bundle-edits.ts';
import { bundleOf, inFolder, keptIn, laterSigner, openRichLedger, verifyOffline } from './test/offline.ts';

const editRuns = 200;

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`a bundle of ${real.name}`, () => {
    let world: LedgerWorld;
    let bundle: string;
    let notes: readonly string[];
    beforeAll(async () => {
      world = await openRichLedger(real);
      bundle = await bundleOf(world);
      notes = await world.notes();
    });
    afterAll(() => world.close());

    it('is sound, with late rows, erased parts and a second key', async () => {
      expect(await world.verify()).toMatchObject({ isSound: true, rows: 15, checkpoints: 5 });
      const erased = linesIn(bundle).flatMap((line) => Object.keys(line.erased ?? {})).length;
      expect(erased).toBeGreaterThan(2);
      const verdict = await verifyOffline(bundle, '--key', testSigner.verifierKey);
      expect(verdict).toMatchObject({ status: 0, isSound: true });
      expect(verdict.summary).toContain(`15 rows (${erased} parts erased), 5 checkpoints of quinta/test/`);
      expect(verdict.notes).toEqual(['only --checkpoint finds rows that were cut off with their checkpoints']);
    });

    it('says when nothing but itself vouches for its key, and refuses one that is not trusted', async () => {
      const alone = await verifyOffline(bundle);
      expect(alone).toMatchObject({ status: 0 });
      expect(alone.notes).toContain(`nothing but the file vouches for its key ${testSigner.verifierKey}`);
      // Who trusts the later key alone cannot tell about what it never signed.
      expect(await verifyOffline(bundle, '--key', laterSigner.verifierKey)).toMatchObject({
        status: 1,
        fault: {
          kind: 'checkpoint',
          message: 'The stored checkpoint of 7 rows is not signed by a key that can be trusted',
          auditId: null,
        },
      });
    });

    it('holds every checkpoint that was kept, and no other', () =>
      inFolder(async (folder) => {
        expect(await verifyOffline(bundle, ...(await keptIn(folder, notes)))).toMatchObject({ status: 0 });
        const other = await openLedgerWorld(real);
        try {
          await other.write(7);
          await other.seal();
          const foreign = await verifyOffline(bundle, ...(await keptIn(folder, await other.notes())));
          expect(foreign).toMatchObject({ status: 1, fault: { kind: 'rewritten', auditId: null } });
        } finally {
          await other.close();
        }
      }));

    it('is found wanting after each of many random edits, and the edited row is named', () =>
      inFolder(async (folder) => {
        const kept = await keptIn(folder, notes);
        const tried = new Map<string, number>();
        await fc.assert(
          fc.asyncProperty(
            fc.constantFrom(...Object.entries(bundleEdits)),
            fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
            async ([kind, edit], numbers) => {
              const { lines, auditId, needsKept = false, ...fault } = edit(linesIn(bundle), pickBy(numbers));
              const forged = bundleWith(lines);
              expect(forged).not.toBe(bundle);
              const alone = await verifyOffline(forged);
              const verdict = needsKept ? await verifyOffline(forged, ...kept) : alone;
              expect({ kind, status: alone.status }).toEqual({ kind, status: needsKept ? 0 : 1 });
              const named = auditId === undefined ? fault : { ...fault, auditId };
              expect({ kind, ...verdict }).toMatchObject({ kind, status: 1, isSound: false, fault: named });
              expect(verdict.fault?.message).toContain(auditId === undefined ? '' : `ow ${auditId}`);
              tried.set(kind, (tried.get(kind) ?? 0) + 1);
            },
          ),
          { seed: 6962, numRuns: editRuns, endOnFailure: true },
        );
        expect([...tried.keys()].toSorted()).toEqual(Object.keys(bundleEdits).toSorted());
      }));

    it('is not sound with a row twice, although that was signed', async () => {
      const [header, ...rest] = linesIn(bundle);
      const rows = rest.slice(0, 3);
      const again = [...rows, { ...rows[0], leaf: 3 }];
      const edge = treeEdge();
      for (const { hash = '' } of again) edge.append(Buffer.from(hash, 'base64'));
      const origin = String(header?.['origin']);
      const checkpoint = { origin, size: 4, root: edge.root(), time: '2026-01-31T15:04:05.000Z', number: 1 };
      const { note } = signCheckpoint(checkpoint, [testSigner]);
      const signed = [{ ...header, size: 4, keys: [testSigner.verifierKey] }, ...again, { checkpoint: note }];
      expect(await verifyOffline(bundleWith(signed))).toMatchObject({
        status: 1,
        fault: { kind: 'added', auditId: 1, message: 'Row 1 is there twice' },
      });
    });
  });
}
