import { type AuditVerdict, currentHash, readSealed, verifyAudit } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apply, type Edit, type EditKind, editKinds, run, type Trail } from './audit-edits.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { sql } from './sql.ts';

const seed = Date.now() % 1_000_000;
const editsOfEach = Math.ceil(1_000 / editKinds.length);
const origin = 'quinta/mexa';

describe('the audit, after somebody with all rights has been at it', () => {
  let world: MexaWorld;
  let trail: Trail;
  let notes: readonly string[];

  beforeAll(async () => {
    world = await openMexaWorld({ environment: { AUDIT_SEALING: 'false' } });
    for (let part = 0; part < 9; part += 1) {
      await writeRows(world, 60);
      await undoneRow(world);
      await world.mexa.ledger.seal();
    }
    await writeRows(world, 1);
    await world.mexa.ledger.seal();
    await world.mexa.ledger.seal();
    trail = await trailOf(world);
    notes = (await world.mexa.ledger.checkpoints({ limit: 100 })).map(({ note }) => note);
  });
  afterAll(() => world.close());

  const verify = (tx: Tx, keptNotes?: readonly string[]): Promise<AuditVerdict> =>
    verifyAudit(tx, { origin, ...(keptNotes ? { keptNotes } : {}) });

  /** What `verify` says after an edit, which is undone afterwards. */
  const after = async (edit: (tx: Tx) => Promise<unknown>, keptNotes?: readonly string[]): Promise<AuditVerdict> => {
    const told = Promise.withResolvers<AuditVerdict>();
    const undone = world.owner.transact(async (tx) => {
      await edit(tx);
      told.resolve(await verify(tx, keptNotes));
      throw new Error('undone');
    });
    await undone.catch((error: unknown) => told.reject(error));
    return told.promise;
  };

  it('is sound while nobody was', async () => {
    const verdict = await world.owner.transact((tx) => verify(tx, notes));
    expect(verdict).toMatchObject({ isSound: true, rows: trail.ids.length, checkpoints: notes.length, unsealed: 0 });
    expect(trail.ids.length).toBeGreaterThan(550);
    expect(trail.freeIds.length).toBeGreaterThan(8);
  });

  it.each(editKinds)(`tells of each of ${editsOfEach} edits of the kind %s (seed ${seed})`, async (kind: EditKind) => {
    const edits = fc.sample(fc.record({ kind: fc.constant(kind), pick: fc.nat(), other: fc.nat() }), {
      seed,
      numRuns: editsOfEach,
    });
    for (const edit of edits) {
      const done: { named?: number | 'any' | undefined; isEdited: boolean } = { isEdited: false };
      const verdict = await after(async (tx) => {
        done.named = await apply(tx, trail, edit);
        done.isEdited = true;
      });
      expect(done.isEdited).toBe(true);
      expect({ edit, verdict }).toMatchObject({ verdict: { isSound: false } });
      const named = verdict.fault?.auditId;
      expect({ edit, named }).toEqual({ edit, named: done.named === 'any' ? named : done.named });
    }
  });

  it('tells of a tail that was cut off together with its proof, by an older checkpoint', async () => {
    for (const cut of [1, 30, 300]) {
      const keep = checkpointBefore(trail.ids.length - cut);
      const verdict = await after((tx) => cutTail(tx, trail, keep), notes);
      expect(verdict).toMatchObject({ isSound: false, fault: { kind: 'cut', auditId: trail.ids[keep - 1] } });
      // Without one the shorter log looks whole.
      expect(await after((tx) => cutTail(tx, trail, keep))).toMatchObject({ isSound: true, rows: keep });
    }
  });

  /** The size of the newest checkpoint that has at most so many rows. */
  function checkpointBefore(size: number): number {
    const sizes = notes.map((note) => Number(note.split('\n')[1]));
    return Math.max(...sizes.filter((each) => each <= size));
  }

  it('tells between which rows one was rewritten together with its hash', async () => {
    const leaf = 200;
    const id = trail.ids[leaf] ?? 0;
    const verdict = await after(async (tx) => {
      await apply(tx, trail, { kind: 'cell', pick: leaf, other: 2 } satisfies Edit);
      await reseal(tx, leaf, id);
    });
    expect(verdict.fault?.kind).toBe('rewritten');
    const [, from, to] = /behind (\d+) up to (\d+)/.exec(verdict.fault?.message ?? '') ?? [];
    expect(Number(from)).toBeLessThan(id);
    expect(Number(to)).toBeGreaterThanOrEqual(id);
    expect(Number(to) - Number(from)).toBeLessThan(70);
  });

  it('tells of a log that was made anew', async () => {
    const verdict = await after(
      async (tx) => {
        for (const table of ['tiles', 'runs', 'checkpoints', 'keys']) await run(tx, `delete from audit_${table}`);
        await run(tx, "update audit_tree set size = 0, high_id = 0, gaps = '[]', log_id = gen_random_uuid()");
      },
      notes.slice(0, 1),
    );
    expect(verdict).toMatchObject({ isSound: false });
  });
});

async function writeRows(world: MexaWorld, count: number): Promise<void> {
  await sql(
    world.owner,
    `insert into audit_logs (request_id, user_id, action, resource_type, resource_id, old_values, new_values, endpoint,
       method, ip_address, user_agent, details)
     select gen_random_uuid(), case when g % 4 > 0 then 1 + g % 3 end, 'update', 'vale', g,
       case when g % 2 = 0 then json_build_object('state', 'issued') end, json_build_object('state', 'redeemed', 'n', g),
       '/api/v1/vales', 'POST', '203.0.113.7', 'test', case when g % 5 = 0 then jsonb_build_object('why', g) end
       from generate_series(1, $1) g`,
    [count],
  );
}

/** Takes an id that no row will have. */
async function undoneRow(world: MexaWorld): Promise<void> {
  await sql(world.owner, "select nextval('audit_logs_id_seq')");
}

async function trailOf(world: MexaWorld): Promise<Trail> {
  const rows = await sql<{ id: number }>(world.owner, 'select id from audit_logs order by id');
  const ids = rows.map(({ id }) => id);
  const taken = new Set(ids);
  const all = Array.from({ length: ids.at(-1) ?? 0 }, (_, place) => place + 1);
  return { ids, freeIds: all.filter((id) => !taken.has(id)) };
}

/** As somebody would who knows how the proof is kept, and has no key. */
async function cutTail(tx: Tx, { ids }: Trail, keep: number): Promise<void> {
  const last = ids[keep - 1] ?? 0;
  await run(tx, 'alter table audit_logs disable trigger user');
  await run(tx, `delete from audit_logs where id > ${last}`);
  await tx.run({ kind: 'write', operation: 'test', text: `delete from audit_runs where first_id > ${last}` }, []);
  await run(
    tx,
    `update audit_runs set row_count = least(row_count, ${last} - first_id + 1)
      where first_leaf = (select max(first_leaf) from audit_runs)`,
  );
  await run(tx, `delete from audit_checkpoints where size > ${keep}`);
  await run(tx, `update audit_tree set size = ${keep}, high_id = ${last}, gaps = '[]'`);
  const tile = Math.floor(keep / 256);
  await tx.run(
    {
      kind: 'write',
      operation: 'test',
      text: `delete from audit_tiles where tile_level = 0 and tile_number > ${tile}`,
    },
    [],
  );
  await run(
    tx,
    `update audit_tiles set hashes = substr(hashes, 1, ${(keep % 256) * 32}), salts = substr(salts, 1, ${(keep % 256) * 32})
      where tile_level = 0 and tile_number = ${tile}`,
  );
  await run(tx, `update audit_tiles set hashes = substr(hashes, 1, ${tile * 32}) where tile_level = 1`);
}

/** Writes the hash of the row as it is now over the sealed one. */
async function reseal(tx: Tx, leaf: number, id: number): Promise<void> {
  const [sealed] = await readSealed(tx, [{ firstLeaf: leaf, firstId: id, count: 1 }]);
  const hash = sealed && currentHash(sealed);
  await run(
    tx,
    `update audit_tiles set hashes = overlay(hashes placing '\\x${hash?.toString('hex')}'::bytea from ${(leaf % 256) * 32 + 1})
      where tile_level = 0 and tile_number = ${Math.floor(leaf / 256)}`,
  );
}
