import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { patience, PostgresStack, postgresPrograms } from './test/postgres-stack.ts';
import { succeed } from './test/run.ts';

const programs = postgresPrograms();
/** With what a password may hold that quoting gets wrong. */
const passwords = { POSTGRES_PASSWORD: `p'a"s\\s:1 $w`, POSTGRES_REPLICA_PASSWORD: `r'e"p\\l:2 $i` };

describe.skipIf(programs.unreachable !== undefined)('the scripts of PostgreSQL', () => {
  let stack: PostgresStack;
  beforeAll(async () => {
    stack = new PostgresStack(programs.folder, passwords);
    await stack.makePrimary();
    await stack.ask('primary', 'create table marks (id bigint generated always as identity)');
  });
  beforeEach(() => stack.ensureReplica());
  afterAll(() => stack.close());

  /** Writes a row on the primary and waits until the replica has it. */
  const expectStreaming = async (): Promise<void> => {
    const [row] = await stack.ask('primary', 'insert into marks values (default) returning id');
    const sql = `select id from marks where id = ${String(row?.['id'])}`;
    await vi.waitFor(async () => expect(await stack.ask('replica', sql)).toHaveLength(1), patience);
    expect(await stack.ask('replica', 'select pg_is_in_recovery() as is')).toEqual([{ is: true }]);
  };

  const replicator = (password: string) => ({ user: 'sofipo_replicator', password });

  test('over the network the app user comes in by password alone', async () => {
    expect(await stack.ask('primary', 'select current_user as name')).toEqual([{ name: 'sofipo_user' }]);
    for (const password of ['', 'wrong']) {
      await expect(stack.ask('primary', 'select 1', { password })).rejects.toThrow(/password/);
    }
    expect(await stack.hba()).not.toMatch(/^host.*\btrust\b/m);
  });

  test('the user of the replica may replicate, by password, and nothing else', async () => {
    const roles = await stack.ask(
      'primary',
      `select rolsuper, rolcreatedb, rolcreaterole, rolreplication from pg_roles where rolname = 'sofipo_replicator'`,
    );
    expect(roles).toEqual([{ rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolreplication: true }]);
    const password = passwords.POSTGRES_REPLICA_PASSWORD;
    await expect(stack.ask('primary', 'select 1', replicator(password))).rejects.toThrow(/no pg_hba.conf entry/);
    const identify = (PGPASSWORD: string): Promise<string> =>
      succeed(
        [
          'psql',
          '-wAt',
          `host=127.0.0.1 port=${stack.primaryPort} user=sofipo_replicator dbname=x replication=true`,
          '-cIDENTIFY_SYSTEM',
        ],
        { env: { ...stack.environment(), PGPASSWORD } },
      );
    expect(await identify(password)).toMatch(/^\d+\|1\|/);
    await expect(identify('wrong')).rejects.toThrow(/password authentication failed/);
    await expect(identify('')).rejects.toThrow(/no password supplied/);
  });

  test('the replica copies the primary and follows it', async () => {
    await expectStreaming();
    await expect(stack.ask('replica', 'insert into marks values (default)')).rejects.toThrow(/read-only/);
    const slots = await stack.ask('primary', 'select slot_name, active, wal_status from pg_replication_slots');
    expect(slots).toEqual([{ slot_name: 'sofipo_replica', active: true, wal_status: 'reserved' }]);
  });

  test('neither the replica’s settings nor the list of processes has a password', async () => {
    const [row] = await stack.ask('replica', `select current_setting('primary_conninfo') as told`);
    expect(row?.['told']).toContain('passfile');
    const commands = [stack.commandLine('replica'), String(row?.['told'])];
    expect(commands[0]).toContain('primary_conninfo=');
    const files = ['postgresql.auto.conf', 'postmaster.opts'];
    const texts = files.map((file) => readFileSync(`${stack.replicaFolder}/${file}`, 'utf8'));
    for (const text of [...commands, ...texts]) expect(text).not.toContain('l:2');
  });

  test('the README’s questions about the replica have answers', async () => {
    const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
    const questions = [...readme.matchAll(/psql -U sofipo_user -d sofipo_db -c "([^"]+)"/g)].map(([, sql = '']) => sql);
    expect(questions).toHaveLength(2);
    const answers = await Promise.all(questions.map((sql) => stack.ask('primary', sql)));
    expect(answers[0]).toMatchObject([{ application_name: 'sofipo_replica', state: 'streaming' }]);
    expect(answers[1]).toMatchObject([{ slot_name: 'sofipo_replica', active: true }]);
  });

  test('started again it goes on with the copy that it has, and gets what was written meanwhile', async () => {
    writeFileSync(`${stack.replicaFolder}/of-the-first-copy`, '');
    await stack.stop('replica');
    await stack.ask('primary', 'insert into marks values (default)');
    await stack.ensureReplica();
    await expectStreaming();
    expect(existsSync(`${stack.replicaFolder}/of-the-first-copy`)).toBe(true);
    const counts = await Promise.all(
      (['primary', 'replica'] as const).map((which) => stack.ask(which, 'select count(*) from marks')),
    );
    expect(counts[0]).toEqual(counts[1]);
  });

  test('it starts while the primary is away', async () => {
    await stack.stop('replica');
    await stack.stop('primary');
    await stack.ensureReplica();
    await stack.startPrimary();
    await expectStreaming();
  });

  test('the primary’s script again takes over new passwords, and the replica’s next start as well', async () => {
    const changed = { POSTGRES_REPLICA_PASSWORD: 'another:one' };
    const before = await stack.hba();
    const { status, output } = await stack.configure(changed);
    expect([status, output]).toEqual([0, '00-config-hba: sofipo_user and sofipo_replicator come in by password\n']);
    expect(await stack.hba()).toBe(before);
    await stack.stop('replica');
    const refused = await stack.runReplicaScript(['postgres']);
    expect(refused.status).toBe(1);
    expect(refused.output).toContain('does not let sofipo_replicator in');
    await stack.ensureReplica(changed);
    await expectStreaming();
    expect((await stack.configure()).status).toBe(0);
  });

  test('a replica that was promoted stays what it became, until it is rebuilt', async () => {
    await stack.ask('replica', 'select pg_promote()');
    await stack.ask('replica', 'create table of_the_promoted ()');
    await stack.stop('replica');
    await stack.ensureReplica();
    expect(stack.log('replica')).toContain('was promoted');
    expect(await stack.ask('replica', 'select pg_is_in_recovery() as is')).toEqual([{ is: false }]);
    expect(await stack.ask('replica', 'select from of_the_promoted')).toEqual([]);
    await stack.stop('replica');
    mkdirSync(`${stack.replicaFolder}.new`); // as a copy leaves that was cut in its middle
    const rebuilt = await stack.runReplicaScript(['rebuild']);
    expect(rebuilt).toMatchObject({ status: 0, output: expect.stringContaining('the copy is whole') as string });
    await stack.ensureReplica();
    await expectStreaming();
    await expect(stack.ask('replica', 'select from of_the_promoted')).rejects.toThrow(/does not exist/);
  });

  test('a copy of another primary is neither served nor wiped', async () => {
    await stack.stop('replica');
    const other = new PostgresStack(programs.folder, passwords);
    try {
      await other.makePrimary();
      const environment = { POSTGRES_PRIMARY_PORT: String(other.primaryPort) };
      const refused = await stack.runReplicaScript(['postgres'], environment);
      expect(refused.status).toBe(1);
      expect(refused.output).toContain('is a copy of another primary');
    } finally {
      await other.close();
    }
    await stack.ensureReplica();
    await expectStreaming();
  });

  test.each([
    [{ POSTGRES_REPLICA_PASSWORD: '' }, 'POSTGRES_REPLICA_PASSWORD is not set'],
    [{ PGDATA: '' }, 'PGDATA is not set'],
    [{ POSTGRES_PRIMARY_PORT: '1', POSTGRES_PRIMARY_WAIT_S: '0' }, 'no primary answers at 127.0.0.1:1'],
  ])('the replica refuses %o with its reason', async (given, reason) => {
    const own = { PGDATA: `${stack.folder}/replica/never` };
    const { status, output } = await stack.runReplicaScript(['postgres'], { ...own, ...given });
    expect([status, output]).toEqual([1, expect.stringContaining(reason)]);
    expect(existsSync(own.PGDATA)).toBe(false);
  });

  test('a folder that holds something else is not wiped', async () => {
    const PGDATA = `${stack.folder}/replica/letters`;
    mkdirSync(PGDATA);
    writeFileSync(`${PGDATA}/letter`, '');
    const { status, output } = await stack.runReplicaScript(['rebuild'], { PGDATA });
    expect([status, output]).toEqual([1, expect.stringContaining('holds something that is no database')]);
    expect(existsSync(`${PGDATA}/letter`)).toBe(true);
  });

  test.each([
    [{ POSTGRES_REPLICA_PASSWORD: '' }, 'POSTGRES_REPLICA_PASSWORD is not set'],
    [{ POSTGRES_REPLICA_USER: 'a "name"' }, 'should be letters, digits, _ and -'],
    [{ POSTGRES_REPLICA_USER: 'sofipo_user' }, 'it needs a name of its own'],
  ])('the primary’s script refuses %o with its reason, and changes nothing', async (given, reason) => {
    const before = await stack.hba();
    const { status, output } = await stack.configure({}, given);
    expect([status, output]).toEqual([1, expect.stringContaining(reason)]);
    expect(await stack.hba()).toBe(before);
  });
});
