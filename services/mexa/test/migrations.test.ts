import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import {
  type Contents,
  contentsOf,
  type Migrations,
  only,
  openEmptyMigrations,
  migrationNames,
  openMigrations,
  revisionOf,
  shapeOf,
} from './migrations-world.ts';
import { newPerson } from './people.ts';
import { countOf, sql } from './sql.ts';
import { newVale } from './vouchers.ts';

const names = migrationNames;
const promisedNames = [
  'v001_initial_schema',
  'v002_add_request_id_to_vales',
  'v003_add_usuarios_indexes',
  'v004_create_audit_logs_table',
] as const;

const base = {
  usuarios: ['id', 'username', 'email', 'password_hash', 'created_at', 'updated_at'],
  vales: ['id', 'user_id', 'amount', 'description', 'created_at'],
  audit_logs: [
    'id',
    'request_id',
    'user_id',
    'action',
    'resource_type',
    'resource_id',
    'old_values',
    'new_values',
    'endpoint',
    'method',
    'ip_address',
    'created_at',
  ],
};
const states = [
  'state',
  'issued_by',
  'redeemed_at',
  'redeemed_by',
  'redeem_key',
  'voided_at',
  'voided_by',
  'void_reason',
  'void_key',
  'drawn_description',
  'was_redescribed',
  'has_legacy_amount',
];

/** What each version can hold: the columns of its tables. */
const columnsAt: Readonly<Record<string, Readonly<Record<keyof Contents, readonly string[]>>>> = {
  '001': { ...base, audit_logs: [] },
  '002': { ...base, vales: [...base.vales, 'request_id'], audit_logs: [] },
  '003': { ...base, vales: [...base.vales, 'request_id'], audit_logs: [] },
  '004': { ...base, vales: [...base.vales, 'request_id'] },
  '005': { ...base, usuarios: [...base.usuarios, 'role', 'disabled_at'], vales: [...base.vales, 'request_id'] },
  '006': {
    ...base,
    usuarios: [...base.usuarios, 'role', 'disabled_at'],
    vales: [...base.vales, 'request_id', ...states],
  },
};

/** From v007 on no migration has added or removed a column. */
const allColumns = {
  ...columnsAt['006'],
  audit_logs: [...base.audit_logs, 'user_agent', 'details'],
} as typeof base;

test('the promised migrations stand first, by their promised names', () => {
  expect(names.slice(0, promisedNames.length)).toEqual(promisedNames);
  expect(names.map((name) => Number(name.slice(1, 4)))).toEqual(names.map((_, place) => place + 1));
});

describe('on an empty database', () => {
  let world: Migrations;
  beforeAll(async () => {
    world = await openEmptyMigrations();
  });
  afterAll(() => world.close());

  test('each step up and down says its number where the earlier tool looks for it', async () => {
    for (const name of names) {
      const { steps } = await world.migrator.up({ to: name });
      expect(steps.at(-1)).toMatchObject({ name, direction: 'up' });
      expect(await revisionOf(world.owner)).toBe(name.slice(1, 4));
    }
    for (const [place, name] of names.toReversed().entries()) {
      const { steps } = await world.migrator.down({ steps: 1 });
      expect(steps).toMatchObject([{ name, direction: 'down' }]);
      expect(await revisionOf(world.owner)).toBe(names.toReversed()[place + 1]?.slice(1, 4));
    }
  });

  test('down to base leaves no table of ours, and up again makes the same as the first time', async () => {
    await world.migrator.up();
    const fresh = await shapeOf(world.owner);
    expect(fresh.length).toBeGreaterThan(60);
    await world.migrator.down({ to: 'base' });
    expect(await sql(world.owner, "select tablename from pg_tables where schemaname = 'public' order by 1")).toEqual([
      { tablename: 'alembic_version' },
      { tablename: 'quinta_migrations' },
    ]);
    expect(
      await sql(
        world.owner,
        "select proname from pg_proc where pronamespace = 'public'::regnamespace and prolang <> 13 and probin is null",
      ),
    ).toEqual([]);
    await world.migrator.up();
    expect(await shapeOf(world.owner)).toEqual(fresh);
  });

  test('pgcrypto is there with the second migration', async () => {
    const extensions = () => countOf(world.owner, "pg_extension where extname = 'pgcrypto'");
    await world.migrator.down({ to: 'base' });
    await sql(world.owner, 'drop extension if exists pgcrypto');
    await world.migrator.up({ to: promisedNames[0] });
    expect(await extensions()).toBe(0);
    await world.migrator.up({ to: promisedNames[1] });
    expect(await extensions()).toBe(1);
  });

  test('at 004 every column, key and index is the promised one', async () => {
    await world.migrator.to(promisedNames[3]);
    const ours = /^(CREATE (UNIQUE )?INDEX \S+ ON public\.)?(constraint )?(usuarios|vales|audit_logs)\b/;
    const lines = (await shapeOf(world.owner)).filter((line) => ours.test(line) && !/ NOT NULL \w+$/.test(line));
    expect(lines).toEqual(promised.toSorted());
  });
});

const promised = [
  "usuarios.id int4(32,0) NO nextval('usuarios_id_seq'::regclass)",
  'usuarios.username varchar(50) NO',
  'usuarios.email varchar(100) NO',
  'usuarios.password_hash varchar(255) NO',
  'usuarios.created_at timestamp NO now()',
  'usuarios.updated_at timestamp NO now()',
  "vales.id int4(32,0) NO nextval('vales_id_seq'::regclass)",
  'vales.user_id int4(32,0) NO',
  'vales.amount numeric(10,2) NO',
  'vales.description varchar(255) YES',
  'vales.created_at timestamp NO now()',
  'vales.request_id uuid NO',
  "audit_logs.id int4(32,0) NO nextval('audit_logs_id_seq'::regclass)",
  'audit_logs.request_id uuid NO',
  'audit_logs.user_id int4(32,0) YES',
  'audit_logs.action varchar(50) NO',
  'audit_logs.resource_type varchar(50) NO',
  'audit_logs.resource_id int4(32,0) YES',
  'audit_logs.old_values json YES',
  'audit_logs.new_values json YES',
  'audit_logs.endpoint varchar(255) YES',
  'audit_logs.method varchar(10) YES',
  'audit_logs.ip_address varchar(50) YES',
  'audit_logs.created_at timestamp NO now()',
  'constraint usuarios usuarios_pkey PRIMARY KEY (id)',
  'constraint vales vales_pkey PRIMARY KEY (id)',
  'constraint vales vales_user_id_fkey FOREIGN KEY (user_id) REFERENCES usuarios(id)',
  'constraint vales uq_vales_request_id UNIQUE (request_id)',
  'constraint audit_logs audit_logs_pkey PRIMARY KEY (id)',
  'constraint audit_logs audit_logs_user_id_fkey FOREIGN KEY (user_id) REFERENCES usuarios(id)',
  'CREATE UNIQUE INDEX usuarios_pkey ON public.usuarios USING btree (id)',
  'CREATE UNIQUE INDEX ix_usuarios_username ON public.usuarios USING btree (username)',
  'CREATE UNIQUE INDEX ix_usuarios_email ON public.usuarios USING btree (email)',
  'CREATE INDEX ix_usuarios_created_at ON public.usuarios USING btree (created_at)',
  'CREATE UNIQUE INDEX vales_pkey ON public.vales USING btree (id)',
  'CREATE UNIQUE INDEX uq_vales_request_id ON public.vales USING btree (request_id)',
  'CREATE INDEX ix_vales_user_id ON public.vales USING btree (user_id)',
  'CREATE UNIQUE INDEX audit_logs_pkey ON public.audit_logs USING btree (id)',
  ...['request_id', 'user_id', 'action', 'resource_type', 'resource_id', 'created_at'].map(
    (column) => `CREATE INDEX ix_audit_logs_${column} ON public.audit_logs USING btree (${column})`,
  ),
];

/** A database as work leaves it: filled through the API, and by hand with what the API would not write. */
async function fill(world: MexaWorld): Promise<void> {
  const person = await newPerson(world, 'cajero');
  await newPerson(world, 'auditor');
  await world.api(`/usuarios/${person.id}`, { method: 'DELETE', token: world.tokens.admin });
  const drawn = await newVale(world, { description: '🧤 "ñ" \\ \n', amount: '99999999.99' });
  await world.api(`/vales/${drawn.id}`, { method: 'PATCH', token: world.tokens.admin, body: { description: null } });
  await newVale(world, { amount: '0.01', description: '🧤 "ñ" \\ \n' });
  await sql(
    world.owner,
    `insert into usuarios (username, email, password_hash, created_at)
     values ('Ána Mora', 'ANA@Example.COM', '!', '1999-12-31 23:59:59.999999')`,
  );
  // As the earlier system left them; nobody can draw such a voucher any more.
  await sql(world.owner, 'alter table vales disable trigger tr_vales_no_new_legacy');
  await sql(
    world.owner,
    `insert into vales (user_id, amount, description, created_at, request_id, has_legacy_amount)
     values (1, -5.25, 'resta', '2000-02-29 00:00:00.000001', gen_random_uuid(), true),
            (1, 0, null, now(), gen_random_uuid(), true)`,
  );
  await sql(world.owner, 'alter table vales enable trigger tr_vales_no_new_legacy');
  await sql(
    world.owner,
    `insert into audit_logs (request_id, action, resource_type, old_values, new_values)
     values (gen_random_uuid(), 'adjust_stock', 'epp', '{"b": 1, "a": 1.10}', '[null, "x"]')`,
  );
}

describe('on a database in use', () => {
  let world: MexaWorld;
  let migrations: Migrations;
  let before: Contents;
  beforeEach(async () => {
    world = await openMexaWorld();
    migrations = await openMigrations(world.urls);
    await fill(world);
    before = await contentsOf(world.owner);
  });
  afterEach(async () => {
    await migrations.close();
    await world.close();
  });

  /** Compares all that a version can hold with what was there before. */
  const expectKept = async (revision: string): Promise<void> => {
    const now = await contentsOf(world.owner);
    for (const table of ['usuarios', 'vales', 'audit_logs'] as const) {
      const columns = (columnsAt[revision] ?? allColumns)[table];
      if (columns.length === 0) continue;
      expect(now[table]).toHaveLength(before[table].length);
      expect(only(now[table], columns)).toEqual(only(before[table], columns));
    }
  };

  test('every step down keeps what the older version can hold, and every step up again keeps that', async () => {
    expect(before.usuarios.length).toBeGreaterThan(7);
    expect(before.vales.length).toBeGreaterThan(45);
    expect(before.audit_logs.length).toBeGreaterThan(60);
    for (const revision of names
      .toReversed()
      .slice(1)
      .map((name) => name.slice(1, 4))) {
      await migrations.migrator.down({ steps: 1 });
      expect(await revisionOf(world.owner)).toBe(revision);
      await expectKept(revision);
    }
    expect(Object.keys((await contentsOf(world.owner)).vales[0] ?? {}).toSorted()).toEqual(base.vales.toSorted());
    for (const name of names) {
      await migrations.migrator.up({ to: name });
      expect(await revisionOf(world.owner)).toBe(name.slice(1, 4));
      await expectKept('001');
    }
    expect(await countOf(world.owner, 'audit_logs')).toBe(0);
    expect(await countOf(world.owner, 'vales where request_id is null')).toBe(0);
    expect(await countOf(world.owner, "vales where state <> 'issued' or has_legacy_amount <> (amount <= 0)")).toBe(0);
    expect(await countOf(world.owner, "usuarios where role <> 'usuario' or disabled_at is not null")).toBe(0);
  });

  test('the service goes on with what came out of it', async () => {
    await migrations.migrator.to(promisedNames[0]);
    await migrations.migrator.up();
    for (const { id, amount } of before.vales) {
      const answer = await world.api(`/vales/${String(id)}`, { token: world.tokens.admin });
      expect(answer.json()).toMatchObject({ id, amount, state: 'issued' });
    }
    const { id } = await newVale(world);
    expect(id).toBeGreaterThan(Math.max(...before.vales.map((row) => Number(row['id']))));
  });

  test('down to 004 and up again keeps every key of a request and every audit row', async () => {
    await migrations.migrator.down({ to: promisedNames[3] });
    await migrations.migrator.up();
    await expectKept('004');
  });
});
