import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Vale } from '../src/vale/vale.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

/**
 * The server keeps the plan of a named statement. One that it made while the tables were empty reads all of them, and a
 * fresh installation under load fills them long before they are analyzed: 8,800 vouchers a second instead of 33,600.
 */
const valeCount = 20_000;
const early = 16;
const late = 24;
/** So many uses of a connection until it plans anew, with all those before. */
const usesUntilReplanned = 512;

let world: MexaWorld;
beforeAll(async () => {
  // One connection, so that its plans are those that are looked at.
  world = await openMexaWorld({ environment: { DATABASE_POOL_MAX: '1', AUDIT_SEALING: 'off' } });
});
afterAll(() => world.close());

interface Reads {
  /** Rows that were read by going through a whole table. */
  readonly vales: number;
  readonly usuarios: number;
}

/** What the server has counted, once it has counted all that was done: each closed voucher is a row updated. */
function readsSoFar(): Promise<Reads> {
  return vi.waitFor(
    async () => {
      await sql(world.mexa.database, 'select pg_stat_force_next_flush()');
      const [counts] = await sql<{ vales: string; usuarios: string; updated: string; closed: string }>(
        world.owner,
        `select v.seq_tup_read as vales, u.seq_tup_read as usuarios, v.n_tup_upd as updated,
            (select count(*) from vales where state <> 'issued') as closed
           from pg_stat_user_tables v, pg_stat_user_tables u where v.relname = 'vales' and u.relname = 'usuarios'`,
      );
      expect(counts?.updated).toBe(counts?.closed);
      return { vales: Number(counts?.vales), usuarios: Number(counts?.usuarios) };
    },
    { timeout: 30_000, interval: 20 },
  );
}

/** One after the other: draws, draws that come again, redeems and voids, each a set of its own. */
async function work(count: number): Promise<void> {
  const { admin } = world.tokens;
  for (let turn = 0; turn < count; turn += 1) {
    const key = randomUUID();
    const { id } = await newVale(world, { request_id: key });
    const again = await world.api('/vales', { token: world.tokens.cajero, body: { amount: '10.00', request_id: key } });
    const closing = turn % 2 === 0 ? { path: 'redeem' } : { path: 'void', body: { reason: 'torn' } };
    const closed = await world.api(`/vales/${id}/${closing.path}`, { method: 'POST', token: admin, ...closing });
    expect([again.status, again.json<Vale>().id, closed.status]).toEqual([200, id, 200]);
  }
}

describe('from empty tables on', () => {
  test('20,000 vouchers later, a voucher is still found without reading them all', async () => {
    await work(early);
    await sql(
      world.owner,
      `insert into vales (user_id, request_id, amount, description)
       select 1, gen_random_uuid(), 1, 'one of many' from generate_series(1, $1::int)`,
      [valeCount],
    );
    for (let uses = 0; uses < usesUntilReplanned; uses += 1) await world.mexa.database.ping();
    const before = await readsSoFar();
    await work(late);
    const after = await readsSoFar();
    expect(after.vales - before.vales).toBeLessThan(late);
    // The few users there are fit on one page, which is read whole.
    const users = (await sql(world.owner, 'select id from usuarios')).length;
    expect(after.usuarios - before.usuarios).toBeLessThanOrEqual(late * 16 * users);
  });
});
