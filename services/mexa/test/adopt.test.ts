import { migratorOf } from '@quinta/platform/service';
import { type Database, MigrationError, openDatabase } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditLog } from '../src/audit-log/audit-log.ts';
import type { Vale } from '../src/vale/vale.ts';
import { buildEarlierSystem, earlierPassword, type Revision, type Uniqueness } from './earlier-system.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import {
  type Contents,
  contentsOf,
  only,
  openEmptyMigrations,
  openMigrations,
  newestRevision,
  revisionOf,
  shapeOf,
} from './migrations-world.ts';
import { signIn, tryLogin } from './people.ts';
import { expectProblem } from './problem-body.ts';
import { refusalOf, sql } from './sql.ts';
import { newVale } from './vouchers.ts';

const names = [
  'v001_initial_schema',
  'v002_add_request_id_to_vales',
  'v003_add_usuarios_indexes',
  'v004_create_audit_logs_table',
];

interface Adopted extends MexaWorld {
  /** What the earlier system had. */
  readonly before: Contents;
  /** The migrations that were recorded and not run. */
  readonly recorded: readonly string[];
}

/** MEXA started on a database that the earlier system left. */
async function openAdopted(revision: Revision, uniqueness: Uniqueness): Promise<Adopted> {
  let before: Contents = { usuarios: [], vales: [], audit_logs: [] };
  let recorded: readonly string[] = [];
  const world = await openMexaWorld({
    prepare: async ({ placed: [placed] }) => {
      if (!placed) throw new Error('MEXA was not placed');
      const owner = openDatabase({ url: placed.ownerUrl, connectionsMax: 1 });
      await buildEarlierSystem(owner, revision, uniqueness);
      before = await contentsOf(owner);
      await owner.close();
      recorded = (await migratorOf(placed, { log: silentLog, say: () => undefined }).up()).adopted;
    },
  });
  return { ...world, before, recorded };
}

describe.each<[Revision, Uniqueness]>([
  ['001', 'constraint'],
  ['001', 'index'],
  ['002', 'constraint'],
  ['002', 'index'],
  ['003', 'index'],
  ['004', 'constraint'],
  ['004', 'index'],
])('a database of the earlier system at %s, unique by %s,', (revision, uniqueness) => {
  let world: Adopted;
  beforeAll(async () => {
    world = await openAdopted(revision, uniqueness);
  });
  afterAll(() => world.close());

  test('is taken over with every row, and what had run is not run again', async () => {
    expect(world.recorded).toEqual(names.slice(0, Number(revision)));
    expect(await revisionOf(world.owner)).toBe(newestRevision);
    const now = await contentsOf(world.owner);
    for (const table of ['usuarios', 'vales', 'audit_logs'] as const) {
      const old = world.before[table];
      const kept = now[table].filter(({ id }) => old.some((row) => row['id'] === id));
      expect(kept).toHaveLength(old.length);
      expect(only(kept, Object.keys(old[0] ?? {}))).toEqual(old);
    }
    expect(world.before.vales).toHaveLength(5);
    expect(world.before.audit_logs).toHaveLength(revision === '004' ? 2 : 0);
  });

  test('shows its old vouchers, amounts of zero and below included', async () => {
    const answer = await world.api('/vales?to=2025-01-01', { token: world.tokens.auditor });
    expect(answer.status).toBe(200);
    expect(answer.json<{ vales: Vale[] }>().vales.map(({ id, amount, state }) => [id, amount, state])).toEqual([
      [5, '-99999999.99', 'issued'],
      [4, '99999999.99', 'issued'],
      [3, '-40.25', 'issued'],
      [2, '0.00', 'issued'],
      [1, '125.50', 'issued'],
    ]);
    const below = await world.api('/vales?amount_max=-1', { token: world.tokens.auditor });
    expect(below.json<{ vales: Vale[] }>().vales.map(({ id }) => id)).toEqual([5, 3]);
  });

  test('redeems, voids and describes them, with audit rows', async () => {
    const request = { method: 'POST', token: world.tokens.admin };
    for (const id of [1, 3]) {
      expect((await world.api(`/vales/${id}/redeem`, request)).json()).toMatchObject({ id, state: 'redeemed' });
    }
    for (const id of [2, 5]) {
      const answer = await world.api(`/vales/${id}/void`, { ...request, body: { reason: 'Sistema anterior' } });
      expect(answer.json()).toMatchObject({ id, state: 'void' });
    }
    const described = await world.api('/vales/3', {
      method: 'PATCH',
      token: world.tokens.cajero,
      body: { description: 'x' },
    });
    expect(described.json()).toMatchObject({ id: 3, amount: '-40.25', description: 'x', state: 'redeemed' });
    const steps = (await world.api('/vales/3/history', { token: world.tokens.auditor })).json<{
      history: AuditLog[];
    }>();
    expect(steps.history.map(({ action }) => action)).toEqual(['redeem', 'update']);
  });

  test('takes positive amounts alone from now on', async () => {
    for (const amount of ['0', '-1.00']) {
      const answer = await world.api('/vales', { token: world.tokens.cajero, body: { amount } });
      expectProblem(answer, 422, 'validation_failed');
      const insert = `insert into vales (user_id, amount, request_id) values (1, ${amount}, gen_random_uuid())`;
      expect(await refusalOf(world.owner, insert)).toBe('ck_vales_amount');
    }
    expect(await refusalOf(world.owner, 'update vales set amount = 1 where id = 3')).toBe('tr_vales_immutable');
    expect((await newVale(world, { user_id: 1 })).id).toBeGreaterThan(5);
  });

  test('lets its users in, by name and by the address as it was written, and they see their own', async () => {
    const { access_token: token, user } = await signIn(world, { username: 'rosa', password: earlierPassword });
    expect(user).toMatchObject({ id: 1, role: 'usuario', active: true, created_at: '2024-05-01T07:30:00.000Z' });
    const own = (await world.api('/vales?to=2025-01-01', { token })).json<{ vales: Vale[] }>().vales;
    expect(own.map(({ id }) => id)).toEqual([2, 1]);
    expect((await tryLogin(world, 'Iván Peña', earlierPassword)).status).toBe(200);
    const byAddress = { email: 'Ivan@Obra.example', password: earlierPassword };
    expect((await world.api('/auth/login', { body: byAddress })).status).toBe(200);
    const hashes = await sql<{ hash: string }>(world.owner, 'select password_hash as hash from usuarios where id < 3');
    for (const { hash } of hashes) expect(hash).toMatch(/^\$argon2id\$/);
  });

  test('keeps its names for itself: nobody registers as one of its users', async () => {
    const fields = { username: 'rosa', email: 'new@obra.example', password: 'siete nubes sobre el cerro' };
    expectProblem(await world.api('/auth/register', { body: fields }), 409, 'username_taken');
    const address = { ...fields, username: 'rosa2', email: 'Rosa@obra.example' };
    expectProblem(await world.api('/auth/register', { body: address }), 409, 'email_taken');
  });
});

test('the audit rows of the earlier system are searched, shown and append-only like ours', async () => {
  const world = await openAdopted('004', 'constraint');
  try {
    const path = '/audit-logs/request/5f0c7f0e-7a55-4f1d-9c3e-1a2b3c4d5e6f';
    const found = (await world.api(path, { token: world.tokens.auditor })).json<{ audit_logs: AuditLog[] }>()
      .audit_logs;
    expect(found.map(({ id, action, old_values: old }) => [id, action, old])).toEqual([
      [2, 'adjust_stock', { stock: 5 }],
      [1, 'create', null],
    ]);
    expect((await world.api('/vales/1/history', { token: world.tokens.admin })).json()).toMatchObject({ count: 1 });
    expect(await refusalOf(world.owner, "update audit_logs set action = 'x' where id = 1")).toBe(
      'tr_audit_logs_append_only',
    );
    expect(await refusalOf(world.application, 'delete from audit_logs where id = 1')).toBe('42501');
  } finally {
    await world.close();
  }
});

test('what was taken over goes down to 001 and up again like our own', async () => {
  const world = await openAdopted('004', 'constraint');
  const migrations = await openMigrations(world.urls);
  try {
    await migrations.migrator.to('v001_initial_schema');
    const { vales, usuarios } = await contentsOf(world.owner);
    expect(only(vales.slice(0, 5), ['id', 'amount'])).toEqual(only(world.before.vales, ['id', 'amount']));
    expect(only(usuarios.slice(0, 2), ['id', 'email'])).toEqual(only(world.before.usuarios, ['id', 'email']));
    await migrations.migrator.up();
    expect(await revisionOf(world.owner)).toBe(newestRevision);
  } finally {
    await migrations.close();
    await world.close();
  }
});

/** A way in which a database differs from what its revision says, and the sentence that says so. */
const differences: readonly (readonly [string, string, RegExp])[] = [
  [
    'a missing column',
    'alter table vales drop column description',
    /v001_initial_schema: the column vales\.description is missing/,
  ],
  [
    'a missing request_id',
    'alter table vales drop column request_id',
    /v002_\w+: the column vales\.request_id is missing/,
  ],
  [
    'a missing column of the audit',
    'alter table audit_logs drop column ip_address',
    /v004_\w+: the column audit_logs\.ip_address is missing/,
  ],
  [
    'another type',
    'alter table vales alter column amount type double precision',
    /the column vales\.amount is double precision, but should be numeric\(10,2\)/,
  ],
  [
    'a shorter text',
    'alter table usuarios alter column email type varchar(50)',
    /usuarios\.email is character varying\(50\), but should be character varying\(100\)/,
  ],
  ['a missing table', 'drop table audit_logs', /v004_\w+: the table audit_logs is missing/],
  ['a missing index', 'drop index ix_usuarios_created_at', /v003_\w+: the index ix_usuarios_created_at is missing/],
  ['names that are not unique', 'drop index ix_usuarios_username', /usuarios\.username is not unique/],
  ['keys that are not unique', 'drop index uq_vales_request_id', /vales\.request_id is not unique/],
  [
    'an unknown revision',
    "update alembic_version set version_num = '9f3c'",
    /revision "9f3c", and mexa has no migration of that number/,
  ],
  ['two revisions', "insert into alembic_version values ('003')", /holds several revisions/],
];

async function faultOf(work: Promise<unknown>): Promise<string> {
  const fault: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(MigrationError);
  return fault instanceof Error ? fault.message : '';
}

const wholeOf = async (owner: Database) => ({
  shape: await shapeOf(owner),
  contents: await contentsOf(owner),
  revisions: await sql(owner, 'select * from alembic_version order by 1'),
});

test.each(differences)(
  'a database with %s is refused with a sentence, and nothing of it is changed',
  async (_, spoil, sentence) => {
    const world = await openEmptyMigrations();
    try {
      await buildEarlierSystem(world.owner, '004', 'index');
      await sql(world.owner, spoil);
      const before = await wholeOf(world.owner);
      expect(await faultOf(world.migrator.adopt())).toMatch(sentence);
      expect(await faultOf(world.migrator.up())).toMatch(sentence);
      expect(await wholeOf(world.owner)).toEqual(before);
    } finally {
      await world.close();
    }
  },
);

test('adopting alone records and runs nothing, twice is once, and an empty database has nothing to adopt', async () => {
  const world = await openEmptyMigrations();
  try {
    expect(await faultOf(world.migrator.adopt())).toContain('nothing to adopt');
    await buildEarlierSystem(world.owner, '003', 'constraint');
    const before = await contentsOf(world.owner);
    expect(await world.migrator.adopt()).toEqual({ revision: '003', adopted: names.slice(0, 3) });
    expect(await world.migrator.adopt()).toEqual({ revision: '003', adopted: [] });
    expect(await contentsOf(world.owner)).toEqual(before);
    expect((await world.migrator.up()).steps.map(({ name }) => name)).toContain(names[3]);
  } finally {
    await world.close();
  }
});
