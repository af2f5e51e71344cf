import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditOf } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { freshName, goodPassword, newPerson, signIn } from './people.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

/** Everything of the tables that a deed may change. */
const everything = () =>
  sql(
    world.owner,
    `select 'usuarios' as of, u::text as row from usuarios u union all select 'vales', v::text from vales v
     union all select 'families', f::text from refresh_families f union all select 'tokens', t::text from refresh_tokens t
     union all select 'keys', k::text from idempotency_keys k union all select 'audit', a::text from audit_logs a
     order by 1, 2`,
  );

interface Deed {
  readonly method?: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: unknown;
}

/** Each change of state, made ready: what is left is to send it. */
const deeds: Readonly<Record<string, () => Promise<Deed>>> = {
  'drawing a voucher': async () => ({ path: '/vales', token: world.tokens.cajero, body: { amount: 1 } }),
  'drawing a batch': async () => ({
    path: '/vales/batch',
    token: world.tokens.cajero,
    body: { vales: [{ amount: 1 }, { amount: 2 }] },
  }),
  'describing a voucher': async () => {
    const { id } = await newVale(world, { description: 'a' });
    return { method: 'PATCH', path: `/vales/${id}`, token: world.tokens.cajero, body: { description: 'b' } };
  },
  'redeeming a voucher': async () => {
    const { id } = await newVale(world);
    return { method: 'POST', path: `/vales/${id}/redeem`, token: world.tokens.cajero };
  },
  'voiding a voucher': async () => {
    const { id } = await newVale(world);
    return { path: `/vales/${id}/void`, token: world.tokens.admin, body: { reason: 'x' } };
  },
  'making a user': async () => {
    const username = freshName();
    const body = { username, email: `${username}@example.com`, password: goodPassword };
    return { path: '/usuarios', token: world.tokens.admin, body };
  },
  'changing a user': async () => {
    const { id } = await newPerson(world);
    return { method: 'PATCH', path: `/usuarios/${id}`, token: world.tokens.admin, body: { role: 'cajero' } };
  },
  'signing in': async () => {
    const { username, password } = await newPerson(world);
    return { path: '/auth/login', body: { username, password } };
  },
  'signing out': async () => {
    const { access_token: token } = await signIn(world, await newPerson(world));
    return { method: 'POST', path: '/auth/logout', token };
  },
  'changing a password': async () => {
    const { access_token: token } = await signIn(world, await newPerson(world));
    const body = { current_password: goodPassword, new_password: `${goodPassword} 2` };
    return { path: '/auth/change-password', token, body };
  },
};

/** Makes a deed ready; what it returns sends it, under this id as id of the request and as key. */
async function ready(name: string, requestId: string): Promise<() => Promise<HttpAnswer>> {
  const deed = await deeds[name]?.();
  if (!deed) throw new Error(`There is no deed "${name}"`);
  const { path, ...request } = deed;
  const headers = { 'x-request-id': requestId, 'idempotency-key': requestId };
  return () => world.api(path, { ...request, headers });
}

describe.each(Object.keys(deeds))('%s', (name) => {
  test('leaves nothing where its audit row cannot be written, and succeeds afterwards', async () => {
    const requestId = randomUUID();
    const deed = await ready(name, requestId);
    const before = await everything();
    await sql(world.owner, 'alter table audit_logs add constraint ck_broken_disk check (false) not valid');
    const failed = await deed();
    await sql(world.owner, 'alter table audit_logs drop constraint ck_broken_disk');
    expect(failed.status).toBe(500);
    expect(await everything()).toEqual(before);
    expect((await deed()).status).toBeLessThan(300);
    expect((await auditOf(world, requestId)).length).toBeGreaterThan(0);
  });
});

describe.each([
  ['vales', 'drawing a voucher'],
  ['vales', 'redeeming a voucher'],
  ['vales', 'describing a voucher'],
  ['usuarios', 'changing a user'],
  ['usuarios', 'making a user'],
])('where %s refuses, %s', (table, name) => {
  test('leaves no audit row', async () => {
    const requestId = randomUUID();
    const deed = await ready(name, requestId);
    await sql(world.owner, `alter table ${table} add constraint ck_broken_disk check (false) not valid`);
    const failed = await deed();
    await sql(world.owner, `alter table ${table} drop constraint ck_broken_disk`);
    expect(failed.status).toBe(500);
    expect(await auditOf(world, requestId)).toEqual([]);
  });
});

test('a reading that cannot be audited shows nothing', async () => {
  await sql(world.owner, 'alter table audit_logs add constraint ck_broken_disk check (false) not valid');
  const paths = ['/audit-logs', '/audit-logs/stats', '/audit-logs/export', '/audit-logs/1'];
  const answers = await Promise.all(paths.map((path) => world.api(path, { token: world.tokens.auditor })));
  await sql(world.owner, 'alter table audit_logs drop constraint ck_broken_disk');
  expect(answers.map(({ status }) => status)).toEqual([500, 500, 500, 500]);
  for (const { text } of answers) expect(text).not.toMatch(/old_values|by_action/);
});
