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

/** Each change of state, made ready: what is left is to send it under this id of a request. */
const deeds: Readonly<Record<string, () => Promise<(requestId: string) => Promise<HttpAnswer>>>> = {
  'drawing a voucher': async () => (requestId) => post('/vales', world.tokens.cajero, { amount: 1 }, requestId),
  'drawing a batch': async () => (requestId) =>
    post('/vales/batch', world.tokens.cajero, { vales: [{ amount: 1 }, { amount: 2 }] }, requestId),
  'describing a voucher': async () => {
    const { id } = await newVale(world, { description: 'a' });
    return (requestId) => send('PATCH', `/vales/${id}`, world.tokens.cajero, { description: 'b' }, requestId);
  },
  'redeeming a voucher': async () => {
    const { id } = await newVale(world);
    return (requestId) => send('POST', `/vales/${id}/redeem`, world.tokens.cajero, undefined, requestId);
  },
  'voiding a voucher': async () => {
    const { id } = await newVale(world);
    return (requestId) => post(`/vales/${id}/void`, world.tokens.admin, { reason: 'x' }, requestId);
  },
  'making a user': async () => {
    const username = freshName();
    const body = { username, email: `${username}@example.com`, password: goodPassword };
    return (requestId) => post('/usuarios', world.tokens.admin, body, requestId, { 'idempotency-key': requestId });
  },
  'changing a user': async () => {
    const { id } = await newPerson(world);
    return (requestId) => send('PATCH', `/usuarios/${id}`, world.tokens.admin, { role: 'cajero' }, requestId);
  },
  'signing in': async () => {
    const { username, password } = await newPerson(world);
    return (requestId) => post('/auth/login', undefined, { username, password }, requestId);
  },
  'signing out': async () => {
    const { access_token: token } = await signIn(world, await newPerson(world));
    return (requestId) => send('POST', '/auth/logout', token, undefined, requestId);
  },
  'changing a password': async () => {
    const { access_token: token } = await signIn(world, await newPerson(world));
    const body = { current_password: goodPassword, new_password: `${goodPassword} 2` };
    return (requestId) => post('/auth/change-password', token, body, requestId);
  },
};

function send(method: string, path: string, token: string | undefined, body: unknown, ...[requestId, more]: [string, object?]): Promise<HttpAnswer> {
  return world.api(path, { method, token, headers: { 'x-request-id': requestId, ...more }, ...(body === undefined ? {} : { body }) });
}

function post(path: string, token: string | undefined, body: unknown, ...more: [string, object?]): Promise<HttpAnswer> {
  return send('POST', path, token, body, ...more);
}

describe.each(Object.keys(deeds))('%s', (name) => {
  test('leaves nothing where its audit row cannot be written, and succeeds afterwards', async () => {
    const deed = await deeds[name]?.();
    if (!deed) throw new Error(name);
    const requestId = randomUUID();
    const before = await everything();
    await sql(world.owner, 'alter table audit_logs add constraint ck_broken_disk check (false) not valid');
    const failed = await deed(requestId);
    await sql(world.owner, 'alter table audit_logs drop constraint ck_broken_disk');
    expect(failed.status).toBe(500);
    expect(await everything()).toEqual(before);
    expect((await deed(requestId)).status).toBeLessThan(300);
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
    const deed = await deeds[name]?.();
    if (!deed) throw new Error(name);
    const requestId = randomUUID();
    await sql(world.owner, `alter table ${table} add constraint ck_broken_disk check (false) not valid`);
    const failed = await deed(requestId);
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
