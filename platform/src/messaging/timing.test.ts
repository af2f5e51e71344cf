import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRun } from './timing.ts';

const cases: readonly { readonly what: string; readonly timeZone: string; readonly runs: readonly string[] }[] = [
  {
    what: 'a skipped time comes later by what was skipped',
    timeZone: 'Europe/Paris',
    runs: ['2026-03-28T01:30:00Z', '2026-03-29T01:30:00Z', '2026-03-30T00:30:00Z'],
  },
  {
    what: 'a time that comes twice counts the first time',
    timeZone: 'Europe/Paris',
    runs: ['2026-10-24T00:30:00Z', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  },
  {
    what: 'a zone without changes',
    timeZone: 'America/Mexico_City',
    runs: ['2026-03-28T08:30:00Z', '2026-03-29T08:30:00Z', '2026-03-30T08:30:00Z'],
  },
  {
    what: 'half hours',
    timeZone: 'Asia/Kolkata',
    runs: ['2026-03-27T21:00:00Z', '2026-03-28T21:00:00Z', '2026-03-29T21:00:00Z'],
  },
  {
    what: 'a day that a zone left out',
    timeZone: 'Pacific/Apia',
    runs: ['2011-12-28T12:30:00Z', '2011-12-29T12:30:00Z', '2011-12-30T12:30:00Z'],
  },
];

test.each(cases)('02:30 each day: $what', ({ timeZone, runs }) => {
  const timing = { dailyAt: '02:30', timeZone };
  const [first = '', ...rest] = runs;
  const found = [nextRun(timing, new Date(new Date(first).getTime() - 1))];
  for (const _ of rest) found.push(nextRun(timing, found.at(-1) ?? new Date(0)));
  expect(found).toEqual(runs.map((run) => new Date(run)));
});

test('a span runs at its whole multiples', () => {
  const timing = { everyMs: 900_000 };
  expect(nextRun(timing, new Date('2026-03-28T10:07:00Z'))).toEqual(new Date('2026-03-28T10:15:00Z'));
  expect(nextRun(timing, new Date('2026-03-28T10:15:00Z'))).toEqual(new Date('2026-03-28T10:30:00Z'));
});

test('each run lies after the one before, a day apart but for the changes of clocks', () => {
  const zones = ['Europe/Paris', 'America/Mexico_City', 'Australia/Lord_Howe', 'America/St_Johns', 'UTC'];
  const instants = fc.date({ min: new Date('2015-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
  const times = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
  fc.assert(
    fc.property(fc.constantFrom(...zones), times, instants, (timeZone, [hour, minute], after) => {
      const dailyAt = [hour, minute].map((number) => String(number).padStart(2, '0')).join(':');
      const first = nextRun({ dailyAt, timeZone }, after);
      const second = nextRun({ dailyAt, timeZone }, first);
      const apartH = (second.getTime() - first.getTime()) / 3_600_000;
      expect(first.getTime()).toBeGreaterThan(after.getTime());
      expect(first.getTime() - after.getTime()).toBeLessThanOrEqual(25 * 3_600_000);
      expect(apartH).toBeGreaterThanOrEqual(22);
      expect(apartH).toBeLessThanOrEqual(26);
    }),
    { numRuns: 300 },
  );
});

test.each([{ everyMs: 10 }, { dailyAt: '24:00', timeZone: 'UTC' }, { dailyAt: '02:00', timeZone: 'Mars/Olympus' }])(
  'what is no timing is refused: %o',
  (timing) => {
    expect(() => nextRun(timing, new Date())).toThrow(RangeError);
  },
);
