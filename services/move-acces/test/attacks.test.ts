import { createHash } from 'node:crypto';
import { createAccessTokens, namedKeys } from '@quinta/platform/identity';
import { openDatabase, writeStatement } from '@quinta/platform/database';
import { realDatabases } from '@quinta/platform/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { giveRole } from '../src/service.ts';
import {
  demoPassword,
  type MoveAccesWorld,
  type MoveAccesWorldOptions,
  newMember,
  openMoveAccesWorld,
} from './move-acces-world.ts';
import { connectSocket } from './socket-client.ts';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const secret = 'a secret of the tests that is long enough';
const [, mariadb] = await realDatabases();

let world: MoveAccesWorld;
afterEach(() => world.close());

async function open(options: MoveAccesWorldOptions = {}): Promise<MoveAccesWorld> {
  world = await openMoveAccesWorld(options);
  return world;
}

const signIn = async (email = 'lea@demo.example'): Promise<Tokens> =>
  (await world.api('/auth/login', { body: { email, password: demoPassword } })).json<Tokens>();
const meStatus = async (token: string): Promise<number> => (await world.api('/users/me', { token })).status;
const refresh = (token: string) => world.api('/auth/refresh', { body: { refresh_token: token } });

describe('tokens', () => {
  const tokensOf = (key: string, changes: { issuer?: string; audience?: string } = {}) =>
    createAccessTokens({
      keys: namedKeys(key, undefined),
      issuer: 'quinta',
      audience: 'move-acces',
      ttlSeconds: 900,
      clock: world.moveAcces.clock,
      ...changes,
    });

  test('E07 E14 E22 of another key, audience or issuer open nothing; of the key before this one they do', async () => {
    await open({ environment: { APP_SECRET: secret, APP_SECRET_PREVIOUS: `${secret} before` } });
    const { access_token: access } = await signIn();
    const { sub, sid } = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()) as {
      sub: string;
      sid: string;
    };
    const subject = { subject: sub, name: 'lea@demo.example', role: 'member', sessionId: sid };
    const statusOf = async (key: string, changes?: { issuer?: string; audience?: string }): Promise<number> =>
      meStatus((await tokensOf(key, changes).sign(subject)).token);
    expect(await statusOf(secret)).toBe(200);
    expect(await statusOf(`${secret} before`)).toBe(200);
    expect(await statusOf(`${secret} of somebody else`)).toBe(401);
    expect(await statusOf(secret, { audience: 'mexa' })).toBe(401);
    expect(await statusOf(secret, { issuer: 'elsewhere' })).toBe(401);
    // A role that is only claimed is a role that is signed: it takes the key.
    const forged = access.split('.').map((part, place) => (place === 1 ? part.replace(/^./, 'f') : part));
    expect(await meStatus(forged.join('.'))).toBe(401);
  });

  test.each([
    ['a secret that is too short', { APP_SECRET: 'too short' }],
    ['production without a secret', { ENVIRONMENT: 'production' }],
    ['production without a database', { ENVIRONMENT: 'production', APP_SECRET: secret, DATABASE_URL: '' }],
    ['hashing below the floor of OWASP', { ARGON2_MEMORY_KIB: '7168', ARGON2_PASSES: '1' }],
    ['a refresh that would outlive its session', { REFRESH_TOKEN_TTL_HOURS: '800' }],
  ])('E07 %s does not start', async (_, environment) => {
    await open();
    await expect(openMoveAccesWorld({ environment })).rejects.toMatchObject({ name: 'ConfigError' });
  });

  test('F11 F13 of a session that is deleted, or has lasted its time, refresh nothing', async () => {
    await open();
    const [one, other] = [await signIn(), await signIn()];
    const familyOf = async ({ refresh_token: token }: Tokens): Promise<string> =>
      (await world.moveAcces.families.familyOf(world.moveAcces.database, token))?.familyId ?? '';
    await world.sql(`update refresh_families set absolute_expires_at = now() - interval '1 second'
      where id = '${await familyOf(one)}'`);
    expect((await refresh(one.refresh_token)).status).toBe(401);
    const id = await familyOf(other);
    await world.sql(`delete from refresh_tokens where family_id = '${id}'`);
    await world.sql(`delete from refresh_families where id = '${id}'`);
    expect((await refresh(other.refresh_token)).status).toBe(401);
  });

  test('F05 of the grandparent are theft, even within the grace of the parent', async () => {
    await open({ environment: { REFRESH_GRACE_S: '600' } });
    const first = await signIn();
    const second = (await refresh(first.refresh_token)).json<Tokens>();
    expect((await refresh(first.refresh_token)).json<Tokens>().refresh_token).toBe(second.refresh_token);
    const third = (await refresh(second.refresh_token)).json<Tokens>();
    expect((await refresh(first.refresh_token)).json()).toMatchObject({ code: 'refresh_reused' });
    expect(await meStatus(third.access_token)).toBe(401);
  });

  test('H05 of staff who are staff no longer open nothing, and J10 no socket either', async () => {
    await open();
    await giveRole(world.moveAcces, { email: 'lea@demo.example', role: 'staff' });
    const { access_token: token } = await signIn();
    expect((await world.api('/admin/members', { token })).status).toBe(200);
    await giveRole(world.moveAcces, { email: 'lea@demo.example', role: 'member' });
    expect((await world.api('/admin/members', { token })).status).toBe(401);
    await expect(connectSocket(`${world.baseUrl}/ws?token=${token}`)).rejects.toThrow('refused 401');
    const again = await signIn();
    expect((await world.api('/admin/members', { token: again.access_token })).status).toBe(403);
  });

  test('of a member whom the other system has deleted refresh nothing', async () => {
    await open();
    const body = newMember();
    await world.api('/auth/register', { body });
    const tokens = await signIn(String(body['email']));
    await world.sql(`delete from users where email = '${String(body['email'])}'`);
    expect((await refresh(tokens.refresh_token)).status).toBe(401);
    expect((await world.api('/users/me', { token: tokens.access_token })).status).toBe(401);
  });
});

describe('the database', () => {
  test.skipIf(mariadb?.unreachable !== undefined)(
    'K02 K05 the service’s account may change rows and no shape',
    async () => {
      await open(mariadb ? { real: mariadb } : {});
      const name = new URL(world.urls.owner).pathname.slice(1);
      const user = `app_${name.slice(-12)}`;
      try {
        await world.sql(`create user '${user}'@'127.0.0.1' identified by 'made up for a test'`);
        await world.sql(`grant select, insert, update, delete on \`${name}\`.* to '${user}'@'127.0.0.1'`);
        const url = new URL(world.urls.owner);
        url.username = user;
        url.password = 'made up for a test';
        const limited = openDatabase({ url: url.href, connectionsMax: 1 });
        const refused = [
          'alter table users add column fax varchar(24)',
          'drop table abonnement',
          'create index ix_x on users (nom)',
          "create trigger tr_x before insert on users for each row set new.nom = 'x'",
        ];
        for (const text of refused) {
          const run = limited.runAlone(writeStatement<[], never>('test.refused', text), []);
          await expect(run).rejects.toMatchObject({ errno: 1142 });
        }
        await limited.close();
      } finally {
        await world.sql(`drop user if exists '${user}'@'127.0.0.1'`);
      }
      const keys = await world.sql(`select table_name from information_schema.key_column_usage
      where table_schema = database() and referenced_table_name in ('users', 'acces_app', 'abonnement')
        and table_name not in ('acces_app', 'abonnement')`);
      expect(keys).toEqual([]);
    },
  );

  test('K11 L10 a registration whose credentials or whose audit row cannot be written leaves nothing', async () => {
    await open();
    const before = await world.sql('select count(*) as count from users');
    const blocked = async (table: string): Promise<void> => {
      await world.sql(`alter table ${table} rename to ${table}_gone`);
      const body = newMember();
      const answer = await world.api('/auth/register', { body });
      await world.sql(`alter table ${table}_gone rename to ${table}`);
      expect(answer.status).toBe(500);
      expect(answer.json()).toMatchObject({ code: 'internal_error' });
      expect(answer.text).not.toMatch(/relation|table|select|insert/i);
    };
    await blocked('acces_app');
    await blocked('audit_logs');
    expect(await world.sql('select count(*) as count from users')).toEqual(before);
    // Nobody is signed in either, while nothing can be audited.
    await world.sql('alter table audit_logs rename to audit_logs_gone');
    const signedIn = await world.api('/auth/login', { body: { email: 'lea@demo.example', password: demoPassword } });
    await world.sql('alter table audit_logs_gone rename to audit_logs');
    expect(signedIn.status).toBe(500);
  });
});

describe('hashing', () => {
  test('C01 C04 every failed sign-in costs the same hashes and statements, whatever account there is', async () => {
    await open({ environment: { LEGACY_HASHES: 'all', ACCOUNT_FAILURES_PER_15MIN: '10000' } });
    const { hashSync } = await import('@node-rs/bcrypt');
    const emails = ['unknown', 'known', 'bcrypt', 'no-password', 'twin'].map((name) => `${name}@demo.example`);
    for (const email of emails.slice(1)) await world.api('/auth/register', { body: newMember({ email }) });
    const [, , bcrypt, none, twin] = emails;
    await world.sql(
      `update acces_app set password_hash = '${hashSync('x', { cost: 12 })}' where email = '${bcrypt ?? ''}'`,
    );
    await world.sql(`delete from acces_app where email = '${none ?? ''}'`);
    await world.sql('drop index ux_users_email');
    await world.sql(`insert into users (nom, prenom, date_naissance, rue, npa, localite, email)
      values ('T', 'T', '1990-01-01', 'R', '1950', 'S', '${twin ?? ''}')`);
    const statements = async (): Promise<number> => {
      const { text } = await world.api('/metrics');
      const counts = [...text.matchAll(/^quinta_database_statement_seconds_count\{[^}]*\} (\d+)$/gm)];
      return counts.filter(([line]) => !/audit\.|session\./.test(line)).reduce((sum, [, n]) => sum + Number(n), 0);
    };
    const costs = [];
    for (const email of emails) {
      const [hashes, before] = [world.moveAcces.passwords.stats.finished, await statements()];
      expect((await world.api('/auth/login', { body: { email, password: 'not the password' } })).status).toBe(401);
      costs.push([world.moveAcces.passwords.stats.finished - hashes, (await statements()) - before]);
    }
    expect(new Set(costs.map((cost) => cost.join())).size).toBe(1);
    expect(costs[0]?.[0]).toBe(1);
  });

  test('M04 M05 a flood of sign-ins is bounded, and who hangs up gives no place away', async () => {
    await open({
      environment: { HASHING_CONCURRENCY: '1', HASHING_QUEUE_MAX: '10', ACCOUNT_FAILURES_PER_15MIN: '10000' },
    });
    const body = { email: 'lea@demo.example', password: 'not the password' };
    const answers = await Promise.all(Array.from({ length: 60 }, () => world.api('/auth/login', { body })));
    const statuses = new Set(answers.map(({ status }) => status));
    expect(statuses).toEqual(new Set([401, 503]));
    const busy = answers.find(({ status }) => status === 503);
    expect(Number(busy?.headers.get('retry-after'))).toBeGreaterThan(0);
    const gone = Array.from({ length: 30 }, async () => {
      const leaving = new AbortController();
      const sent = fetch(`${world.baseUrl}/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: leaving.signal,
      }).catch(() => undefined);
      leaving.abort();
      await sent;
    });
    await Promise.all(gone);
    const { stats } = world.moveAcces.passwords;
    await expect.poll(() => world.moveAcces.passwords.stats.running, { timeout: 20_000 }).toBe(0);
    expect(stats.waiting).toBeLessThanOrEqual(10);
    expect((await world.api('/auth/login', { body: { ...body, password: demoPassword } })).status).toBe(200);
  });

  test('B05 of a bcrypt hash the whole password counts, not its first 72 bytes', async () => {
    const { hashSync } = await import('@node-rs/bcrypt');
    const long = 'x'.repeat(72);
    await open({ environment: { LEGACY_HASHES: 'all' } });
    await world.sql(`update acces_app set password_hash = '${hashSync(long, { cost: 5 })}'
      where email = 'lea@demo.example'`);
    const attempt = async (password: string): Promise<number> =>
      (await world.api('/auth/login', { body: { email: 'lea@demo.example', password } })).status;
    expect([await attempt(`${long}y`), await attempt(long)]).toEqual([401, 200]);
  });
});

describe('what is told', () => {
  test('L05 L11 the metrics can be closed, and health and documents tell no secret', async () => {
    await open({ environment: { METRICS_TOKEN: 'a token of the tests for the metrics', APP_SECRET: secret } });
    expect((await world.api('/metrics')).status).toBe(404);
    const token = 'a token of the tests for the metrics';
    const metrics = await world.api('/metrics', { headers: { authorization: `Bearer ${token}` } });
    expect(metrics.status).toBe(200);
    for (const path of ['/health', '/ready', '/docs', '/openapi.json', '/']) {
      const { text } = await world.api(path);
      for (const hidden of [secret, token, createHash('sha256').update(secret).digest('hex')]) {
        expect(text).not.toContain(hidden);
      }
    }
  });

  test('L05 the number of series does not grow with what clients make up', async () => {
    await open();
    const series = async (): Promise<number> => (await world.api('/metrics')).text.split('\n').length;
    await world.api('/made-up');
    await series();
    const before = await series();
    for (let place = 0; place < 50; place += 1) await world.api(`/made-up/${place}`, { method: 'DELETE' });
    expect((await series()) - before).toBeLessThan(30);
  });
});
