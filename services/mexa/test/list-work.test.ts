import { type AuditFilter, resourceTimeline, searchAudit } from '@quinta/platform/audit';
import type { Database, Db } from '@quinta/platform/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listVales, type ValeFilter } from '../src/vale/vale-store.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { newPerson } from './people.ts';
import { sql } from './sql.ts';

/**
 * What a list, a history or a search reads, counted by the server: however rare, old or crowded what it asks for is. An
 * index that is lost, or a condition that leads the wrong way, reads the whole table, and is over the bound.
 */
const rowCount = 40_000;
const limit = 100;

interface Bound {
  readonly rows: number;
  readonly blocks: number;
}

/** One stretch of an index, each row of it on a block of its own, and a few blocks of the index. */
const led: Bound = { rows: limit + 3, blocks: limit + 30 };
/** A lead that is followed for 2,000 rows, and its index read once more to say where it was left. */
const ledAndFiltered: Bound = { rows: 4_100, blocks: 4_300 };
/** Two leads of which the rarer is chosen: their indexes are read for 2,000 keys each before. */
const chosen: Bound = { rows: 8_200, blocks: 8_600 };
/** All rows by time, 10,000 of them. */
const filtered: Bound = { rows: 20_200, blocks: 3_000 };

let world: MexaWorld;
/** A user of most rows, of some, of three very old ones, and of none. */
const users = { most: 0, some: 0, few: 0, none: 0 };
/** The keys of vouchers: one in the middle, and the one whose key is that of the user of most rows. */
const vales = { middle: 0 };

beforeAll(async () => {
  world = await openMexaWorld();
  for (const name of ['most', 'some', 'few', 'none'] as const) users[name] = (await newPerson(world)).id;
  const { most, some, few } = users;
  await sql(
    world.owner,
    `insert into vales (user_id, amount, description, request_id, created_at, state,
         redeemed_at, redeemed_by, voided_at, voided_by, void_reason)
     select case when n <= 3 then $3::int when n % 3 = 0 then $2::int else $1::int end,
         case when n = 5 then 99999 else n % 900 + 1 end, 'Guantes, lote ' || n, gen_random_uuid(), t.at,
         case when n <= 400 then 'void' when n % 2000 = 0 then 'issued' else 'redeemed' end,
         case when n > 400 and n % 2000 <> 0 then t.at end, case when n > 400 and n % 2000 <> 0 then $1::int end,
         case when n <= 400 then t.at end, case when n <= 400 then $1::int end, case when n <= 400 then 'x' end
       from generate_series(1, ${rowCount}) n,
         lateral (select timestamp '2020-01-01' + interval '26 minutes' * n as at) t`,
    [most, some, few],
  );
  await sql(
    world.owner,
    `insert into audit_logs (request_id, user_id, action, resource_type, resource_id, endpoint, method, ip_address,
         user_agent, created_at)
     select gen_random_uuid(), case when n <= 3 then $3::int when n % 3 = 0 then $2::int else $1::int end,
         case when n <= 10000 then 'login_success' when n <= 10020 then 'token_theft' else 'create' end,
         case when n <= 10000 then 'usuario' when n <= 10020 then 'session' else 'vale' end,
         case when n <= 10000 then $1::int else n end, '/api/v1/vales', case when n = 7 then 'PATCH' else 'POST' end,
         case when n <= 5 then '10.9.9.9' else '10.0.0.' || n % 7 end, 'caja-1', t.at
       from generate_series(1, ${rowCount}) n,
         lateral (select timestamp '2020-01-01' + interval '26 minutes' * n as at) t`,
    [most, some, few],
  );
  await sql(world.owner, 'analyze vales, audit_logs');
  const [row] = await sql<{ id: number }>(
    world.owner,
    "select id from vales where description = 'Guantes, lote 20000'",
  );
  vales.middle = row?.id ?? 0;
});
afterAll(() => world.close());

interface Node {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Node[];
}

/** Rows that were read from tables and indexes, and blocks of both, by all statements that `work` sends. */
async function readBy(work: (db: Db) => Promise<unknown>): Promise<Bound> {
  const sent: [text: string, params: readonly unknown[]][] = [];
  await work(recording(world.mexa.database, (...statement) => sent.push(statement)));
  const read = { rows: 0, blocks: 0 };
  for (const [text, params] of sent) {
    const [row] = await sql<{ 'QUERY PLAN': readonly { readonly Plan: Node }[] }>(
      world.owner,
      `explain (analyze, buffers, timing off, format json) ${text}`,
      params,
    );
    const plan = row?.['QUERY PLAN'][0]?.Plan;
    if (!plan) throw new Error(`There is no plan of ${text}`);
    read.blocks += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    read.rows += rowsRead(plan);
  }
  expect(sent.length).toBeGreaterThan(0);
  return read;
}

function rowsRead(node: Node): number {
  const below = (node.Plans ?? []).reduce((sum, plan) => sum + rowsRead(plan), 0);
  // A bitmap is of an index, and its rows are counted where they are fetched.
  if (!/^(Seq|Index|Index Only|Bitmap Heap) Scan$/.test(node['Node Type'])) return below;
  return below + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
}

/** The same database, which tells of each statement. */
function recording(database: Database, tell: (text: string, params: readonly unknown[]) => void): Db {
  // What the query builder runs on stands behind the type of a database.
  const runner = database as unknown as { runText(name: string, text: string, params: readonly unknown[]): unknown };
  const runText = (name: string, text: string, params: readonly unknown[]): unknown => {
    tell(text, params);
    return runner.runText(name, text, params);
  };
  return { dialect: database.dialect, run: (...all: Parameters<Db['run']>) => database.run(...all), runText } as Db;
}

const day = (text: string): Date => new Date(`${text}T00:00:00Z`);
const spring = { from: day('2020-03-01'), to: day('2020-06-01') };

describe('a list of vouchers', () => {
  test.each<[string, () => ValeFilter, Bound]>([
    ['all', () => ({}), led],
    ['a user of most', () => ({ userId: users.most }), led],
    ['a user of three, long ago', () => ({ userId: users.few }), led],
    ['a user of none', () => ({ userId: users.none }), led],
    ['what is void, long ago', () => ({ state: 'void' }), led],
    ['a day long ago', () => ({ from: day('2020-03-01'), to: day('2020-03-02') }), led],
    ['months long ago', () => spring, led],
    ['a time before all', () => ({ to: day('2019-01-01') }), led],
    ['a time to come', () => ({ from: day('2099-01-01') }), led],
    ['a user in months long ago', () => ({ userId: users.some, ...spring }), led],
    ['amounts of the earlier system', () => ({ amountMax: '0.00' }), led],
    ['a user and an amount that is rare', () => ({ userId: users.most, amountMin: '5000.00' }), ledAndFiltered],
    ['a user and a text that is nowhere', () => ({ userId: users.most, text: 'zapatos' }), ledAndFiltered],
    ['a user and what is issued', () => ({ userId: users.most, state: 'issued' }), ledAndFiltered],
    ['a user and what is void', () => ({ userId: users.most, state: 'void' }), chosen],
    ['what is issued, which is rare', () => ({ state: 'issued' }), filtered],
    ['an amount that is rare', () => ({ amountMin: '5000.00' }), filtered],
    ['a text that is nowhere', () => ({ text: 'zapatos' }), filtered],
    ['an amount and a text', () => ({ amountMax: '5.00', text: 'lote 77' }), filtered],
  ])('of %s reads no more than its bound', async (_, filter, bound) => {
    for (const beforeId of [undefined, vales.middle]) {
      const read = await readBy((db) => listVales(db, filter(), { beforeId, limit }));
      expect(read.rows).toBeLessThanOrEqual(bound.rows);
      expect(read.blocks).toBeLessThanOrEqual(bound.blocks);
    }
  });
});

describe('a search of the audit', () => {
  test.each<[string, () => AuditFilter, Bound]>([
    ['all', () => ({}), led],
    ['a request', () => ({ requestId: '11111111-1111-4111-8111-111111111111' }), led],
    ['a user of most', () => ({ userId: users.most }), led],
    ['a user of three, long ago', () => ({ userId: users.few }), led],
    ['an action of most', () => ({ action: 'create' }), led],
    ['an action of many, long ago', () => ({ action: 'login_success' }), led],
    ['an action that is rare', () => ({ action: 'token_theft' }), led],
    ['an action that never was', () => ({ action: 'none' }), led],
    ['a kind that is rare', () => ({ resourceType: 'session' }), led],
    ['a resource', () => ({ resourceType: 'vale', resourceId: 20_000 }), led],
    ['a key of many', () => ({ resourceId: users.most }), led],
    ['an address of many', () => ({ address: '10.0.0.1' }), led],
    ['an address of long ago', () => ({ address: '10.9.9.9' }), led],
    ['an address that never was', () => ({ address: '192.0.2.1' }), led],
    ['months long ago', () => spring, led],
    ['an action in months long ago', () => ({ action: 'login_success', ...spring }), led],
    ['a user and a method that is rare', () => ({ userId: users.most, method: 'PATCH' }), ledAndFiltered],
    ['a user and an action, never together', () => ({ userId: users.few, action: 'create' }), chosen],
    ['an address and an action', () => ({ address: '10.0.0.1', action: 'login_success' }), chosen],
    ['an endpoint that never was', () => ({ endpoint: '/none' }), filtered],
    ['a method that is rare', () => ({ method: 'PATCH' }), filtered],
    ['a program that never was, in months long ago', () => ({ userAgent: 'none', ...spring }), filtered],
  ])('for %s reads no more than its bound', async (_, filter, bound) => {
    for (const beforeId of [undefined, 20_000]) {
      const read = await readBy((db) => searchAudit(db, filter(), { beforeId, limit }));
      expect(read.rows).toBeLessThanOrEqual(bound.rows);
      expect(read.blocks).toBeLessThanOrEqual(bound.blocks);
    }
  });

  test('the history of a voucher whose key is that of a user who signs in often reads the voucher alone', async () => {
    const read = await readBy((db) => resourceTimeline(db, { type: 'vale', id: users.most }));
    expect(read.rows).toBeLessThanOrEqual(5);
    expect(read.blocks).toBeLessThanOrEqual(120);
  });
});
