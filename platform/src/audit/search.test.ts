import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScratch, type Scratch } from '../testing/scratch-database.ts';
import { type Context, silentLog, uuidV7 } from '../kernel/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { type AuditEntry, auditRow, recordAudit } from './record.ts';
import { type AuditFilter, auditStats, resourceTimeline, searchAudit } from './search.ts';

const idOf = (place: number): string => uuidV7(1_769_871_845_000 + place, new Uint8Array(10));

/** One request; its place says who it was, from where and when. */
function contextOf(place: number, changes: Partial<Context> = {}): Context {
  return {
    requestId: idOf(place),
    traceId: '0'.repeat(32),
    actor: place % 2 === 0 ? { id: '7', name: 'Kim', role: 'clerk', sessionId: '' } : undefined,
    client: { address: `203.0.113.${place % 3}`, userAgent: `agent ${place % 2}` },
    operation: 'vale.issue',
    method: place % 2 === 0 ? 'POST' : 'GET',
    endpoint: `/vales/${place % 4}`,
    clock: { now: () => new Date() },
    log: silentLog,
    signal: new AbortController().signal,
    ...changes,
  };
}

const entries: readonly AuditEntry[] = [
  { action: 'create', resourceType: 'vale', resourceId: 1, newValues: { state: 'issued', note: 'ñ "x" 👍' } },
  { action: 'login_failed', resourceType: 'usuario', resourceId: null, details: { identifier: 'a***' } },
  {
    action: 'redeem',
    resourceType: 'vale',
    resourceId: 1,
    oldValues: { state: 'issued' },
    newValues: { state: 'redeemed' },
  },
  { action: 'login_failed', resourceType: 'usuario', resourceId: 7, userId: 7 },
  { action: 'create', resourceType: 'vale', resourceId: 2, newValues: { amount: '1.50' } },
];

/** Rows in three hours of one day: two, two and one. */
const times = ['10:00:00', '10:59:59', '11:00:00', '11:30:00', '12:00:00'].map((time) => `2026-01-31 ${time}`);

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`the audit on ${real.name}`, () => {
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = await openScratch(real);
      const { uuid, json } = real.dialect.types;
      const isMysql = real.dialect.name === 'mysql';
      await scratch.run(`
        create table audit_logs (
          id integer not null ${isMysql ? 'auto_increment' : 'generated always as identity'} primary key,
          request_id ${uuid} not null,
          user_id integer,
          action varchar(50) not null,
          resource_type varchar(50) not null,
          resource_id integer,
          old_values ${json},
          new_values ${json},
          details ${json},
          endpoint varchar(255),
          method varchar(10),
          ip_address varchar(50),
          user_agent varchar(255),
          created_at ${isMysql ? 'datetime(6)' : 'timestamp'} not null default current_timestamp${isMysql ? '(6)' : ''}
        )`);
      for (const [place, entry] of entries.entries()) {
        await scratch.database.transact((tx) => recordAudit(tx, contextOf(place), entry));
        await scratch.run(`update audit_logs set created_at = '${times[place]}' where id = ${place + 1}`);
      }
    });
    afterAll(() => scratch.close());

    const found = async (filter: AuditFilter, page = { limit: 100 }): Promise<number[]> =>
      (await searchAudit(scratch.database, filter, page)).rows.map(({ id }) => id);

    it('keeps what was done with the circumstances of its request, and reads it back', async () => {
      const [row] = (await searchAudit(scratch.database, { id: 1 }, { limit: 1 })).rows;
      expect(row).toEqual({
        id: 1,
        request_id: idOf(0),
        user_id: 7,
        action: 'create',
        resource_type: 'vale',
        resource_id: 1,
        old_values: null,
        new_values: { state: 'issued', note: 'ñ "x" 👍' },
        details: null,
        endpoint: '/vales/0',
        method: 'POST',
        ip_address: '203.0.113.0',
        user_agent: 'agent 0',
        created_at: new Date('2026-01-31T10:00:00Z'),
      });
    });

    it('names who did it: the caller, or who just became one, or nobody', async () => {
      const { rows } = await searchAudit(scratch.database, {}, { limit: 100 });
      expect(rows.map(({ user_id: userId }) => userId)).toEqual([7, 7, 7, null, 7]);
      expect(auditRow(contextOf(1), { action: 'x', resourceType: 'y', resourceId: null }).user_id).toBeNull();
    });

    it.each<[string, AuditFilter, number[]]>([
      ['nothing, newest first', {}, [5, 4, 3, 2, 1]],
      ['its key', { id: 3 }, [3]],
      ['a request', { requestId: idOf(3) }, [4]],
      ['a user', { userId: 7 }, [5, 4, 3, 1]],
      ['an action', { action: 'create' }, [5, 1]],
      ['a kind of resource', { resourceType: 'usuario' }, [4, 2]],
      ['a resource', { resourceType: 'vale', resourceId: 1 }, [3, 1]],
      ['an endpoint', { endpoint: '/vales/0' }, [5, 1]],
      ['a method', { method: 'GET' }, [4, 2]],
      ['an address', { address: '203.0.113.1' }, [5, 2]],
      ['a program', { userAgent: 'agent 1' }, [4, 2]],
      ['a beginning, which counts', { from: new Date('2026-01-31T11:00:00Z') }, [5, 4, 3]],
      ['an end, which does not', { to: new Date('2026-01-31T11:00:00Z') }, [2, 1]],
      ['all of them', { action: 'create', method: 'POST', from: new Date('2026-01-31T10:00:01Z') }, [5]],
      ['what is not there', { action: "create' or '1'='1" }, []],
    ])('is searched by %s', async (_, filter, ids) => {
      expect(await found(filter)).toEqual(ids);
    });

    it('comes page by page', async () => {
      const first = await searchAudit(scratch.database, {}, { limit: 2 });
      expect([first.rows.map(({ id }) => id), first.next]).toEqual([[5, 4], 4]);
      const second = await searchAudit(scratch.database, {}, { limit: 3, beforeId: first.next });
      expect([second.rows.map(({ id }) => id), second.next]).toEqual([[3, 2, 1], undefined]);
    });

    it('tells the story of one resource, oldest first', async () => {
      const rows = await resourceTimeline(scratch.database, { type: 'vale', id: 1 });
      expect(rows.map(({ action, old_values: before, new_values: after }) => [action, before, after])).toEqual([
        ['create', null, { state: 'issued', note: 'ñ "x" 👍' }],
        ['redeem', { state: 'issued' }, { state: 'redeemed' }],
      ]);
    });

    it('is counted by what an auditor asks for first', async () => {
      expect(await auditStats(scratch.database, {})).toEqual({
        total: 5,
        byAction: [
          { key: 'create', count: 2 },
          { key: 'login_failed', count: 2 },
          { key: 'redeem', count: 1 },
        ],
        byResource: [
          { key: 'vale', count: 3 },
          { key: 'usuario', count: 2 },
        ],
        byUser: [
          { key: 7, count: 4 },
          { key: null, count: 1 },
        ],
        byAddress: [
          { key: '203.0.113.0', count: 2 },
          { key: '203.0.113.1', count: 2 },
          { key: '203.0.113.2', count: 1 },
        ],
        failedSignInsByHour: [
          { key: '2026-01-31T11:00:00Z', count: 1 },
          { key: '2026-01-31T10:00:00Z', count: 1 },
        ],
        failedSignInsByAddress: [
          { key: '203.0.113.0', count: 1 },
          { key: '203.0.113.1', count: 1 },
        ],
      });
    });

    it('is counted for the time that is asked for', async () => {
      const from = new Date('2026-01-31T11:00:00Z');
      const stats = await auditStats(scratch.database, { from, to: new Date('2026-01-31T12:00:00Z') });
      expect(stats).toMatchObject({ total: 2, failedSignInsByHour: [{ key: '2026-01-31T11:00:00Z', count: 1 }] });
    });

    it('is kept with what it tells of, or not at all', async () => {
      const undone = scratch.database.transact(async (tx) => {
        await recordAudit(tx, contextOf(9), { action: 'undone', resourceType: 'vale', resourceId: 9 });
        throw new Error('undone');
      });
      await expect(undone).rejects.toThrow('undone');
      await scratch.database.transact((tx) => recordAudit(tx, contextOf(9)));
      expect(await found({ action: 'undone' })).toEqual([]);
      expect((await found({})).length).toBe(entries.length);
    });
  });
}
