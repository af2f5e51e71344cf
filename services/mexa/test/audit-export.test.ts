import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditLog } from '../src/audit-log/audit-log.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { other, type PastAudit, pastFilters, placesIn, week, writePastAudit } from './past-audit.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';

interface Page {
  readonly audit_logs: readonly AuditLog[];
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

describe('the export', () => {
  const fetched = (query: string) =>
    world.api(`/audit-logs/export?${week}&${query.replace('CAJERO', String(pastAudit.users.cajero))}`, {
      token: world.tokens.auditor,
    });

  test.each(pastFilters)('as JSON lines by "%s" has what the search has', async (query, expected) => {
    const answer = await fetched(query);
    expect(answer.headers.get('content-type')).toBe('application/jsonl');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="audit-logs.jsonl"');
    const rows = answer.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditLog);
    expect(places(rows)).toEqual(expected);
    expect(rows).toEqual((await search(`?${week}&${query}`)).audit_logs);
  });

  test('as CSV has the same fields, with values as JSON, and nothing that a spreadsheet runs', async () => {
    const answer = await fetched('method=PATCH&format=csv');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [header = '', row = ''] = answer.text.split('\r\n');
    expect(header).toBe(
      'id,request_id,user_id,action,resource_type,resource_id,old_values,new_values,details,endpoint,method,ip_address,user_agent,created_at',
    );
    expect(row).toBe(
      `${pastAudit.ids[6]},${other},${pastAudit.users.cajero},update,vale,502,"{""a"":""=1+1""}","{""a"":[1,{""b"":null}]}",,/api/vales/502,PATCH,,caja-2,2001-02-03T00:00:00.000Z`,
    );
  });

  test('of more rows than one read fetches comes whole', async () => {
    await sql(
      world.owner,
      `insert into audit_logs (request_id, action, resource_type, user_agent, created_at)
       select gen_random_uuid(), 'bulk', 'test', '=cmd()', '2002-01-01' from generate_series(1, 2500)`,
    );
    const lines = (await world.api('/audit-logs/export?action=bulk', { token: world.tokens.admin })).text
      .trimEnd()
      .split('\n');
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
