import { randomUUID } from 'node:crypto';
import type { HttpCall } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditLog } from '../src/audit-log/audit-log.ts';
import type { Vale } from '../src/vale/vale.ts';
import { auditOf, auditOfResource } from './audit-trail.ts';
import { auditedDeeds } from './audited-deeds.ts';
import { demoPassword, type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { goodPassword, newPerson, signIn } from './people.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

const agent = 'caja-7/2.1';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

describe('one audit row, no more and no less, is left by', () => {
  test.each(Object.keys(auditedDeeds))('%s', async (name) => {
    const deed = await auditedDeeds[name]?.(world);
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
    [
      'a replayed draw',
      async () => {
        const { request_id: key } = await newVale(world, { request_id: randomUUID() });
        return ['/vales', { token: world.tokens.cajero, body: { amount: '10.00', request_id: key } }];
      },
    ],
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
  const redeemed = (
    await world.api(`/vales/${id}/redeem`, { method: 'POST', token: world.tokens.cajero })
  ).json<Vale>();
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
  const [row] = await sql<{ hash: string }>(world.owner, 'select password_hash as hash from usuarios where id = $1', [
    person.id,
  ]);
  const rows = (await sql<{ text: string }>(world.owner, 'select a::text as text from audit_logs a'))
    .map(({ text }) => text)
    .join('\n');
  const answers = [
    JSON.stringify(session.user),
    (await world.api(`/usuarios/${person.id}`, { token: world.tokens.admin })).text,
    (await world.api('/usuarios?limit=1000', { token: world.tokens.admin })).text,
    (await world.api('/audit-logs/export', { token: world.tokens.auditor })).text,
  ].join('\n');
  expect(rows.length).toBeGreaterThan(1000);
  const secrets = [
    goodPassword,
    secret,
    'wrong-but-secret-too',
    demoPassword,
    session.access_token,
    session.refresh_token,
    row?.hash ?? '?',
  ];
  for (const text of [...secrets, '$argon2id', person.email]) expect(rows).not.toContain(text);
  for (const text of [...secrets, '$argon2id', 'password_hash']) expect(answers).not.toContain(text);
});
