import { randomUUID } from 'node:crypto';
import type { HttpCall } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditLog } from '../src/audit-log/audit-log.ts';
import type { Vale } from '../src/vale/vale.ts';
import { auditOf, auditOfResource } from './audit-trail.ts';
import { demoPassword, type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { freshName, goodPassword, newPerson, signIn } from './people.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

const agent = 'caja-7/2.1';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

interface Deed {
  readonly path: string;
  readonly request: HttpCall;
  /** The one row that it leaves, besides what every row has. */
  readonly row: Partial<AuditLog>;
}

const idOf = async (username: string): Promise<number> =>
  (await sql<{ id: number }>(world.owner, 'select id from usuarios where username = $1', [username]))[0]?.id ?? 0;

/** Everything that changes a state, and everything else that leaves a row. */
const deeds: Readonly<Record<string, () => Promise<Deed>>> = {
  'drawing a voucher': async () => {
    const requestId = randomUUID();
    return {
      path: '/vales',
      request: { token: world.tokens.cajero, body: { amount: 3, description: 'Casco', request_id: requestId } },
      row: {
        action: 'create',
        resource_type: 'vale',
        user_id: await idOf('cajero.demo'),
        old_values: null,
        new_values: expect.objectContaining({ amount: '3.00', description: 'Casco', request_id: requestId, state: 'issued' }) as AuditLog['new_values'],
      },
    };
  },
  'describing a voucher': async () => {
    const { id } = await newVale(world, { description: 'a' });
    return {
      path: `/vales/${id}`,
      request: { method: 'PATCH', token: world.tokens.admin, body: { description: null } },
      row: { action: 'update', resource_type: 'vale', resource_id: id, user_id: await idOf('admin.demo'), old_values: { description: 'a' }, new_values: { description: null } },
    };
  },
  'redeeming a voucher': async () => {
    const { id } = await newVale(world);
    const redeemedBy = await idOf('cajero.demo');
    return {
      path: `/vales/${id}/redeem`,
      request: { method: 'POST', token: world.tokens.cajero },
      row: {
        action: 'redeem',
        resource_type: 'vale',
        resource_id: id,
        user_id: redeemedBy,
        old_values: { state: 'issued' },
        new_values: { state: 'redeemed', redeemed_at: expect.stringMatching(/Z$/) as string, redeemed_by: redeemedBy },
      },
    };
  },
  'voiding a voucher': async () => {
    const { id } = await newVale(world);
    const voidedBy = await idOf('admin.demo');
    return {
      path: `/vales/${id}/void`,
      request: { token: world.tokens.admin, body: { reason: 'Repetido' } },
      row: {
        action: 'void',
        resource_type: 'vale',
        resource_id: id,
        user_id: voidedBy,
        old_values: { state: 'issued' },
        new_values: { state: 'void', voided_at: expect.stringMatching(/Z$/) as string, voided_by: voidedBy, void_reason: 'Repetido' },
      },
    };
  },
  'deleting a voucher': async () => {
    const { id } = await newVale(world);
    return {
      path: `/vales/${id}`,
      request: { method: 'DELETE', token: world.tokens.admin },
      row: { action: 'void', resource_type: 'vale', resource_id: id, user_id: await idOf('admin.demo'), old_values: { state: 'issued' } },
    };
  },
  'registering': async () => {
    const username = freshName();
    return {
      path: '/auth/register',
      request: { body: { username, email: `${username}@example.com`, password: goodPassword } },
      row: {
        action: 'create',
        resource_type: 'usuario',
        old_values: null,
        new_values: { id: expect.any(Number) as number, username: 'p***', email: 'p***@e***', role: 'usuario', active: true },
      },
    };
  },
  'making a user': async () => {
    const username = freshName();
    return {
      path: '/usuarios',
      request: { token: world.tokens.admin, body: { username, email: `${username}@example.com`, password: goodPassword, role: 'auditor' } },
      row: { action: 'create', resource_type: 'usuario', user_id: await idOf('admin.demo') },
    };
  },
  'changing a user': async () => {
    const { id } = await newPerson(world);
    return {
      path: `/usuarios/${id}`,
      request: { method: 'PATCH', token: world.tokens.admin, body: { role: 'cajero' } },
      row: { action: 'update', resource_type: 'usuario', resource_id: id, user_id: await idOf('admin.demo'), old_values: { role: 'usuario' }, new_values: { role: 'cajero' } },
    };
  },
  'switching a user off': async () => {
    const { id } = await newPerson(world);
    return {
      path: `/usuarios/${id}`,
      request: { method: 'DELETE', token: world.tokens.admin },
      row: { action: 'delete', resource_type: 'usuario', resource_id: id, user_id: await idOf('admin.demo'), old_values: { active: true }, new_values: { active: false } },
    };
  },
  'signing in': async () => {
    const id = await idOf('lucia.demo');
    return {
      path: '/auth/login',
      request: { body: { username: 'lucia.demo', password: demoPassword } },
      row: { action: 'login_success', resource_type: 'usuario', resource_id: id, user_id: id, old_values: null, new_values: null, details: { session_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string } },
    };
  },
  'failing to sign in': async () => ({
    path: '/auth/login',
    request: { body: { username: 'lucia.demo', password: 'hunter2' } },
    row: { action: 'login_failed', resource_type: 'usuario', resource_id: await idOf('lucia.demo'), user_id: null, details: { identifier: 'l***' } },
  }),
  'signing out': async () => {
    const { access_token: token, user } = await signIn(world, await newPerson(world));
    return { path: '/auth/logout', request: { method: 'POST', token }, row: { action: 'logout', resource_type: 'usuario', resource_id: user.id, user_id: user.id } };
  },
  'changing a password': async () => {
    const { access_token: token, user } = await signIn(world, await newPerson(world));
    return {
      path: '/auth/change-password',
      request: { token, body: { current_password: goodPassword, new_password: `${goodPassword} 2` } },
      row: { action: 'password_changed', resource_type: 'usuario', resource_id: user.id, user_id: user.id, old_values: null, new_values: null, details: null },
    };
  },
  'being refused': async () => ({
    path: '/usuarios',
    request: { token: world.tokens.usuario },
    row: { action: 'refused', resource_type: 'permission', resource_id: null, user_id: await idOf('lucia.demo'), details: { permission: 'usuario.list' } },
  }),
  'searching the audit': async () => ({
    path: '/audit-logs?action=void&limit=3',
    request: { token: world.tokens.auditor },
    row: { action: 'read', resource_type: 'audit_log', user_id: await idOf('auditor.demo'), details: { action: 'void' } },
  }),
  'reading an audit row': async () => ({
    path: '/audit-logs/1',
    request: { token: world.tokens.auditor },
    row: { action: 'read', resource_type: 'audit_log', details: { id: 1 } },
  }),
  'reading what a request did': async () => ({
    path: '/audit-logs/request/00000000-0000-4000-8000-000000000000',
    request: { token: world.tokens.auditor },
    row: { action: 'read', resource_type: 'audit_log', details: { request_id: '00000000-0000-4000-8000-000000000000' } },
  }),
  'reading the statistics': async () => ({
    path: '/audit-logs/stats?from=2001-01-01&to=2001-01-02',
    request: { token: world.tokens.auditor },
    row: { action: 'read', resource_type: 'audit_log', details: { stats: { from: '2001-01-01T00:00:00.000Z', to: '2001-01-02T00:00:00.000Z' } } },
  }),
  'exporting the audit': async () => ({
    path: '/audit-logs/export?format=csv&method=POST',
    request: { token: world.tokens.auditor },
    row: { action: 'export', resource_type: 'audit_log', details: { format: 'csv', method: 'POST' } },
  }),
};

describe('one audit row, no more and no less, is left by', () => {
  test.each(Object.keys(deeds))('%s', async (name) => {
    const deed = await deeds[name]?.();
    if (!deed) throw new Error(name);
    const requestId = randomUUID();
    const headers = { 'x-request-id': requestId, 'user-agent': agent, 'x-forwarded-for': '203.0.113.9' };
    const before = await sql<{ id: number }>(world.owner, 'select coalesce(max(id), 0) as id from audit_logs');
    const answer = await world.api(deed.path, { ...deed.request, headers });
    expect(answer.status).not.toBe(500);
    const rows = await sql<AuditLog>(world.owner, 'select * from audit_logs where id > $1', [before[0]?.id]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      request_id: requestId,
      endpoint: `/api/v1${deed.path.replace(/\?.*/, '')}`,
      method: deed.request.method ?? (deed.request.body === undefined ? 'GET' : 'POST'),
      ip_address: '127.0.0.1',
      user_agent: agent,
      ...deed.row,
    });
    expect(Date.now() - new Date(rows[0]?.created_at ?? 0).getTime()).toBeLessThan(60_000);
  });
});

describe('no audit row is left by', () => {
  test.each<[string, () => Promise<[string, HttpCall]>]>([
    ['looking at vouchers', async () => ['/vales', { token: world.tokens.admin }]],
    ['looking at oneself', async () => ['/auth/me', { token: world.tokens.admin }]],
    ['a replayed draw', async () => {
      const { request_id: key } = await newVale(world, { request_id: randomUUID() });
      return ['/vales', { token: world.tokens.cajero, body: { amount: '10.00', request_id: key } }];
    }],
    ['a refused redeem', async () => ['/vales/2147483647/redeem', { method: 'POST', token: world.tokens.cajero }]],
    ['a request that does not fit', async () => ['/vales', { token: world.tokens.cajero, body: { amount: 'x' } }]],
    ['an unsigned request', async () => ['/vales', {}]],
  ])('%s', async (_, deedOf) => {
    const [path, request] = await deedOf();
    const answer = await world.api(path, request);
    expect(await auditOf(world, answer.headers.get('x-request-id') ?? '')).toEqual([]);
  });
});

test('a voucher that is drawn, described and redeemed has exactly three steps in its history, oldest first', async () => {
  const { id } = await newVale(world, { description: 'a' });
  await world.api(`/vales/${id}`, { method: 'PATCH', token: world.tokens.cajero, body: { description: 'b' } });
  const redeemed = (await world.api(`/vales/${id}/redeem`, { method: 'POST', token: world.tokens.cajero })).json<Vale>();
  const history = (await world.api(`/vales/${id}/history`, { token: world.tokens.auditor })).json<{
    count: number;
    resource_id: number;
    history: (AuditLog & { changes: { field: string; old: unknown; new: unknown }[] })[];
  }>();
  expect([history.count, history.resource_id]).toEqual([3, id]);
  expect(history.history.map(({ action }) => action)).toEqual(['create', 'update', 'redeem']);
  expect(history.history[2]?.changes).toEqual([
    { field: 'state', old: 'issued', new: 'redeemed' },
    { field: 'redeemed_at', old: null, new: redeemed.redeemed_at },
    { field: 'redeemed_by', old: null, new: redeemed.redeemed_by },
  ]);
  const stored = await auditOfResource(world, 'vale', id);
  expect(history.history.map((step) => step.id)).toEqual(stored.map((row) => row.id));
});

test('no password, token or hash stands in any audit row, and no answer has a hash', async () => {
  const person = await newPerson(world);
  const session = await signIn(world, person);
  const secret = 'nueve barcos de papel azul';
  const body = { current_password: goodPassword, new_password: secret };
  await world.api('/auth/change-password', { token: session.access_token, body });
  await world.api('/auth/login', { body: { username: person.username, password: 'wrong-but-secret-too' } });
  await world.api('/auth/refresh', { body: { refresh_token: session.refresh_token } });
  const [row] = await sql<{ hash: string }>(world.owner, 'select password_hash as hash from usuarios where id = $1', [person.id]);
  const rows = (await sql<{ text: string }>(world.owner, 'select a::text as text from audit_logs a')).map(({ text }) => text).join('\n');
  const answers = [
    JSON.stringify(session.user),
    (await world.api(`/usuarios/${person.id}`, { token: world.tokens.admin })).text,
    (await world.api('/usuarios?limit=1000', { token: world.tokens.admin })).text,
    (await world.api('/audit-logs/export', { token: world.tokens.auditor })).text,
  ].join('\n');
  expect(rows.length).toBeGreaterThan(1000);
  const secrets = [goodPassword, secret, 'wrong-but-secret-too', demoPassword, session.access_token, session.refresh_token, row?.hash ?? '?'];
  for (const text of [...secrets, '$argon2id', person.email]) expect(rows).not.toContain(text);
  for (const text of [...secrets, '$argon2id', 'password_hash']) expect(answers).not.toContain(text);
});
