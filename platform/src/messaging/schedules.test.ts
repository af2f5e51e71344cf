import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Clock, silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import { createScheduler, type Schedule, type Scheduler } from './schedules.ts';
import { type MessagingWorld, openMessagingWorld } from './test/messaging-world.ts';

const day: Schedule = {
  name: 'close-day',
  timing: { dailyAt: '02:30', timeZone: 'America/Mexico_City' },
  kind: 'close_day',
  catchUp: 'each',
};

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`schedules on ${real.name}`, () => {
    let world: MessagingWorld;
    let now: Date;
    const clock: Clock = { now: () => now };
    const scheduler = (schedules: readonly Schedule[]): Scheduler =>
      createScheduler({ database: world.open(), schedules, clock, log: silentLog });
    const keys = async (): Promise<string[]> =>
      (await world.run('select job_key from jobs order by job_key')).map((row) => String(row['job_key']));

    beforeEach(async () => {
      now = new Date('2026-03-10T12:00:00Z');
      world = await openMessagingWorld(real);
    });
    afterEach(() => world.close());

    test('runs once at its time, however many processes look', async () => {
      const all = [1, 2, 3, 4].map(() => scheduler([day]));
      await Promise.all(all.map((one) => one.tick()));
      expect(await keys()).toEqual([]);
      now = new Date('2026-03-11T08:30:00Z');
      const runs = await Promise.all(all.map((one) => one.tick()));
      expect(runs.reduce((sum, count) => sum + count, 0)).toBe(1);
      expect(await keys()).toEqual(['close-day@2026-03-11T08:30:00.000Z']);
      const [job] = await world.run('select payload from jobs');
      expect(JSON.parse(String(job?.['payload']))).toEqual({ scheduledFor: '2026-03-11T08:30:00.000Z' });
    });

    test.each([
      { catchUp: 'each' as const, days: ['11', '12', '13'] },
      { catchUp: 'latest' as const, days: ['13'] },
    ])('of runs that were missed it makes up for $catchUp', async ({ catchUp, days }) => {
      const one = scheduler([{ ...day, catchUp }]);
      await one.tick();
      now = new Date('2026-03-13T20:00:00Z');
      await one.tick();
      expect(await keys()).toEqual(days.map((date) => `close-day@2026-03-${date}T08:30:00.000Z`));
      expect(await one.tick()).toBe(0);
    });

    test('a clock that is put back repeats nothing', async () => {
      const one = scheduler([day]);
      await one.tick();
      now = new Date('2026-03-12T20:00:00Z');
      await one.tick();
      now = new Date('2026-03-10T20:00:00Z');
      expect(await one.tick()).toBe(0);
      now = new Date('2026-03-12T20:00:00Z');
      expect(await one.tick()).toBe(0);
    });

    test('a schedule whose time was changed starts anew from now on', async () => {
      await scheduler([day]).tick();
      now = new Date('2026-03-12T20:00:00Z');
      const changed = scheduler([{ ...day, timing: { everyMs: 3_600_000 } }]);
      expect(await changed.tick()).toBe(0);
      now = new Date('2026-03-12T21:00:00Z');
      expect(await changed.tick()).toBe(1);
    });

    test('many missed runs are made up for in parts', async () => {
      const one = scheduler([{ ...day, timing: { everyMs: 60_000 } }]);
      await one.tick();
      now = new Date(now.getTime() + 600 * 60_000);
      expect(await one.tick()).toBe(500);
      expect(await one.tick()).toBe(100);
      expect(await one.tick()).toBe(0);
    });

    test('runs by itself', async () => {
      await scheduler([day]).tick();
      now = new Date('2026-03-11T08:30:00Z');
      const one = scheduler([day]);
      one.start();
      await vi.waitFor(async () => expect(await keys()).toHaveLength(1), { timeout: 10_000, interval: 10 });
      await one.stop();
    });
  });
}
