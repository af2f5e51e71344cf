import { afterEach, describe, expect, it } from 'vitest';
import { realDatabases } from '../../testing/index.ts';
import { createWorld, type MigrationSource, refusal, type World } from './test/world.ts';

const versionTable = { name: 'alembic_version', column: 'version_num' } as const;

const columnMissing = (table: string, column: string): string => `
  const { placeholder } = runner.dialect;
  const rows = await runner.run(
    'select 1 as found from information_schema.columns where table_name = ' + placeholder(1) +
      ' and column_name = ' + placeholder(2) + ' and table_schema in (select ' +
      (runner.dialect.name === 'mysql' ? 'database()' : 'current_schema()') + ')',
    [${JSON.stringify(table)}, ${JSON.stringify(column)}],
  );
  return rows.length > 0 ? [] : ['the column ${table}.${column} is missing'];`;

const shop: Readonly<Record<string, MigrationSource>> = {
  v001_clients: {
    up: ['create table clients (id integer primary key)'],
    down: ['drop table clients'],
    verify: columnMissing('clients', 'id'),
  },
  v002_client_names: {
    up: ['alter table clients add column label varchar(20)'],
    down: ['alter table clients drop column label'],
    verify: columnMissing('clients', 'label'),
  },
  v003_orders: { up: ['create table orders (id integer primary key)'], down: ['drop table orders'] },
};

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`adopting a database on ${real.name}`, () => {
    let world: World;
    afterEach(() => world.drop());

    /** What an earlier system left, with data, at revision 002. */
    async function legacyWorld(clients: string, revision = '002'): Promise<void> {
      world = await createWorld(real, shop);
      await world.query(`create table clients (${clients})`);
      await world.query('insert into clients (id) values (7)');
      await world.query(
        'create table alembic_version (version_num varchar(32) not null, constraint alembic_version_pkc primary key (version_num))',
      );
      await world.query(`insert into alembic_version values ('${revision}')`);
    }

    it('records what matches as applied, once, and goes on from there', async () => {
      await legacyWorld('id integer primary key, label varchar(20)');
      const migrator = world.migrator({ versionTable });
      const adopted = ['v001_clients', 'v002_client_names'];
      expect(await migrator.adopt()).toEqual({ revision: '002', adopted });
      expect(await migrator.adopt()).toEqual({ revision: '002', adopted: [] });
      const history = await migrator.history();
      expect(history.map((entry) => [entry.name, entry.isAdopted])).toEqual(adopted.map((name) => [name, true]));
      expect((await migrator.up()).steps.map((step) => step.name)).toEqual(['v003_orders']);
      expect(await world.query('select version_num from alembic_version')).toEqual([{ version_num: '003' }]);
      expect(await world.query('select id from clients')).toEqual([{ id: 7 }]);
      await migrator.down({ to: 'v001' });
      expect(await migrator.current()).toEqual([{ stream: 'shop', name: 'v001_clients' }]);
    });

    it('adopts by itself before going up, and says so', async () => {
      await legacyWorld('id integer primary key, label varchar(20)');
      const outcome = await world.migrator({ versionTable }).up();
      expect(outcome.adopted).toEqual(['v001_clients', 'v002_client_names']);
      expect(outcome.steps.map((step) => step.name)).toEqual(['v003_orders']);
      expect(world.said[0]).toBe('Adopted from revision 002: v001_clients, v002_client_names');
    });

    it.each(['up', 'adopt'] as const)('lists what differs and changes nothing (%s)', async (operation) => {
      await legacyWorld('id integer primary key');
      const mismatch = await refusal(world.migrator({ versionTable })[operation]());
      expect(mismatch.kind).toBe('adoption_mismatch');
      expect(mismatch.differences).toEqual(['v002_client_names: the column clients.label is missing']);
      expect(mismatch.message).toContain('the column clients.label is missing');
      expect(await world.hasTable('quinta_migrations')).toBe(false);
      expect(await world.hasTable('orders')).toBe(false);
    });

    it('cannot adopt a migration that cannot verify, nor a revision that it does not know', async () => {
      await legacyWorld('id integer primary key, label varchar(20)', '003');
      const blind = await refusal(world.migrator({ versionTable }).adopt());
      expect(blind.differences).toEqual(['v003_orders: it has no way to verify what an earlier system made']);
      await world.query(`update alembic_version set version_num = '1975ea83b712'`);
      const unknown = await refusal(world.migrator({ versionTable }).adopt());
      expect(unknown.message).toContain('holds the revision "1975ea83b712"');
    });

    it('has nothing to adopt without a version table or without a row in it', async () => {
      world = await createWorld(real, shop);
      expect(await refusal(world.migrator().adopt())).toMatchObject({ kind: 'nothing_to_adopt' });
      expect(await refusal(world.migrator({ versionTable }).adopt())).toMatchObject({ kind: 'nothing_to_adopt' });
      await world.migrator({ versionTable }).up();
      await world.migrator({ versionTable }).down({ to: 'base' });
      expect(await refusal(world.migrator({ versionTable }).adopt())).toMatchObject({ kind: 'nothing_to_adopt' });
    });

    it('does not let a verification write', async () => {
      await legacyWorld('id integer primary key, label varchar(20)');
      await world.write('v001_clients', {
        verify: `await runner.run('create table sneaked (id integer)'); return [];`,
      });
      const refused = await refusal(world.migrator({ versionTable }).adopt());
      expect(refused.message).toMatch(/v001_clients could not verify the schema: .*read.only transaction/i);
      expect(await world.hasTable('sneaked')).toBe(false);
    });
  });
}
