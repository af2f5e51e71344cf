import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditLog } from '../src/audit-log/audit-log.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';

interface Page {
  readonly audit_logs: readonly AuditLog[];
  readonly count: number;
  readonly limit: number;
  readonly next: string | null;
}

const [one, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];

/** Rows of a week in 2001, oldest first: nothing else is of that time, so every number can be counted by hand. */
const past: readonly (readonly [request: string, user: string | null, action: string, type: string, id: number | null, method: string, endpoint: string, address: string | null, agent: string, at: string])[] = [
  [one, 'admin', 'create', 'vale', 501, 'POST', '/api/vales', '10.0.0.1', 'caja-1', '2001-02-01 08:15:00'],
  [one, 'admin', 'create', 'vale', 502, 'POST', '/api/vales', '10.0.0.1', 'caja-1', '2001-02-01 08:15:00'],
  [other, 'cajero', 'redeem', 'vale', 501, 'POST', '/api/vales/501/redeem', '10.0.0.2', 'caja-2', '2001-02-01 09:00:00'],
  [other, null, 'login_failed', 'usuario', null, 'POST', '/api/auth/login', '10.0.0.9', 'curl', '2001-02-02 10:00:00'],
  [other, null, 'login_failed', 'usuario', null, 'POST', '/api/auth/login', '10.0.0.9', 'curl', '2001-02-02 10:59:59.999'],
  [other, null, 'login_failed', 'usuario', null, 'POST', '/api/auth/login', '10.0.0.8', 'curl', '2001-02-02 11:00:00'],
  [other, 'cajero', 'update', 'vale', 502, 'PATCH', '/api/vales/502', null, 'caja-2', '2001-02-03 00:00:00'],
  [other, 'admin', 'delete', 'usuario', 77, 'DELETE', '/api/usuarios/77', '10.0.0.1', 'caja-1', '2001-02-07 23:59:59'],
];
const week = 'from=2001-02-01&to=2001-02-08';

let world: MexaWorld;
let ids: number[];
const users: Record<string, number> = {};

beforeAll(async () => {
  world = await openMexaWorld();
  for (const { username, id } of await sql<{ username: string; id: number }>(world.owner, 'select username, id from usuarios')) {
    users[username.replace('.demo', '')] = id;
  }
  ids = [];
  for (const [request, user, action, type, id, method, endpoint, address, agent, at] of past) {
    const [row] = await sql<{ id: number }>(
      world.owner,
      `insert into audit_logs (request_id, user_id, action, resource_type, resource_id, old_values, new_values, method, endpoint,
         ip_address, user_agent, created_at)
       values ($1, $2, $3, $4, $5, '{"a": "=1+1"}', '{"a": [1, {"b": null}]}', $6, $7, $8, $9, $10) returning id`,
      [request, user && users[user], action, type, id, method, endpoint, address, agent, at],
    );
    ids.push(row?.id ?? 0);
  }
});
afterAll(() => world.close());

const search = async (query: string): Promise<Page> => {
  const answer = await world.api(`/audit-logs${query}`, { token: world.tokens.auditor });
  expect(answer.status).toBe(200);
  return answer.json<Page>();
};

/** Which of the rows above an answer has, by their places, in its order. */
const places = (rows: readonly Pick<AuditLog, 'id'>[]): number[] => rows.map(({ id }) => ids.indexOf(id));

const filters: readonly (readonly [query: string, places: number[]])[] = [
  ['', [7, 6, 5, 4, 3, 2, 1, 0]],
  [`request_id=${one}`, [1, 0]],
  [`request_id=${one.toUpperCase()}`, [1, 0]],
  ['user_id=CAJERO', [6, 2]],
  ['action=login_failed', [5, 4, 3]],
  ['resource_type=usuario', [7, 5, 4, 3]],
  ['resource_id=502', [6, 1]],
  ['resource_type=vale&resource_id=501', [2, 0]],
  ['endpoint=/api/vales', [1, 0]],
  ['method=PATCH', [6]],
  ['ip_address=10.0.0.9', [4, 3]],
  ['user_agent=caja-2', [6, 2]],
  ['action=create&user_id=CAJERO', []],
];

describe('searching', () => {
  test.each(filters)('by "%s" finds the rows %j, newest first', async (query, expected) => {
    const page = await search(`?${week}&${query.replace('CAJERO', String(users['cajero']))}`);
    expect(places(page.audit_logs)).toEqual(expected);
    expect(page).toMatchObject({ count: expected.length, limit: 100, next: null });
  });

  test.each([
    ['from=2001-02-02T10:00:00Z&to=2001-02-02T11:00:00Z', [4, 3]],
    ['from=2001-02-07&to=2001-02-08', [7]],
    ['to=2001-02-01T09:00:00Z', [1, 0]],
  ])('from an instant on and before another: %s', async (query, expected) => {
    expect(places((await search(`?${query}`)).audit_logs)).toEqual(expected);
  });

  test('shows a row whole', async () => {
    const [row] = (await search(`?${week}&method=PATCH`)).audit_logs;
    expect(row).toEqual({
      id: ids[6],
      request_id: other,
      user_id: users['cajero'],
      action: 'update',
      resource_type: 'vale',
      resource_id: 502,
      old_values: { a: '=1+1' },
      new_values: { a: [1, { b: null }] },
      details: null,
      endpoint: '/api/vales/502',
      method: 'PATCH',
      ip_address: null,
      user_agent: 'caja-2',
      created_at: '2001-02-03T00:00:00.000Z',
    });
    const alone = await world.api(`/audit-logs/${ids[6]}`, { token: world.tokens.auditor });
    expect(alone.json()).toEqual(row);
  });

  test('by a request shows what it did, page by page', async () => {
    const first = await search(`/request/${one}?limit=1`);
    const second = await search(`/request/${one}?limit=1&cursor=${first.next}`);
    expect([places(first.audit_logs), places(second.audit_logs), second.next]).toEqual([[1], [0], null]);
    expect(await search('/request/33333333-3333-4333-8333-333333333333')).toMatchObject({ audit_logs: [], count: 0, next: null });
  });

  test('in pages walks every row once, though each reading adds one', async () => {
    const before = (await sql<{ id: number }>(world.owner, 'select id from audit_logs order by id desc')).map(({ id }) => id);
    const seen: number[] = [];
    let next: string | null = null;
    do {
      const page: Page = await search(`?limit=10${next === null ? '' : `&cursor=${next}`}`);
      seen.push(...page.audit_logs.map(({ id }) => id));
      next = page.next;
    } while (next !== null);
    const [reading, ...rest] = seen;
    expect(rest).toEqual(before);
    expect(reading).toBeGreaterThan(before[0] ?? 0);
  });

  test.each([
    ['?request_id=x', 'request_id'],
    ['?user_id=-1', 'user_id'],
    ['?resource_id=2147483648', 'resource_id'],
    ['?action=', 'action'],
    [`?action=${'x'.repeat(51)}`, 'action'],
    ['?method=%00', 'method'],
    ['?from=x', 'from'],
    ['?limit=1001', 'limit'],
    ['?cursor=x', 'cursor'],
    ['?q=x', 'q'],
    ['/x', 'id'],
    ['/0', 'id'],
    ['/request/x', 'request_id'],
    ['/stats?to=x', 'to'],
    ['/export?format=xml', 'format'],
  ])('%s is a 422', async (query, field) => {
    const answer = await world.api(`/audit-logs${query}`, { token: world.tokens.auditor });
    expect(expectProblem(answer, 422, 'validation_failed').errors?.[0]?.loc[1]).toBe(field);
  });

  test.each([2147483647, 2147483646])('for row %i, which is not there, is a 404', async (id) => {
    const answer = await world.api(`/audit-logs/${id}`, { token: world.tokens.auditor });
    expect(expectProblem(answer, 404, 'audit_log_not_found').detail).toBe(`There is no audit row ${id}.`);
  });
});

describe('the statistics', () => {
  test('of a week are what one counts by hand', async () => {
    const stats = await world.api(`/audit-logs/stats?${week}`, { token: world.tokens.auditor });
    const [admin, cajero] = [users['admin'] ?? 0, users['cajero'] ?? 0];
    expect(stats.json()).toEqual({
      from: '2001-02-01T00:00:00.000Z',
      to: '2001-02-08T00:00:00.000Z',
      total: 8,
      by_action: [
        { action: 'login_failed', count: 3 },
        { action: 'create', count: 2 },
        { action: 'delete', count: 1 },
        { action: 'redeem', count: 1 },
        { action: 'update', count: 1 },
      ],
      by_resource: [
        { resource_type: 'usuario', count: 4 },
        { resource_type: 'vale', count: 4 },
      ],
      by_user: [
        ...[admin, null].map((id) => ({ user_id: id, count: 3 })),
        { user_id: cajero, count: 2 },
      ],
      by_ip_address: [
        { ip_address: '10.0.0.1', count: 3 },
        { ip_address: '10.0.0.9', count: 2 },
        { ip_address: '10.0.0.2', count: 1 },
        { ip_address: '10.0.0.8', count: 1 },
        { ip_address: null, count: 1 },
      ],
      failed_logins_by_hour: [
        { hour: '2001-02-02T11:00:00Z', count: 1 },
        { hour: '2001-02-02T10:00:00Z', count: 2 },
      ],
      failed_logins_by_ip_address: [
        { ip_address: '10.0.0.9', count: 2 },
        { ip_address: '10.0.0.8', count: 1 },
      ],
    });
  });

  test('by default are of the last thirty days, this reading included', async () => {
    const stats = (await world.api('/audit-logs/stats', { token: world.tokens.admin })).json<{ from: string; to: string; total: number }>();
    expect(new Date(stats.to).getTime() - new Date(stats.from).getTime()).toBe(30 * 86_400_000);
    expect(stats.total).toBeGreaterThan(40);
  });

  test('of an empty time are nothing', async () => {
    const stats = await world.api('/audit-logs/stats?from=1999-01-01&to=1999-01-02', { token: world.tokens.admin });
    expect(stats.json()).toMatchObject({ total: 0, by_action: [], by_user: [], failed_logins_by_hour: [] });
  });
});

describe('the export', () => {
  const fetched = (query: string) => world.api(`/audit-logs/export?${week}&${query.replace('CAJERO', String(users['cajero']))}`, { token: world.tokens.auditor });

  test.each(filters)('as JSON lines by "%s" has what the search has', async (query, expected) => {
    const answer = await fetched(query);
    expect(answer.headers.get('content-type')).toBe('application/jsonl');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="audit-logs.jsonl"');
    const rows = answer.text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as AuditLog);
    expect(places(rows)).toEqual(expected);
    expect(rows).toEqual((await search(`?${week}&${query.replace('CAJERO', String(users['cajero']))}`)).audit_logs);
  });

  test('as CSV has the same fields, with values as JSON, and nothing that a spreadsheet runs', async () => {
    const answer = await fetched('method=PATCH&format=csv');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [header = '', row = ''] = answer.text.split('\r\n');
    expect(header).toBe(
      'id,request_id,user_id,action,resource_type,resource_id,old_values,new_values,details,endpoint,method,ip_address,user_agent,created_at',
    );
    expect(row).toBe(
      `${ids[6]},${other},${users['cajero']},update,vale,502,"{""a"":""=1+1""}","{""a"":[1,{""b"":null}]}",,/api/vales/502,PATCH,,caja-2,2001-02-03T00:00:00.000Z`,
    );
  });

  test('of more rows than one read fetches comes whole', async () => {
    await sql(
      world.owner,
      `insert into audit_logs (request_id, action, resource_type, user_agent, created_at)
       select gen_random_uuid(), 'bulk', 'test', '=cmd()', '2002-01-01' from generate_series(1, 2500)`,
    );
    const lines = (await world.api('/audit-logs/export?action=bulk', { token: world.tokens.admin })).text.trimEnd().split('\n');
    const found = lines.map((line) => (JSON.parse(line) as AuditLog).id);
    expect([found.length, new Set(found).size]).toEqual([2500, 2500]);
    const csv = (await world.api('/audit-logs/export?action=bulk&format=csv', { token: world.tokens.admin })).text;
    expect(csv.trimEnd().split('\r\n')).toHaveLength(2501);
    expect(csv).toContain(",'=cmd(),");
  });

  test('that goes around the filter cannot: an unknown filter is a 422, not everything', async () => {
    expectProblem(await fetched('usuario=1'), 422, 'validation_failed');
    expect((await fetched('limit=1')).status).toBe(422);
  });
});
