import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { realDatabases } from '../../testing/index.ts';
import { connect } from './connection.ts';
import { MigrationError } from './migration-error.ts';
import { createWorld, refusal, type World } from './test/world.ts';

const kernelUrl = new URL('../../kernel/index.ts', import.meta.url).href;
const migratorUrl = new URL('migrator.ts', import.meta.url).href;

/** A process of its own that runs `up` and prints what ran. */
async function startMigrator(world: World): Promise<ChildProcess> {
  const script = new URL('up.mts', world.folder);
  await writeFile(
    script,
    `import { createMigrator } from ${JSON.stringify(migratorUrl)};
     import { silentLog } from ${JSON.stringify(kernelUrl)};
     const folder = new URL('./', import.meta.url);
     const migrator = createMigrator({
       url: ${JSON.stringify(world.url)}, service: 'shop', streams: [{ name: 'shop', folder }],
       lockTimeoutMs: 60_000, log: silentLog,
     });
     const { steps } = await migrator.up();
     process.stdout.write(JSON.stringify(steps.map((step) => step.name)));
    `,
  );
  return spawn(process.execPath, [fileURLToPath(script)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function outputOf(child: ChildProcess): Promise<{ readonly code: number | null; readonly text: string }> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

const waitFor = <T>(condition: () => T): Promise<T> => vi.waitFor(condition, { timeout: 30_000, interval: 20 });

/** A migration that makes a table, says so in a file, and is then busy for two minutes, the first time. */
const stuck = (world: World, busy: string): Promise<void> =>
  world.write('v002_long', {
    up: `await runner.run('create table half (id integer)');
         const { existsSync, writeFileSync } = await import('node:fs');
         const marker = new URL('busy', import.meta.url);
         if (!existsSync(marker)) { writeFileSync(marker, ''); ${busy} }
         await runner.run('create table whole (id integer)');`,
    down: ['drop table whole', 'drop table half'],
  });

const idle = 'await new Promise((resolve) => setTimeout(resolve, 120_000));';

for (const real of await realDatabases()) {
  const longStatement = real.dialect.hasTransactionalDdl ? 'select pg_sleep(120)' : 'select sleep(120)';
  const moments = [
    ['between two statements', idle],
    ['inside a statement', `await runner.run(${JSON.stringify(longStatement)});`],
  ] as const;
  const oneTable = { v001_clients: { up: ['create table clients (id integer)'] } };

  /** Kills a migrator in the middle of its second migration. */
  async function killInTheMiddle(world: World, busy: string): Promise<void> {
    await stuck(world, busy);
    const child = await startMigrator(world);
    const ended = once(child, 'close');
    try {
      await waitFor(() => expect(existsSync(new URL('busy', world.folder))).toBe(true));
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }

  describe.skipIf(real.unreachable !== undefined)(`migrators in a race on ${real.name}`, () => {
    let world: World;
    afterEach(() => world.drop());

    it('lets one of twenty processes work and the others find it done', async () => {
      world = await createWorld(real, {
        v001_clients: { up: ['create table clients (id integer)', 'insert into clients values (1)'] },
        v002_orders: { up: ['create table orders (id integer)', 'insert into orders values (1)'] },
      });
      const children = await Promise.all(Array.from({ length: 20 }, () => startMigrator(world)));
      const outputs = await Promise.all(children.map(outputOf));
      expect(outputs.map((output) => output.code)).toEqual(Array.from({ length: 20 }, () => 0));
      expect(outputs.map((output) => output.text).toSorted()).toEqual([
        '["v001_clients","v002_orders"]',
        ...Array.from({ length: 19 }, () => '[]'),
      ]);
      expect(await world.query('select id from clients')).toHaveLength(1);
    });

    it('lets one of twenty connections work, round after round of up and down', async () => {
      world = await createWorld(real, {
        v001_clients: { up: ['create table clients (id integer)'], down: ['drop table clients'] },
      });
      for (let round = 0; round < 3; round += 1) {
        const ups = await Promise.all(Array.from({ length: 20 }, () => world.migrator().up()));
        expect(ups.filter((outcome) => outcome.steps.length > 0)).toHaveLength(1);
        const downs = await Promise.all(Array.from({ length: 20 }, () => world.migrator().down()));
        expect(downs.filter((outcome) => outcome.steps.length > 0)).toHaveLength(1);
      }
    });

    it('gives up on the lock after the time it was given, and says who holds it', async () => {
      world = await createWorld(real, { v001_clients: { up: ['create table clients (id integer)'] } });
      const holder = await connect(world);
      try {
        expect(await holder.takeLock(`quinta migrate ${holder.database}`, 0)).toBe(true);
        const late = await refusal(world.migrator({ lockTimeoutMs: 1_000 }).up());
        expect(late.kind).toBe('lock_timeout');
        expect(late.message).toMatch(/\((?:process|connection) \d+ of the server\)/);
        expect(late.message).toContain('after 1000 ms');
        expect(world.said.join('\n')).toContain('is at work on');
        expect(await world.hasTable('clients')).toBe(false);
        expect(await world.migrator().status()).toMatchObject({ pendingCount: 1 });
      } finally {
        await holder.close();
      }
      expect((await world.migrator().up()).steps).toHaveLength(1);
    });

    it.each(moments)('goes on as it should after a migrator that was killed %s', async (_, busy) => {
      world = await createWorld(real, oneTable);
      await killInTheMiddle(world, busy);
      const migrator = world.migrator();
      // Where the engine rolled it back the next one just runs it; where it could not, a person must have a look.
      const blockers = real.dialect.hasTransactionalDdl ? [] : ['interrupted'];
      const attempt = await migrator.up().catch((error: unknown) => error);
      expect(attempt instanceof MigrationError ? [attempt.kind] : []).toEqual(blockers);
      if (blockers.length > 0) await world.query('drop table half');
      if (blockers.length > 0) await migrator.resolve('v002_long', 'reverted');
      await migrator.up();
      expect(await migrator.current()).toEqual([{ stream: 'shop', name: 'v002_long' }]);
      expect(await world.hasTable('whole')).toBe(true);
    });
  });

  // Where DDL rolls back, nothing can stand half done.
  if (real.dialect.hasTransactionalDdl) continue;
  describe.skipIf(real.unreachable !== undefined)(`a half-done migration on ${real.name}`, () => {
    let world: World;
    afterEach(() => world.drop());

    it('counts as applied once a person has finished it and said so', async () => {
      const versionTable = { name: 'alembic_version', column: 'version_num' } as const;
      world = await createWorld(real, oneTable);
      await killInTheMiddle(world, idle);
      await world.query('create table whole (id integer)');
      const migrator = world.migrator({ versionTable });
      expect(await migrator.resolve('v002', 'applied')).toEqual({ stream: 'shop', name: 'v002_long' });
      expect(await world.query('select version_num from alembic_version')).toEqual([{ version_num: '002' }]);
      expect((await migrator.up()).steps).toEqual([]);
      expect(await refusal(migrator.resolve('v002', 'applied'))).toMatchObject({ kind: 'bad_request' });
      await migrator.down();
      expect(await world.hasTable('half')).toBe(false);
    });

    it('is left by a statement that fails behind one that worked, going up and going down', async () => {
      world = await createWorld(real, {
        v001_clients: {
          up: ['create table clients (id integer)'],
          down: ['create table late (id integer)', 'drop table nowhere'],
        },
        v002_wrong: { up: ['create table half (id integer)', 'drop table nowhere'] },
      });
      const failure = await refusal(world.migrator().up());
      expect(failure.message).toContain('quinta migrate resolve shop v002_wrong');
      expect(await refusal(world.migrator().up())).toMatchObject({ kind: 'interrupted', migration: 'v002_wrong' });
      await world.migrator().resolve('v002_wrong', 'reverted');
      expect((await refusal(world.migrator().down())).message).toContain('failed going down at "drop table nowhere"');
      const interrupted = await refusal(world.migrator().down());
      expect(interrupted.message).toContain('v001_clients began to go down');
      await world.migrator().resolve('v001_clients', 'reverted');
      expect(await world.migrator().current()).toEqual([{ stream: 'shop', name: null }]);
    });
  });
}
