import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { realDatabases } from '../../testing/index.ts';
import { connect } from './connection.ts';
import { MigrationError } from './migration-error.ts';
import { createWorld, type MigrationSource, refusal, type World } from './test/world.ts';

const three: Readonly<Record<string, MigrationSource>> = {
  v001_clients: { up: ['create table clients (id integer primary key)'], down: ['drop table clients'] },
  v002_client_names: {
    up: ['alter table clients add column label varchar(20) null'],
    down: ['alter table clients drop column label'],
  },
  v003_orders: { up: ['create table orders (id integer primary key)'], down: ['drop table orders'] },
};

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`a migrator on ${real.name}`, () => {
    let world: World;
    afterEach(() => world.drop());

    it('runs what is pending in order, records it, and then finds nothing to do', async () => {
      world = await createWorld(real, three);
      const migrator = world.migrator({ appVersion: '1.2.3' });
      const first = await migrator.up();
      expect(first.steps.map((step) => `${step.direction} ${step.name}`)).toEqual([
        'up v001_clients',
        'up v002_client_names',
        'up v003_orders',
      ]);
      expect(await migrator.up()).toEqual({ adopted: [], steps: [] });
      expect(world.said).toHaveLength(3);
      const history = await migrator.history();
      expect(history.map((entry) => entry.ordinal)).toEqual([1, 2, 3]);
      expect(history[0]).toMatchObject({ stream: 'shop', isAdopted: false, appVersion: '1.2.3' });
      expect(Date.parse(history[0]?.finishedAt ?? '')).toBeGreaterThan(Date.now() - 600_000);
      const [row] = await world.query('select hash from quinta_migrations where ordinal = 1');
      expect(row?.['hash']).toMatch(/^[0-9a-f]{64}$/);
    });

    it('goes up, down and up again, by steps, by name, by the start of a name and to the base', async () => {
      world = await createWorld(real, three);
      const migrator = world.migrator();
      await migrator.up({ to: 'v002' });
      expect(await migrator.current()).toEqual([{ stream: 'shop', name: 'v002_client_names' }]);
      await migrator.up();
      const undone = await migrator.down({ steps: 2 });
      expect(undone.steps.map((step) => step.name)).toEqual(['v003_orders', 'v002_client_names']);
      expect(await world.hasTable('orders')).toBe(false);
      await migrator.to('v003_orders');
      expect(await world.hasTable('orders')).toBe(true);
      await migrator.to('v001_clients');
      expect(await migrator.current()).toEqual([{ stream: 'shop', name: 'v001_clients' }]);
      await migrator.down({ to: 'base' });
      expect(await world.hasTable('clients')).toBe(false);
      await migrator.up();
      await migrator.down();
      expect(await migrator.current()).toEqual([{ stream: 'shop', name: 'v002_client_names' }]);
    });

    it('shows the status without making a table', async () => {
      world = await createWorld(real, three);
      const migrator = world.migrator();
      const before = await migrator.status();
      expect(before).toMatchObject({ service: 'shop', pendingCount: 3 });
      expect(await world.hasTable('quinta_migrations')).toBe(false);
      await migrator.up({ to: 'v001' });
      await world.write('v001_clients', { up: ['select 2'] });
      const after = await migrator.status();
      expect(after.migrations.map((line) => [line.name, line.state, line.isAltered])).toEqual([
        ['v001_clients', 'applied', true],
        ['v002_client_names', 'pending', false],
        ['v003_orders', 'pending', false],
      ]);
    });

    it('refuses to go on above an applied migration whose file changed, or that has no file here', async () => {
      world = await createWorld(real, three);
      await world.migrator().up({ to: 'v002' });
      await world.write('v001_clients', { up: ['select 2'] });
      const altered = await refusal(world.migrator().up());
      expect(altered).toMatchObject({ kind: 'altered', differences: ['v001_clients'] });
      await world.write('v001_clients', three['v001_clients'] ?? {});
      await world.remove('v002_client_names');
      await world.remove('v003_orders');
      await world.write('v002_other', { up: ['create table other (id integer)'] });
      const unknown = await refusal(world.migrator().up());
      expect(unknown).toMatchObject({ kind: 'altered', differences: ['v002_client_names'] });
      expect(await refusal(world.migrator().down())).toMatchObject({ kind: 'altered' });
      expect(await world.hasTable('other')).toBe(false);
      expect((await world.migrator().status()).migrations.map((line) => line.state)).toEqual([
        'applied',
        'pending',
        'unknown',
      ]);
    });

    it('refuses targets that make no sense', async () => {
      world = await createWorld(real, three);
      const migrator = world.migrator();
      await migrator.up({ to: 'v002' });
      expect((await refusal(migrator.up({ to: 'v009_none' }))).message).toContain('There is no migration "v009_none"');
      expect((await refusal(migrator.down({ to: 'v003_orders' }))).message).toContain('it is not applied');
      expect((await refusal(migrator.down({ steps: 0 }))).message).toContain('expected a whole number above 0');
      expect(await refusal(world.migrator({ lockTimeoutMs: 0 }).up())).toMatchObject({ kind: 'bad_request' });
      expect(await migrator.current()).toEqual([{ stream: 'shop', name: 'v002_client_names' }]);
    });

    it('runs streams in the order given and takes only what is asked for', async () => {
      world = await createWorld(real, three);
      const platform = await createWorld(real, {
        p001_sessions: { up: ['create table sessions (id integer)'], down: ['drop table sessions'] },
        p002_unwanted: { up: ['create table unwanted (id integer)'] },
        p003_keys: { up: ['create table api_keys (id integer)'], down: ['drop table api_keys'] },
      });
      try {
        const wanted = { name: 'platform', folder: platform.folder, only: ['p001_sessions', 'p003_keys'] };
        const migrator = world.migrator({ streams: [wanted, { name: 'shop', folder: world.folder }] });
        const { steps } = await migrator.up();
        expect(steps.map((step) => `${step.stream}/${step.name}`)).toEqual([
          'platform/p001_sessions',
          'platform/p003_keys',
          'shop/v001_clients',
          'shop/v002_client_names',
          'shop/v003_orders',
        ]);
        expect(await world.hasTable('unwanted')).toBe(false);
        const earlier = world.migrator({
          streams: [
            { ...wanted, only: ['p002_unwanted'] },
            { name: 'shop', folder: world.folder },
          ],
        });
        expect((await earlier.up()).steps.map((step) => step.name)).toEqual(['p002_unwanted']);
      } finally {
        await platform.drop();
      }
    });

    it('names the migration, the statement and the reason of a failure', async () => {
      world = await createWorld(real, {
        v001_clients: { up: ['create table clients (id integer primary key)'] },
        v002_wrong: { up: ['create table half (id integer)', '\n  insert into nowhere\n  values (1)'] },
      });
      const failure = await refusal(world.migrator().up());
      expect(failure).toMatchObject({ kind: 'failed', migration: 'v002_wrong' });
      expect(failure.message).toContain('shop/v002_wrong failed going up at "insert into nowhere"');
      expect(failure.message).toMatch(/nowhere.* (?:does not exist|doesn't exist)/);
      expect(await world.hasTable('half')).toBe(!real.dialect.hasTransactionalDdl);
      expect(await world.migrator().current()).toEqual([{ stream: 'shop', name: 'v001_clients' }]);
    });

    it('keeps the password out of a failure, even where the statement holds it', async () => {
      world = await createWorld(real, { v001_wrong: { up: [`insert into nowhere values ('sesame-3f9c')`] } });
      const [user, grants] = ownerOf(world.url, real.dialect.name);
      for (const sql of grants) await world.query(sql);
      try {
        const url = world.url.replace(/\/\/[^@]*@/, `//${user}:sesame-3f9c@`);
        const failure = await refusal(world.migrator({ url }).up());
        expect(failure.message).toContain(`at "insert into nowhere values ('***')"`);
        expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('sesame');
      } finally {
        if (grants.length > 0) await world.query(`drop user ${user}`);
      }
    });

    it('says so when the server ends the connection in the middle', async () => {
      const [me, end] = real.dialect.hasTransactionalDdl
        ? ['select pg_backend_pid() as id', 'select pg_terminate_backend(']
        : ['select connection_id() as id', 'kill '];
      const closing = real.dialect.hasTransactionalDdl ? ')' : '';
      world = await createWorld(real, {
        v001_cut: {
          up: `await runner.run('create table half (id integer)');
               const [row] = await runner.run('${me}');
               await runner.run('${end}' + row.id + '${closing}');
               await runner.run('create table whole (id integer)');`,
        },
      });
      const failure = await refusal(world.migrator().up());
      expect(failure.message).toMatch(
        real.dialect.hasTransactionalDdl
          ? /The connection was lost, so whether it holds is not known/
          : /at "kill \d+": .*What it did before that stays.*quinta migrate resolve shop v001_cut/,
      );
      const [line] = (await world.migrator().status()).migrations;
      expect(line?.state).toBe(real.dialect.hasTransactionalDdl ? 'pending' : 'running');
      expect(await world.hasTable('whole')).toBe(false);
    });

    it('refuses a statement that would end the transaction of its migration', async () => {
      world = await createWorld(real, {
        v001_data: {
          up: ['create table clients (id integer)', 'begin', 'insert into clients values (1)', 'commit'],
        },
      });
      const outcome = await world
        .migrator()
        .up()
        .catch((error: unknown) => error);
      const refused = outcome instanceof MigrationError ? outcome.message : '';
      expect(refused.includes('"begin" would end the transaction')).toBe(real.dialect.hasTransactionalDdl);
      expect(await world.hasTable('clients')).toBe(!real.dialect.hasTransactionalDdl);
    });

    it('leaves nothing to resolve where the first statement failed already', async () => {
      world = await createWorld(real, { v001_wrong: { up: ['insert into nowhere values (1)'] } });
      const failure = await refusal(world.migrator().up());
      expect(failure.message).toMatch(/Nothing of it was (?:kept|done)/);
      expect((await world.migrator().status()).migrations[0]).toMatchObject({ state: 'pending' });
    });

    it('runs in UTC and passes parameters through to the driver', async () => {
      const zone = real.dialect.hasTransactionalDdl ? "current_setting('TimeZone')" : '@@time_zone';
      world = await createWorld(real, {
        v001_zone: {
          up: `await runner.run('create table zones (name varchar(20))');
               const [row] = await runner.run("select ${zone} as zone");
               await runner.run('insert into zones (name) values (' + runner.dialect.placeholder(1) + ')', [row.zone]);`,
        },
      });
      await world.migrator().up();
      const [row] = await world.query('select name from zones');
      expect(['UTC', '+00:00']).toContain(row?.['name']);
    });

    it('runs the last step of the caller at every up, and says when that failed', async () => {
      world = await createWorld(real, three);
      const migrator = world.migrator({
        afterUp: async (runner) => {
          await runner.run('insert into clients (id) select count(*) from clients');
        },
      });
      await migrator.up();
      await migrator.up();
      expect(await world.query('select id from clients order by id')).toMatchObject([{ id: 0 }, { id: 1 }]);
      const failing = world.migrator({ afterUp: () => Promise.reject(new Error('no such role')) });
      expect((await refusal(failing.up())).message).toContain('what follows them failed: no such role');
    });

    it('keeps an earlier tool informed through its version table', async () => {
      world = await createWorld(real, three);
      const versionTable = { name: 'alembic_version', column: 'version_num' } as const;
      const migrator = world.migrator({ versionTable });
      const revisions = (): Promise<readonly unknown[]> => world.query('select version_num from alembic_version');
      await migrator.up({ to: 'v001' });
      expect(await revisions()).toEqual([{ version_num: '001' }]);
      await migrator.up();
      expect(await revisions()).toEqual([{ version_num: '003' }]);
      await migrator.down();
      expect(await revisions()).toEqual([{ version_num: '002' }]);
      await migrator.down({ to: 'base' });
      expect(await revisions()).toEqual([]);
      await migrator.up();
      expect(await revisions()).toEqual([{ version_num: '003' }]);
      const connection = await connect(world);
      const facts = (await connection.describe()).filter((fact) => fact.table === 'alembic_version');
      await connection.close();
      const texts = facts.map((fact) => fact.text).join('\n');
      expect(texts).toMatch(/character varying\(32\) not null|varchar\(32\) NOT NULL/);
      expect(texts).toMatch(/alembic_version_pkc PRIMARY KEY \(version_num\)|PRIMARY KEY \(`version_num`\)/);
    });
  });
}

/** A user with the password `sesame-3f9c`: PostgreSQL's tests trust any password, MySQL's need a user of their own. */
function ownerOf(url: string, dialect: string): readonly [user: string, statements: readonly string[]] {
  const database = url.slice(url.lastIndexOf('/') + 1);
  if (dialect === 'postgresql') return [/\/\/([^:@]*)/.exec(url)?.[1] ?? '', []];
  const user = `q_${database.slice(-12)}`;
  return [user, [`create user ${user} identified by 'sesame-3f9c'`, `grant all on ${database}.* to ${user}`]];
}
