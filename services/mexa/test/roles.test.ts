import { randomUUID } from 'node:crypto';
import { call, type HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueMexaToken } from '../src/demo.ts';
import { mexa } from '../src/service.ts';
import type { Vale } from '../src/vale/vale.ts';
import { auditOf } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

const roles = ['nobody', 'usuario', 'cajero', 'auditor', 'admin'] as const;

/**
 * Who may do what, by hand: the status that each of `roles` hears. Where a body is missing, 422 is what follows being
 * let in; MATEO is a voucher of another usuario than the one who asks, LUCIA one of their own.
 */
const table: readonly (readonly [
  request: string,
  permission: string,
  nobody: number,
  usuario: number,
  cajero: number,
  auditor: number,
  admin: number,
])[] = [
  ['GET /', '', 200, 200, 200, 200, 200],
  ['GET /health', '', 200, 200, 200, 200, 200],
  ['POST /auth/register', '', 422, 422, 422, 422, 422],
  ['POST /auth/login', '', 422, 422, 422, 422, 422],
  ['POST /auth/refresh', '', 422, 422, 422, 422, 422],
  ['POST /auth/logout', '', 401, 204, 204, 204, 204],
  ['GET /auth/me', '', 401, 200, 200, 200, 200],
  ['POST /auth/change-password', '', 401, 422, 422, 422, 422],
  ['GET /usuarios', 'usuario.list', 401, 403, 403, 403, 200],
  ['POST /usuarios', 'usuario.create', 401, 403, 403, 403, 422],
  ['GET /usuarios/1', 'usuario.find', 401, 403, 403, 403, 200],
  ['PATCH /usuarios/1', 'usuario.update', 401, 403, 403, 403, 422],
  ['DELETE /usuarios/2147483647', 'usuario.disable', 401, 403, 403, 403, 404],
  ['POST /vales', 'vale.issue', 401, 403, 422, 403, 422],
  ['POST /vales/batch', 'vale.issue_batch', 401, 403, 422, 403, 422],
  ['GET /vales', 'vale.list', 401, 200, 200, 200, 200],
  ['GET /vales?format=csv', 'vale.list', 401, 200, 200, 200, 200],
  ['GET /vales?user_id=MATEO', 'vale.read_all', 401, 403, 200, 200, 200],
  ['GET /vales?user_id=MATEO&format=csv', 'vale.read_all', 401, 403, 200, 200, 200],
  ['GET /vales?user_id=LUCIA', 'vale.list', 401, 200, 200, 200, 200],
  ['GET /vales/LUCIA', 'vale.find', 401, 200, 200, 200, 200],
  ['GET /vales/MATEO', 'vale.find', 401, 404, 200, 200, 200],
  ['PATCH /vales/LUCIA', 'vale.describe', 401, 403, 422, 403, 422],
  ['POST /vales/2147483647/redeem', 'vale.redeem', 401, 403, 404, 403, 404],
  ['POST /vales/LUCIA/void', 'vale.void', 401, 403, 403, 403, 422],
  ['DELETE /vales/2147483647', 'vale.delete', 401, 403, 403, 403, 404],
  ['GET /vales/LUCIA/history', 'vale.history', 401, 200, 200, 200, 200],
  ['GET /vales/MATEO/history', 'vale.history', 401, 404, 200, 200, 200],
  ['GET /audit-logs', 'audit_log.search', 401, 403, 403, 200, 200],
  ['GET /audit-logs/1/proof', 'audit_log.proof', 401, 403, 403, 200, 200],
  ['GET /audit-logs/checkpoints', 'audit_log.checkpoints', 401, 403, 403, 200, 200],
  ['GET /audit-logs/consistency?from=2147483646&to=2147483647', 'audit_log.consistency', 401, 403, 403, 404, 404],
  ['GET /audit-logs/1', 'audit_log.find', 401, 403, 403, 200, 200],
  ['GET /audit-logs/request/00000000-0000-4000-8000-000000000000', 'audit_log.by_request', 401, 403, 403, 200, 200],
  ['GET /audit-logs/stats', 'audit_log.stats', 401, 403, 403, 200, 200],
  ['GET /audit-logs/export', 'audit_log.export', 401, 403, 403, 200, 200],
];

let world: MexaWorld;
let own: Vale;
let foreign: Vale;
beforeAll(async () => {
  world = await openMexaWorld();
  const ids = await sql<{ id: number }>(
    world.owner,
    "select id from usuarios where username in ('lucia.demo', 'mateo.demo') order by username",
  );
  own = await newVale(world, { user_id: ids[0]?.id, description: 'de Lucía' });
  foreign = await newVale(world, { user_id: ids[1]?.id, description: 'de Mateo' });
});
afterAll(() => world.close());

const tokenOf = async (role: (typeof roles)[number]): Promise<string | undefined> => {
  if (role === 'nobody') return undefined;
  return issueMexaToken(world.mexa, role === 'usuario' ? { user: 'lucia.demo' } : { role });
};

function send(request: string, token: string | undefined, requestId: string): Promise<HttpAnswer> {
  const [method = '', wanted = ''] = request.split(' ');
  const isFilter = wanted.includes('user_id=');
  const path = wanted
    .replace('LUCIA', String(isFilter ? own.user_id : own.id))
    .replace('MATEO', String(isFilter ? foreign.user_id : foreign.id));
  const root = path === '/' || path === '/health' ? world.baseUrl : `${world.baseUrl}/api/v1`;
  const body = method === 'POST' || method === 'PATCH' ? { body: {} } : {};
  return call(`${root}${path}`, { method, token, headers: { 'x-request-id': requestId }, ...body });
}

describe.each(table)('%s', (request, permission, ...expected) => {
  test.each(roles.map((role, place) => [role, expected[place]] as const))('by %s: %i', async (role, status) => {
    const requestId = randomUUID();
    const answer = await send(request, await tokenOf(role), requestId);
    expect(answer.status).toBe(status);
    const refusals = (await auditOf(world, requestId)).filter(({ action }) => action === 'refused');
    const asker = role === 'usuario' ? 'lucia.demo' : `${role}.demo`;
    const [user] = await sql<{ id: number }>(world.owner, 'select id from usuarios where username = $1', [asker]);
    const refusal = {
      user_id: user?.id,
      resource_type: 'permission',
      details: { permission },
      method: request.split(' ')[0],
    };
    expect(refusals).toHaveLength(status === 403 ? 1 : 0);
    expect(refusals).toMatchObject(status === 403 ? [refusal] : []);
    const told = status === 403 ? expectProblem(answer, 403, 'permission_missing').detail : '';
    expect(told).toBe(status === 403 ? `The role "${role}" does not hold the permission "${permission}".` : '');
  });
});

test('the table above has every route', () => {
  const shown = new Set(
    table.map(([request]) =>
      request
        .replace(/\?.*/, '')
        .replaceAll(/LUCIA|MATEO|\d{4,}[-\w]*|\/1\b/g, (part) => (part === '/1' ? '/:id' : ':id')),
    ),
  );
  const routes = [...mexa.rootRoutes, ...mexa.apiRoutes].map(
    ({ method, path }) => `${method} ${path.replace(':request_id', ':id')}`,
  );
  expect([...shown].toSorted()).toEqual(routes.toSorted());
});

test('a usuario lists, exports and counts their own vouchers only', async () => {
  const token = await tokenOf('usuario');
  const list = (await world.api('/vales?limit=1000', { token })).json<{ vales: Vale[] }>().vales;
  expect(list.map(({ id }) => id)).toContain(own.id);
  expect(new Set(list.map(({ user_id: drawer }) => drawer))).toEqual(new Set([own.user_id]));
  const csv = (await world.api('/vales?format=csv', { token })).text;
  expect(csv.trimEnd().split('\r\n')).toHaveLength(list.length + 1);
  expect(csv).not.toContain('de Mateo');
  const found = (await world.api('/vales?q=Mateo', { token })).json<{ count: number }>();
  expect(found.count).toBe(0);
});

test('a role that is in no table may do nothing but what everybody may', async () => {
  const [session] = await sql<{ id: string }>(world.owner, 'select id from refresh_families limit 1');
  const { token } = await world.mexa.tokens.sign({
    subject: '1',
    name: 'x',
    role: 'root',
    sessionId: session?.id ?? '',
  });
  expect((await world.api('/vales', { token })).status).toBe(403);
  expect((await world.api('/audit-logs', { token })).status).toBe(403);
  expect((await world.api('/auth/me', { token })).status).toBe(200);
});
