import { randomInt } from 'node:crypto';
import { call } from '@quinta/platform/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { apiOf, signIn, tally } from './clients.ts';
import { assertEnded, openPlace, type Place, postmasterOf, type Server, type Variables } from './place.ts';
import { createOwnedDatabase, type OwnedDatabase, realPostgresql, realRedis } from './real-parts.ts';
import { execute, newestMigration, onDatabase, rowsOf } from './rows.ts';

const postgresql = await realPostgresql();
const redis = await realRedis();

/** What the earlier system had made by its revision 004, word by word as its users know it. */
const earlierSystem: readonly string[] = [
  'create extension if not exists pgcrypto',
  `create table usuarios (id serial primary key, username varchar(50) not null, email varchar(100) not null,
     password_hash varchar(255) not null, created_at timestamp not null default now(),
     updated_at timestamp not null default now())`,
  'create unique index ix_usuarios_username on usuarios (username)',
  'create unique index ix_usuarios_email on usuarios (email)',
  'create index ix_usuarios_created_at on usuarios (created_at)',
  `create table vales (id serial primary key, user_id integer not null references usuarios (id),
     amount numeric(10,2) not null, description varchar(255), created_at timestamp not null default now(),
     request_id uuid not null, constraint uq_vales_request_id unique (request_id))`,
  'create index ix_vales_user_id on vales (user_id)',
  `create table audit_logs (id serial primary key, request_id uuid not null, user_id integer references usuarios (id),
     action varchar(50) not null, resource_type varchar(50) not null, resource_id integer, old_values json,
     new_values json, endpoint varchar(255), method varchar(10), ip_address varchar(50),
     created_at timestamp not null default now())`,
  ...['request_id', 'user_id', 'action', 'resource_type', 'resource_id', 'created_at'].map(
    (column) => `create index ix_audit_logs_${column} on audit_logs (${column})`,
  ),
  'create table alembic_version (version_num varchar(32) not null primary key)',
  "insert into alembic_version values ('004')",
  `insert into usuarios (username, email, password_hash) values
     ('ana', 'ana@example.com', 'x'), ('beto', 'beto@example.com', 'x')`,
  `insert into vales (user_id, amount, description, request_id)
     select 1 + n % 2, n * 1.25, 'old slip ' || n, gen_random_uuid() from generate_series(1, 250) n`,
  // It had no rule about amounts.
  "insert into vales (user_id, amount, description, request_id) values (1, 0, 'old nothing', gen_random_uuid())",
  `insert into audit_logs (request_id, user_id, action, resource_type, resource_id)
     select request_id, user_id, 'create', 'vale', id from vales`,
];

let place: Place;
beforeEach(() => {
  place = openPlace();
});
afterEach(() => place.close());

const admin = {
  MEXA_ADMIN_USERNAME: 'boss',
  MEXA_ADMIN_EMAIL: 'boss@example.com',
  MEXA_ADMIN_PASSWORD: 'a harvest of 41 green lemons',
};

interface ValePage {
  readonly vales: readonly { readonly amount: string; readonly description: string; readonly state: string }[];
}

async function listed(server: Server): Promise<ValePage['vales']> {
  const token = await signIn(apiOf(server), admin.MEXA_ADMIN_USERNAME, admin.MEXA_ADMIN_PASSWORD);
  const answer = await call(`${apiOf(server)}/vales?limit=1000`, { token });
  expect(answer.status).toBe(200);
  return answer.json<ValePage>().vales;
}

describe.skipIf(postgresql.unreachable !== undefined)(`on a database of one's own: ${postgresql.name}`, () => {
  let database: OwnedDatabase;
  beforeEach(async () => {
    database = await createOwnedDatabase(postgresql);
  });
  afterEach(async () => {
    await place.close(); // its connections first
    await database.drop();
  });

  test('a database that an earlier system left at migration 004 is adopted with its data at the first start', async () => {
    await onDatabase(database.url, (owner) => execute(owner, earlierSystem));
    const variables: Variables = { DATABASE_URL: database.url, ...admin };
    const first = await place.start(['start', 'mexa'], variables);
    expect(first.stderr()).not.toContain('v004_create_audit_logs_table: up');
    expect(first.stderr()).toContain('v005_add_usuario_roles: up');
    const vales = await listed(first);
    expect(vales).toHaveLength(251);
    expect(vales.filter(({ state }) => state === 'issued')).toHaveLength(251);
    expect(vales).toContainEqual(expect.objectContaining({ amount: '312.50', description: 'old slip 250' }));
    expect(vales).toContainEqual(expect.objectContaining({ amount: '0.00', description: 'old nothing' }));
    const health = (await call(`${first.address}/health`)).text;
    expect(JSON.parse(health)).toMatchObject({
      database: { database: database.parts.name, migration: newestMigration },
    });
    expect(health).not.toContain(database.parts.password);
    expect(await first.stop()).toMatchObject({ status: 0 });
    // Nobody's real database gets demo data, and no embedded one is made beside it.
    const rows = await onDatabase(database.url, (owner) =>
      rowsOf<{ username: string }>(owner, 'select username from usuarios order by id'),
    );
    expect(rows.map(({ username }) => username)).toEqual(['ana', 'beto', 'boss']);
    expect(postmasterOf(place.folder)).toBeUndefined();

    const check = await place.run(['migrate', 'status', 'mexa', '--json'], { variables });
    expect(JSON.parse(check.stdout)).toMatchObject({ outcome: { pendingCount: 0 } });
    const both = await place.run(['doctor'], { variables });
    assertEnded(both, 1);
    expect(both.stdout).toContain('set MEXA_DATABASE_URL, SOFIPO_DATABASE_URL and MOVE_ACCES_DATABASE_URL');
    const doctor = await place.run(['doctor', 'mexa'], { variables: { MEXA_DATABASE_URL: database.url } });
    assertEnded(doctor, 0);
    expect(doctor.stdout).toContain('answers (as configured)');
  });

  test('DATABASE_HOST and its companions do instead of a URL, and every command works on that database', async () => {
    const { host, port, name, user, password } = database.parts;
    const variables: Variables = {
      DATABASE_HOST: host,
      DATABASE_PORT: port,
      DATABASE_NAME: name,
      DATABASE_USER: user,
      DATABASE_PASSWORD: password,
      ...admin,
    };
    const server = await place.start(['start', 'mexa', '--workers', '2'], variables);
    expect(await listed(server)).toEqual([]);
    expect((await call(`${server.address}/health`)).json()).toMatchObject({
      database: { host, port: Number(port), database: name },
    });
    const token = (await place.run(['token', 'mexa'], { variables })).stdout.trim();
    const drawn = await call(`${apiOf(server)}/vales`, { token, body: { amount: '4.00' } });
    expect(drawn.status).toBe(201);
    const exported = await place.run(['audit', 'export', 'mexa', '--resource', 'vale'], { variables });
    expect(exported.stdout.trim().split('\n')).toHaveLength(1);
    expect(await server.stop()).toMatchObject({ status: 0 });
  });

  test('a database that refuses is told in a sentence, without the password', async () => {
    const url = database.url.replace(database.parts.name, 'quinta_test_nowhere');
    const outcome = await place.run(['start', 'mexa'], { variables: { DATABASE_URL: url, DATABASE_WAIT_MS: '0' } });
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toContain('quinta_test_nowhere');
    expect(outcome.stderr).not.toContain(encodeURIComponent(database.parts.password));
    expect(outcome.stderr).not.toContain('    at ');
  });
});

describe.skipIf(redis.unreachable !== undefined)('with Redis', () => {
  test('limits hold across two servers that were started apart', async () => {
    const other = openPlace();
    try {
      const variables = { REDIS_URL: redis.url, LOGIN_ATTEMPTS_PER_MINUTE: '5', TRUST_PROXY: '127.0.0.1' };
      const servers = await Promise.all([place, other].map((one) => one.start(['start', 'mexa'], variables)));
      // A client of this test alone, as the Redis may be everybody's.
      const client = `2001:db8:${randomInt(65_536).toString(16)}:${randomInt(65_536).toString(16)}::1`;
      const attempts = servers.flatMap((server) =>
        Array.from({ length: 30 }, () =>
          call(`${apiOf(server)}/auth/login`, {
            headers: { 'x-forwarded-for': client },
            body: { username: 'nobody', password: 'not the password' },
          }),
        ),
      );
      expect(tally(await Promise.all(attempts))).toEqual({ 401: 5, 429: 55 });
      for (const server of servers) expect(await server.stop()).toMatchObject({ status: 0 });
    } finally {
      await other.close();
    }
  });
});
