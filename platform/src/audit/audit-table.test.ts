import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMigrator, type Database, openDatabase, writeStatement } from '../database/index.ts';
import { type Context, silentLog, systemClock } from '../kernel/index.ts';
import { realDatabases, type ThrowAwayDatabase } from '../testing/index.ts';
import { auditStats, recordAudit, resourceTimeline, searchAudit } from './index.ts';

const platformMigrations = new URL('../../migrations/', import.meta.url);

const context: Context = {
  requestId: '0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11',
  traceId: '0'.repeat(31) + '1',
  actor: { id: 'member-7', name: 'ana', role: 'staff', sessionId: '' },
  client: { address: '192.0.2.7', userAgent: 'test' },
  operation: 'cow.weigh',
  method: 'POST',
  endpoint: '/cows',
  clock: systemClock,
  log: silentLog,
  signal: new AbortController().signal,
};

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`the platform's audit table on ${real.name}`, () => {
    let place: ThrowAwayDatabase;
    let database: Database;

    beforeAll(async () => {
      place = await real.createDatabase();
      const migrator = createMigrator({
        url: place.url,
        service: 'test',
        streams: [{ name: 'platform', folder: platformMigrations, only: ['p003_audit_logs'] }],
        lockTimeoutMs: 10_000,
        log: silentLog,
      });
      await migrator.up();
      await migrator.down();
      await migrator.up();
      database = openDatabase({ url: place.url, connectionsMax: 2 });
      await database.transact((tx) =>
        recordAudit(
          tx,
          context,
          { action: 'create', resourceType: 'cow', resourceId: 'MX-1', newValues: { weight_kg: 310 } },
          {
            action: 'update',
            resourceType: 'cow',
            resourceId: 'MX-1',
            oldValues: { weight_kg: 310 },
            newValues: { weight_kg: 320 },
          },
          { action: 'login_failed', resourceType: 'member', resourceId: null },
        ),
      );
    });
    afterAll(async () => {
      await database.close();
      await place.drop();
    });

    test('keeps text keys, values as JSON and the circumstances of the request', async () => {
      const timeline = await resourceTimeline(database, { type: 'cow', id: 'MX-1' });
      expect(timeline.map(({ action }) => action)).toEqual(['create', 'update']);
      expect(timeline[1]).toMatchObject({
        request_id: context.requestId,
        user_id: 'member-7',
        old_values: { weight_kg: 310 },
        new_values: { weight_kg: 320 },
        endpoint: '/cows',
        ip_address: '192.0.2.7',
      });
      expect(timeline[1]?.created_at).toBeInstanceOf(Date);
    });

    test('gives keys as numbers, though they have 64 bits', async () => {
      const { rows } = await searchAudit(database, {}, { limit: 10 });
      const timeline = await resourceTimeline(database, { type: 'cow', id: 'MX-1' });
      expect([...rows.toReversed(), ...timeline].map(({ id }) => id)).toEqual([1, 2, 3, 1, 2]);
      const next = await searchAudit(database, {}, { limit: 2, beforeId: rows[0]?.id });
      expect(next.rows).toEqual(rows.slice(1));
    });

    test('is searched and counted', async () => {
      const found = await searchAudit(database, { action: 'create' }, { limit: 10 });
      expect(found.rows).toHaveLength(1);
      const stats = await auditStats(database, {});
      expect(stats.total).toBe(3);
      expect(stats.failedSignInsByHour).toEqual([
        { key: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:00:00Z$/) as string, count: 1 },
      ]);
    });

    test.each(['update audit_logs set action = ?', 'delete from audit_logs where action <> ?'])(
      'refuses: %s',
      async (text) => {
        const sql = text.replace('?', real.dialect.placeholder(1));
        await expect(database.runAlone(writeStatement<[string], never>('test', sql), ['x'])).rejects.toThrow(
          'append-only',
        );
      },
    );
  });
}
