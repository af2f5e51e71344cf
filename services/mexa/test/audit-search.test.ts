import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditLog } from '../src/audit-log/audit-log.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { one, other, type PastAudit, pastFilters, placesIn, week, writePastAudit } from './past-audit.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';

interface Page {
  readonly audit_logs: readonly AuditLog[];
  readonly count: number;
  readonly limit: number;
  readonly next: string | null;
}

let world: MexaWorld;
let pastAudit: PastAudit;
beforeAll(async () => {
  world = await openMexaWorld();
  pastAudit = await writePastAudit(world);
});
afterAll(() => world.close());

const places = (rows: readonly AuditLog[]): number[] => placesIn(pastAudit, rows);

const search = async (query: string): Promise<Page> => {
  const answer = await world.api(`/audit-logs${query.replace('CAJERO', String(pastAudit.users.cajero))}`, {
    token: world.tokens.auditor,
  });
  expect(answer.status).toBe(200);
  return answer.json<Page>();
};

describe('searching', () => {
  test.each(pastFilters)('by "%s" finds the rows %j, newest first', async (query, expected) => {
    const page = await search(`?${week}&${query}`);
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
      id: pastAudit.ids[6],
      request_id: other,
      user_id: pastAudit.users.cajero,
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
    const alone = await world.api(`/audit-logs/${pastAudit.ids[6]}`, { token: world.tokens.auditor });
    expect(alone.json()).toEqual(row);
  });

  test('by a request shows what it did, page by page', async () => {
    const first = await search(`/request/${one}?limit=1`);
    const second = await search(`/request/${one}?limit=1&cursor=${first.next}`);
    expect([places(first.audit_logs), places(second.audit_logs), second.next]).toEqual([[1], [0], null]);
    expect(await search('/request/33333333-3333-4333-8333-333333333333')).toMatchObject({
      audit_logs: [],
      count: 0,
      next: null,
    });
  });

  test('in pages walks every row once, though each reading adds one', async () => {
    const rows = await sql<{ id: number }>(world.owner, 'select id from audit_logs order by created_at desc, id desc');
    const before = rows.map(({ id }) => id);
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
    const [admin, cajero] = [pastAudit.users.admin, pastAudit.users.cajero];
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
      by_user: [...[admin, null].map((id) => ({ user_id: id, count: 3 })), { user_id: cajero, count: 2 }],
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
    const stats = (await world.api('/audit-logs/stats', { token: world.tokens.admin })).json<{
      from: string;
      to: string;
      total: number;
    }>();
    expect(new Date(stats.to).getTime() - new Date(stats.from).getTime()).toBe(30 * 86_400_000);
    expect(stats.total).toBeGreaterThan(40);
  });

  test('count nothing in a month before the first instant that can be named', async () => {
    const stats = await world.api('/audit-logs/stats?to=0001-01-01', { token: world.tokens.admin });
    expect(stats.json()).toMatchObject({ from: '0001-01-01T00:00:00.000Z', to: '0001-01-01T00:00:00.000Z', total: 0 });
  });

  test('of an empty time are nothing', async () => {
    const stats = await world.api('/audit-logs/stats?from=1999-01-01&to=1999-01-02', { token: world.tokens.admin });
    expect(stats.json()).toMatchObject({ total: 0, by_action: [], by_user: [], failed_logins_by_hour: [] });
  });
});
