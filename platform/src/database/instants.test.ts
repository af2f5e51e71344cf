import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { realDatabases } from '../testing/real-databases.ts';
import { openScratch } from '../testing/scratch-database.ts';

const program = fileURLToPath(new URL('test/keep-instants.ts', import.meta.url));
/** In Mexico City, before and after its last summer time, at the hour that there was twice, and at a day's edge. */
const instants = [
  '2026-01-31T23:59:59.999Z',
  '2020-10-25T06:30:00.000Z',
  '2020-10-25T07:30:00.000Z',
  '2021-07-01T00:00:00.000Z',
];

interface Told {
  readonly offsetMinutes: number;
  readonly kept: readonly (readonly [string, string, string])[];
  readonly minutesOff: readonly number[];
}

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`instants on ${real.name}`, () => {
    it.each([
      ['America/Mexico_City', 360],
      ['Asia/Kolkata', -330],
      ['UTC', 0],
    ])('are UTC, in columns with a zone and without, on a machine in %s', async (zone, offsetMinutes) => {
      const scratch = await openScratch(real);
      const isMysql = real.dialect.name === 'mysql';
      const id = isMysql ? 'id integer not null auto_increment primary key' : 'id serial primary key';
      await scratch.run(
        `create table kept (${id}, plain ${isMysql ? 'datetime(6)' : 'timestamp'} not null, zoned ${real.dialect.types.instant} not null)`,
      );
      const ran = await promisify(execFile)(process.execPath, [program, scratch.url, ...instants], {
        env: { ...process.env, TZ: zone },
      });
      const told = JSON.parse(ran.stdout) as Told;
      expect(told.offsetMinutes).toBe(offsetMinutes);
      expect(told.kept.map(([plain, zoned]) => [plain, zoned])).toEqual(instants.map((instant) => [instant, instant]));
      expect(told.kept.map(([, , shown]) => shown.slice(0, 19))).toEqual(
        instants.map((instant) => instant.slice(0, 19).replace('T', ' ')),
      );
      expect(told.minutesOff).toEqual([0, 0]);
      await scratch.close();
    });
  });
}
