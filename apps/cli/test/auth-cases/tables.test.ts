import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMigrator, openDatabase, readStatement, writeStatement } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertEnded } from '../place.ts';
import { onDatabase, rowsOf } from '../rows.ts';
import { openOtherSystem, type OtherSystem } from './other-system.ts';
import { login, newMember, registered, somebody } from './people.ts';
import { roundsOf, startTwo, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
const theirs = ['users', 'acces_app', 'abonnement'];
const oldPassword = 'the old pass phrase';
const digest = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');

/** All that makes the shape of their tables: columns, indexes, constraints and triggers. */
const shapeQueries = [
  `select table_name, ordinal_position, column_name, data_type, character_maximum_length, is_nullable, column_default
     from information_schema.columns where table_name = any($1) order by 1, 2`,
  'select tablename, indexname, indexdef from pg_indexes where tablename = any($1) order by 1, 2',
  `select conrelid::regclass::text as name, conname, pg_get_constraintdef(oid) as text
     from pg_constraint where conrelid::regclass::text = any($1) order by 1, 2`,
  `select tgrelid::regclass::text as name, tgname from pg_trigger
    where tgrelid::regclass::text = any($1) and not tgisinternal order by 1, 2`,
];

describe.skipIf(redis.unreachable !== undefined)('the tables of the other system, under two processes', () => {
  let other: OtherSystem;
  let two: TwoProcesses;
  let before: string;
  const fingerprint = (): Promise<string> =>
    onDatabase(other.urls.owner, async (owner) => {
      const shapes = await Promise.all(shapeQueries.map((text) => rowsOf(owner, text, [theirs])));
      return JSON.stringify(shapes);
    });
  beforeAll(async () => {
    other = await openOtherSystem();
    before = await fingerprint();
    two = await startTwo({ LEGACY_HASHES: 'all' }, [{}, {}], other);
  });
  afterAll(async () => {
    await two.close();
    await other.close();
  });

  async function legacy(hash: string): Promise<string> {
    const email = await registered(two);
    await two.write(`update acces_app set password_hash = '${hash}' where email = '${email}'`);
    return email;
  }

  test('K02 the service’s account may change rows of theirs and no shape', async () => {
    const database = openDatabase({ url: other.urls.application, connectionsMax: 1 });
    const refused = [
      'alter table users add column fax varchar(24)',
      'drop table abonnement',
      'create index ix_x on users (nom)',
      'truncate users',
      'create trigger tr_x before insert on users for each row execute function f()',
    ];
    for (const text of refused) {
      const run = database.runAlone(writeStatement<[], never>('test.refused', text), []);
      await expect(run).rejects.toMatchObject({ code: '42501' });
    }
    const read = database.run(
      readStatement<[], { one: number }>('test.read', 'select 1 as one from users limit 1'),
      [],
    );
    await expect(read).resolves.toBeDefined();
    await database.close();
  });

  test('K04 a migration that names a table of theirs is refused before anything of it runs', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'quinta-k04-'));
    const statements = [
      'alter table users add column role varchar(9)',
      'create table side (id integer references users)',
    ];
    try {
      for (const [place, sql] of statements.entries()) {
        const text = `export const migration = { why: 'A test of what is refused.', up: ({ run }) => run('${sql}'), down: async () => {} };`;
        const own = path.join(folder, String(place));
        mkdirSync(own);
        writeFileSync(path.join(own, 'v001_wrong.ts'), text);
        const migrator = createMigrator({
          url: other.urls.owner,
          service: 'move-acces',
          streams: [{ name: 'wrong', folder: pathToFileURL(`${own}/`) }],
          protectedTables: theirs,
          lockTimeoutMs: 5_000,
          log: silentLog,
        });
        await expect(migrator.up()).rejects.toMatchObject({ kind: 'protected_table' });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(await fingerprint()).toBe(before);
  });

  test('K05 no table of ours refers to one of theirs', async () => {
    const keys = await two.sql<{ from: string }>(
      `select conrelid::regclass::text as from from pg_constraint
        where contype = 'f' and confrelid::regclass::text = any($1)`,
      [theirs],
    );
    expect(keys.map(({ from }) => from).filter((name) => !theirs.includes(name))).toEqual([]);
    // The look finds keys: theirs among themselves.
    expect(keys.length).toBeGreaterThan(0);
  });

  test('K07 of two first sign-ins at once both succeed, and one newer hash is kept beside the row', async () => {
    for (const hash of [digest('md5', oldPassword), digest('sha1', oldPassword)]) {
      const email = await legacy(hash);
      const both = ([0, 1] as const).map((at) => login(two, email, { password: oldPassword, at }));
      expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
      const kept = await two.sql<{ password_hash: string }>(
        `select p.password_hash from member_passwords p join users u using (user_id) where u.email = $1`,
        [email],
      );
      expect(kept).toHaveLength(1);
      expect(kept[0]?.password_hash).toMatch(/^\$argon2id\$/);
      expect((await login(two, email, { password: oldPassword })).status).toBe(200);
      const row = await two.sql('select password_hash from acces_app where email = $1', [email]);
      expect(row).toEqual([{ password_hash: hash }]);
    }
  });

  test('K08 a later change by the other system wins, on both', async () => {
    const email = await legacy(digest('md5', oldPassword));
    for (const at of [0, 1] as const) expect((await login(two, email, { password: oldPassword, at })).status).toBe(200);
    await two.write(
      `update acces_app set password_hash = '${digest('sha1', 'changed elsewhere')}' where email = '${email}'`,
    );
    for (const at of [0, 1] as const) {
      expect((await login(two, email, { password: oldPassword, at })).status).toBe(401);
      expect((await login(two, email, { password: 'changed elsewhere', at })).status).toBe(200);
    }
  });

  test('K10 an address that two members have lets nobody in, and each try is audited', async () => {
    const [one, twin] = [await somebody(two), await somebody(two)];
    const [index] = await two.sql<{ indexdef: string }>(
      "select indexdef from pg_indexes where indexname = 'ux_users_email'",
    );
    await two.write('drop index ux_users_email', `update users set email = '${one.email}' where user_id = ${twin.id}`);
    const failures = () =>
      two.sql("select id from audit_logs where action = 'login_failed' and ip_address = $1", [one.from]);
    for (const at of [0, 1] as const) expect((await login(two, one.email, { at, from: one.from })).status).toBe(401);
    expect(await failures()).toHaveLength(2);
    await two.write(`update users set email = '${twin.email}' where user_id = ${twin.id}`, index?.indexdef ?? '');
    expect((await login(two, one.email)).status).toBe(200);
  });

  test('K11 a process that is killed in the middle of a registration leaves no half of it', async () => {
    const body = newMember();
    const rows = () =>
      two.sql(
        `select (select count(*) from users where email = $1)::int as users,
                (select count(*) from acces_app where email = $1)::int as acces_app`,
        [body['email']],
      );
    await onDatabase(other.urls.owner, (owner) =>
      owner.transact(async (tx) => {
        // Its first row can be written, the second one waits.
        await tx.run(writeStatement('test.lock', 'lock table acces_app in access exclusive mode'), []);
        const answer = two.api('/auth/register', { body, at: 1 }).catch((error: unknown) => error);
        const waiting = () => two.sql("select 1 from pg_locks where not granted and relation = 'acces_app'::regclass");
        await expect.poll(waiting, { timeout: 4_000, interval: 10 }).toHaveLength(1);
        two.servers[1].signalGroup('SIGKILL');
        expect(await answer).toBeInstanceOf(Error);
      }),
    );
    await two.restart(1);
    expect(await rows()).toEqual([{ users: 0, acces_app: 0 }]);
    expect((await two.api('/auth/register', { body, at: 1 })).status).toBe(201);
    expect(await rows()).toEqual([{ users: 1, acces_app: 1 }]);
  });

  test('K01 their shape is the same before the start, after all of this, and after migrations down and up', async () => {
    expect(await fingerprint()).toBe(before);
    for (const server of two.servers) await server.stop();
    for (let round = 0; round < roundsOf(2); round += 1) {
      assertEnded(await two.place.run(['migrate', 'to', 'move-acces', 'base']), 0);
      assertEnded(await two.place.run(['migrate', 'up', 'move-acces']), 0);
    }
    expect(await fingerprint()).toBe(before);
    const check = await two.place.run(['move-acces', 'legacy', 'check']);
    expect(check).toMatchObject({ status: 0, stdout: 'The tables are as recorded\n' });
    await two.write('alter table users add column fax varchar(24)');
    expect(await fingerprint()).not.toBe(before);
    const refused = await two.place.run(['start', 'move-acces']);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain('fax');
  });
});
