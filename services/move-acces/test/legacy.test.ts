import { createHash } from 'node:crypto';
import { hashSync } from '@node-rs/bcrypt';
import { realDatabases } from '@quinta/platform/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { sampleHashes } from '../src/auth/legacy-hashes.ts';
import { prefixedTables } from './mariadb-tables.ts';
import {
  demoPassword,
  type MoveAccesWorld,
  type MoveAccesWorldOptions,
  newMember,
  openMoveAccesWorld,
} from './move-acces-world.ts';

const [, mariadb] = await realDatabases();
const password = 'the old pass phrase';

let world: MoveAccesWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function open(options: MoveAccesWorldOptions = {}): Promise<MoveAccesWorld> {
  world = await openMoveAccesWorld({ environment: { LEGACY_HASHES: 'all' }, isSeeded: false, ...options });
  return world;
}

const legacyMember = (id: number, hash: string): string[] => [
  `insert into users (user_id, nom, prenom, date_naissance, rue, npa, localite, email)
   values (${id}, 'Ancien', 'Membre', '1980-01-01', 'Rue 1', '1950', 'Sion', 'ancien${id}@demo.example')`,
  `insert into acces_app (email, password_hash) values ('ancien${id}@demo.example', '${hash}')`,
];

const signIn = async (at: MoveAccesWorld, id: number, given = password): Promise<number> =>
  (await at.api('/auth/login', { body: { email: `ancien${id}@demo.example`, password: given } })).status;

describe('hashes of the earlier system', () => {
  const hashes = {
    bcrypt: hashSync(password, { cost: 5 }),
    md5: createHash('md5').update(password).digest('hex'),
    sha1: createHash('sha1').update(password).digest('hex'),
  };

  test.each(Object.entries(hashes))(
    'K07 %s signs in, is upgraded beside its row, and stays as it was',
    async (_, hash) => {
      const at = await open({ before: legacyMember(7, hash) });
      const before = await at.sql('select * from acces_app');
      expect(await signIn(at, 7, 'another one')).toBe(401);
      // Two first sign-ins at once make one row.
      expect(await Promise.all([signIn(at, 7), signIn(at, 7)])).toEqual([200, 200]);
      const kept = await at.sql('select password_hash from member_passwords');
      expect(kept).toHaveLength(1);
      expect(String(kept[0]?.['password_hash'])).toMatch(/^\$argon2id\$/);
      expect(await signIn(at, 7)).toBe(200);
      expect(await at.sql('select * from acces_app')).toEqual(before);
    },
  );

  test('K08 a later change by the other system wins over ours', async () => {
    const at = await open({ before: legacyMember(7, hashes.bcrypt) });
    expect(await signIn(at, 7)).toBe(200);
    const changed = hashSync('changed elsewhere', { cost: 5 });
    await at.sql(`update acces_app set password_hash = '${changed}'`);
    expect([await signIn(at, 7), await signIn(at, 7, 'changed elsewhere')]).toEqual([401, 200]);
  });

  test.each(['', '!', 'plain text', '$2b$31$tooDearToBeChecked', 'deadbeef'])(
    'what is no hash ("%s") lets nobody in',
    async (hash) => {
      const at = await open({ before: legacyMember(7, hash) });
      expect([await signIn(at, 7, hash === '' ? 'x' : hash), await signIn(at, 7, 'x')]).toEqual([401, 401]);
    },
  );

  test('the samples that equalise the work are of the kinds that they stand for', () => {
    expect(sampleHashes.all).toEqual(sampleHashes.bcrypt);
    for (const sample of sampleHashes.bcrypt) expect(sample).toMatch(/^\$2b\$12\$[./A-Za-z0-9]{53}$/);
  });
});

test('K10 nobody signs in with an address that two members have', async () => {
  const at = await open({
    before: ['drop index ux_users_email', ...legacyMember(7, 'x'), ...legacyMember(8, 'x')].map((text) =>
      text.includes('into users') ? text.replace('ancien8@', 'ancien7@') : text,
    ),
  });
  await at.sql(`update acces_app set password_hash = '${createHash('md5').update(password).digest('hex')}'`);
  expect(await signIn(at, 7)).toBe(401);
});

describe('tables that may not be touched', () => {
  test('K01 K04 a change by another system stops the start, and says which column', async () => {
    const { createMigrator } = await import('@quinta/platform/database');
    const at = await open();
    await at.sql('alter table users add column fax varchar(24)');
    const migrator = createMigrator({
      url: at.urls.owner,
      service: 'move-acces',
      streams: [{ name: 'move-acces', folder: new URL('../migrations/', import.meta.url) }],
      protectedTables: ['users', 'acces_app', 'abonnement'],
      lockTimeoutMs: 5_000,
      log: at.moveAcces.log,
    });
    const findings = (await migrator.check()).findings.filter(({ kind }) => kind === 'protected_table');
    expect(findings.map(({ text }) => text).join('\n')).toContain('fax');
    await expect(migrator.up()).rejects.toMatchObject({ kind: 'protected_table' });
    await expect(migrator.up()).rejects.toThrow(/fax.*quinta move-acces legacy accept/s);
    await migrator.acceptProtected();
    await migrator.up();
  });

  test.skipIf(mariadb?.unreachable !== undefined)('the later version of the tables works as it is', async () => {
    const at = await open({ ...(mariadb ? { real: mariadb } : {}), tables: prefixedTables });
    const shape = async (): Promise<unknown> =>
      Promise.all(['users', 'acces_app', 'abonnement'].map((table) => at.sql(`show create table ${table}`)));
    const before = await shape();
    const body = newMember();
    expect((await at.api('/auth/register', { body })).status).toBe(201);
    const answer = await at.api('/auth/login', { body: { email: body['email'], password: demoPassword } });
    const token = answer.json<{ access_token: string }>().access_token;
    expect((await at.api('/users/me', { token })).json()).toMatchObject({ date_naissance: '1991-02-03', npa: '1963' });
    const changed = await at.api('/users/me', { method: 'PATCH', token, body: { rue: 'Rue Neuve 1' } });
    expect(changed.json()).toMatchObject({ rue: 'Rue Neuve 1' });
    await at.sql("insert into abonnement (user_id, abo_state) select user_id, 'active' from users");
    expect((await at.api('/users/me/abonnements/current', { token })).json()).toMatchObject({
      abo_name: '',
      standing: 'current',
    });
    // The number that the next row gets is not the shape.
    const masked = (shown: unknown): string => JSON.stringify(shown).replaceAll(/AUTO_INCREMENT=\d+ /g, '');
    expect(masked(await shape())).toBe(masked(before));
  });

  test('columns that are missing stop the start by name', async () => {
    await expect(open({ before: ['alter table users rename column nom to name'] })).rejects.toThrow(/lack.*users\.nom/);
  });
});
