import { describe, expect, it } from 'vitest';
import type { LedgerWorld } from '../platform/src/audit/test/ledger-world.ts';
import { realDatabases } from '../platform/src/testing/index.ts';
import { bundleOf, inFolder, keptIn, openRichLedger, verifyOffline } from './test/offline.ts';

const leafBytes = 32;

/** The byte of a leaf's hash or salts in the tile at the left edge, made another. */
function changeByte({ database }: LedgerWorld, column: 'hashes' | 'salts', leaf: number): string {
  const place = leaf * leafBytes + 3;
  const changed =
    database.dialect.name === 'mysql'
      ? `insert(${column}, ${place + 1}, 1, char((ord(substr(${column}, ${place + 1}, 1)) + 1) % 256))`
      : `set_byte(${column}, ${place}, (get_byte(${column}, ${place}) + 1) % 256)`;
  return `update audit_tiles set ${column} = ${changed} where tile_level = 0 and tile_number = 0`;
}

type Damage = string | ((world: LedgerWorld) => string);

/** What somebody with all rights did to the tables, and what the verifiers find in the end. */
const damages: Readonly<Record<string, { readonly run: readonly Damage[]; readonly isSound: boolean }>> = {
  nothing: { run: [], isSound: true },
  'a field edited': { run: [`update audit_logs set resource_id = 'MX-7' where id = 3`], isSound: false },
  'two rows edited': { run: [`update audit_logs set action = 'x' where id in (9, 4)`], isSound: false },
  'JSON edited': { run: [`update audit_logs set new_values = '{"weight_kg": 0}' where id = 10`], isSound: false },
  'a time edited': { run: [`update audit_logs set created_at = '2020-01-01 00:00:00' where id = 8`], isSound: false },
  'a row removed': { run: ['delete from audit_logs where id = 5'], isSound: false },
  'origins emptied without an erasure': {
    run: ['update audit_logs set ip_address = null, user_agent = null'],
    isSound: false,
  },
  'two rows exchanged': {
    run: [`update audit_logs set resource_id = case id when 2 then 'MX-1002' else 'MX-1001' end where id in (2, 1)`],
    isSound: false,
  },
  'a salt changed': { run: [(world) => changeByte(world, 'salts', 3)], isSound: false },
  'a hash changed': { run: [(world) => changeByte(world, 'hashes', 3)], isSound: false },
  'a kept commitment changed': {
    run: [`update audit_erasures set commitment = reverse(commitment) where audit_id = 6 and part = 'values'`],
    isSound: false,
  },
  'a kept commitment lost': { run: [`delete from audit_erasures where audit_id = 6`], isSound: false },
  'an erased part filled': { run: [`update audit_logs set details = '{}' where id = 6`], isSound: false },
  'a checkpoint lost': { run: ['delete from audit_checkpoints where size = 9'], isSound: false },
  'the newest checkpoint lost, and kept elsewhere': {
    run: ['delete from audit_checkpoints where size = 15'],
    isSound: false,
  },
  'a checkpoint changed': {
    run: [`update audit_checkpoints set note = replace(note, 'number 2', 'number 3') where size = 8`],
    isSound: false,
  },
  'a key lost': { run: ['delete from audit_keys where place = 2'], isSound: false },
};

/** Damages that no trigger and no key of a table stands in the way of. */
async function damage(world: LedgerWorld, statements: readonly Damage[]): Promise<void> {
  if (world.database.dialect.name === 'postgresql') await world.run('alter table audit_logs disable trigger user');
  else for (const verb of ['update', 'delete']) await world.run(`drop trigger tr_audit_logs_no_${verb}`);
  for (const statement of statements) await world.run(typeof statement === 'string' ? statement : statement(world));
}

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`both verifiers on ${real.name}`, () => {
    it.each(Object.entries(damages))('agree on %s', (_, { run, isSound }) =>
      inFolder(async (folder) => {
        const world = await openRichLedger(real);
        try {
          const notes = await world.notes();
          await damage(world, run);
          const inside = await world.verify({ keptNotes: notes });
          const offline = await verifyOffline(await bundleOf(world), ...(await keptIn(folder, notes)));
          expect(inside.isSound).toBe(isSound);
          expect(offline).toMatchObject({ status: isSound ? 0 : 1, isSound });
          // Where the one names a row, the other names the same.
          expect(inside.fault?.auditId ?? offline.fault?.auditId).toBe(offline.fault?.auditId);
        } finally {
          await world.close();
        }
      }),
    );
  });
}
