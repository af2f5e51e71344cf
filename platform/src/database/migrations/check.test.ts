import { afterEach, describe, expect, it } from 'vitest';
import { realDatabases, type ThrowAwayDatabase } from '../../testing/index.ts';
import { compareSchemas } from './check.ts';
import { lockMigrations } from './lock-file.ts';
import { createWorld, type MigrationSource, refusal, type World } from './test/world.ts';

const shop: Readonly<Record<string, MigrationSource>> = {
  v001_clients: {
    up: ['create table clients (id integer primary key, label varchar(20) not null, check (id > 0))'],
    down: ['drop table clients'],
  },
  v002_label_index: {
    up: ['create index ix_clients_label on clients (label)'],
    down: ['alter table clients add column undone integer'],
  },
};

const versionTable = { name: 'alembic_version', column: 'version_num' } as const;

for (const real of await realDatabases()) {
  const scratch = (): Promise<ThrowAwayDatabase> => real.createDatabase();

  describe.skipIf(real.unreachable !== undefined)(`checking a database on ${real.name}`, () => {
    let world: World;
    afterEach(() => world.drop());

    it('finds nothing where the database is what the migrations make', async () => {
      world = await createWorld(real, shop);
      // A server's default need not be this database's.
      const otherDefaults = real.dialect.name === 'mysql' ? ['alter database collate utf8mb4_bin'] : [];
      for (const sql of otherDefaults) await world.query(sql);
      const migrator = world.migrator({ versionTable });
      expect(await migrator.check({ scratch })).toEqual({
        isOk: true,
        findings: [],
        unlocked: ['shop/v001_clients', 'shop/v002_label_index'],
        isCompared: false,
      });
      await migrator.up({ to: 'v001' });
      await lockMigrations(world.folder);
      // One is pending: the comparison is with what was applied.
      expect(await migrator.check({ scratch })).toEqual({ isOk: true, findings: [], unlocked: [], isCompared: true });
      await migrator.up();
      expect(await migrator.check({ scratch })).toMatchObject({ isOk: true, isCompared: true });
      expect(await migrator.check()).toMatchObject({ isOk: true, isCompared: false });
    });

    it.each([
      ['a column more', 'alter table clients add column extra integer', /not from a migration: clients: .*extra/],
      ['a column that allows null', nullable(real.dialect.name), /missing here: clients: .*label.* not null/i],
      ['an index less', dropIndex(real.dialect.name), /missing here: clients: .*ix_clients_label/],
      ['a table more', 'create table stray (id integer)', /not from a migration: stray: table/],
      ['a trigger more', trigger(real.dialect.name), /not from a migration: clients: trigger .*tr_stray/i],
    ])('lists %s', async (_, sql, expected) => {
      world = await createWorld(real, shop);
      await world.migrator().up();
      for (const statement of sql.split(';;')) await world.query(statement);
      const { isOk, findings } = await world.migrator().check({ scratch });
      expect(isOk).toBe(false);
      expect(new Set(findings.map((found) => found.kind))).toEqual(new Set(['schema']));
      expect(findings.map((found) => found.text).join('\n')).toMatch(expected);
    });

    it('sees a down that does not undo its up, as a difference after going up again', async () => {
      world = await createWorld(real, shop);
      await world.migrator().up();
      await world.query(dropIndex(real.dialect.name));
      await world.migrator().down();
      await world.migrator().up();
      const { findings } = await world.migrator().check({ scratch });
      expect(findings.map((found) => found.text).join('\n')).toMatch(/not from a migration: clients: .*undone/);
    });

    it('lists locked files that changed or went away, records without a file, and a wrong version', async () => {
      world = await createWorld(real, shop);
      await world.migrator({ versionTable }).up();
      await lockMigrations(world.folder);
      await world.write('v001_clients', { up: ['select 2'] });
      await world.remove('v002_label_index');
      await world.query(`update alembic_version set version_num = '009'`);
      const { findings } = await world.migrator({ versionTable }).check();
      expect(findings.map((found) => found.text)).toEqual([
        'shop/v001_clients is locked, and its file was changed',
        'shop/v002_label_index is locked, and its file is gone',
        'shop/v001_clients was applied, and its file was changed since',
        'shop/v002_label_index was applied, and there is no such file',
        'alembic_version says 009, and it should say 002',
      ]);
    });

    it('says when the migrations cannot make an empty database any more, and drops the scratch', async () => {
      world = await createWorld(real, { v001_handmade: { up: ['alter table handmade add column label varchar(9)'] } });
      await world.query('create table handmade (id integer)');
      await world.migrator().up();
      let dropped = 0;
      const { findings } = await world.migrator().check({
        scratch: async () => {
          const database = await real.createDatabase();
          return { url: database.url, drop: async () => ((dropped += 1), database.drop()) };
        },
      });
      expect(findings).toMatchObject([{ kind: 'fresh' }]);
      expect(findings[0]?.text).toContain('v001_handmade failed going up');
      expect(dropped).toBe(1);
    });
  });

  describe.skipIf(real.unreachable !== undefined)(`tables of another system on ${real.name}`, () => {
    let world: World;
    afterEach(() => world.drop());

    async function sharedWorld(sources: Readonly<Record<string, MigrationSource>>): Promise<World> {
      world = await createWorld(real, sources);
      await world.query('create table users (id integer primary key, email varchar(80))');
      await world.query('create table theirs (id integer)');
      return world;
    }
    const protectedTables = ['users', 'abonnement'];

    it.each([
      ['alters one', 'alter table users add column role varchar(9)'],
      ['refers to one', 'create table side (user_id integer references USERS (id))'],
      ['hides one in a string', `select 'alter table "users" drop column email'`],
    ])('refuses a migration that %s before anything runs', async (_, sql) => {
      const shared = await sharedWorld({
        v001_side: { up: ['create table users_side (users_id integer)'] },
        v002_wrong: { up: ['create table before_it (id integer)', sql] },
      });
      const refused = await refusal(shared.migrator({ protectedTables }).up());
      expect(refused).toMatchObject({ kind: 'protected_table', migration: 'v002_wrong' });
      expect(refused.message).toContain('names the table users');
      expect(await world.hasTable('users_side')).toBe(false);
      expect((await shared.migrator({ protectedTables }).up({ to: 'v001' })).steps).toHaveLength(1);
    });

    it('refuses the statement itself where a rehearsal could not foresee it, even if the refusal is swallowed', async () => {
      const shared = await sharedWorld({
        v001_sly: {
          up: `const rows = await runner.run('select 1 as one');
               if (rows.length > 0) await runner.run('drop table users').catch(() => undefined);`,
        },
      });
      expect(await refusal(shared.migrator({ protectedTables }).up())).toMatchObject({ kind: 'protected_table' });
      expect(await world.hasTable('users')).toBe(true);
      expect(await shared.migrator({ protectedTables }).current()).toEqual([{ stream: 'shop', name: null }]);
    });

    it('refuses a migration that changed one without naming it', async () => {
      const sql =
        real.dialect.name === 'mysql'
          ? [`set @sql = concat('alter table us', 'ers add column role integer')`, 'prepare p from @sql', 'execute p']
          : [`do $$ begin execute 'alter table us' || 'ers add column role integer'; end $$`];
      const shared = await sharedWorld({ v001_sly: { up: sql } });
      const refused = await refusal(shared.migrator({ protectedTables }).up());
      expect(refused.kind).toBe('protected_table');
      expect(refused.message).toMatch(/new: users: .*role/);
    });

    it('sees a change of one against what was noted, until it is accepted, and leaves their other tables alone', async () => {
      const shared = await sharedWorld({ v001_side: { up: ['create table users_side (id integer)'] } });
      const migrator = shared.migrator({ protectedTables });
      await migrator.up();
      expect(await migrator.check({ scratch })).toMatchObject({ isOk: true, isCompared: true });
      await world.query('alter table users add column role varchar(9)');
      const stopped = await refusal(migrator.up());
      expect(stopped).toMatchObject({ kind: 'protected_table' });
      expect(stopped.message).toMatch(/new: users: .*role.*legacy accept/s);
      const { findings } = await migrator.check({ scratch });
      expect(findings).toMatchObject([{ kind: 'protected_table' }]);
      expect(findings[0]?.text).toMatch(/new: users: .*role/);
      await migrator.acceptProtected();
      await migrator.up();
      expect(await migrator.check({ scratch })).toMatchObject({ isOk: true });
      await world.query('drop table users');
      expect((await migrator.check()).findings[0]?.text).toMatch(/gone: users: /);
    });
  });
}

const fact = (text: string, table?: string): { table: string | undefined; text: string } => ({ table, text });

describe('comparing two schemas', () => {
  it('leaves out what an administrator or another system added, and nothing that is missing', () => {
    const fresh = [fact('a: table', 'a'), fact('extension pgcrypto'), fact('routine ours()')];
    const live = [fact('users: table', 'USERS'), fact('extension pg_stat_statements'), fact('routine theirs()')];
    const missing = ['a: table', 'extension pgcrypto', 'routine ours()'].map((text) => `missing here: ${text}`);
    expect(compareSchemas(fresh, live, ['users']).map((found) => found.text)).toEqual(missing);
    expect(compareSchemas(fresh, live, []).map((found) => found.text)).toEqual([
      ...missing,
      'not from a migration: users: table',
      'not from a migration: routine theirs()',
    ]);
  });
});

function nullable(dialect: string): string {
  return dialect === 'mysql'
    ? 'alter table clients modify label varchar(20) null'
    : 'alter table clients alter column label drop not null';
}

function dropIndex(dialect: string): string {
  return dialect === 'mysql' ? 'drop index ix_clients_label on clients' : 'drop index ix_clients_label';
}

function trigger(dialect: string): string {
  return dialect === 'mysql'
    ? 'create trigger tr_stray before insert on clients for each row set new.label = upper(new.label)'
    : `create function f_stray() returns trigger language plpgsql as 'begin return new; end';;
       create trigger tr_stray before insert on clients for each row execute function f_stray()`;
}
