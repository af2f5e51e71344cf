import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInstant, systemClock } from './time.ts';

describe('an instant', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T15:04', '2026-01-31T15:04:00.000Z'],
    ['2026-01-31T15:04:05', '2026-01-31T15:04:05.000Z'],
    ['2026-01-31T15:04:05Z', '2026-01-31T15:04:05.000Z'],
    ['2026-01-31T15:04:05.1Z', '2026-01-31T15:04:05.100Z'],
    ['2026-01-31T15:04:05.123456Z', '2026-01-31T15:04:05.123Z'],
    ['2026-01-31T15:04:05.999999Z', '2026-01-31T15:04:05.999Z'],
    ['2026-01-31T00:30:00+05:30', '2026-01-30T19:00:00.000Z'],
    ['2026-01-31T23:30:00-0600', '2026-02-01T05:30:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29', '2000-02-29T00:00:00.000Z'],
    ['0001-01-01', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('is read from %s', (text, iso) => {
    expect(parseInstant(text)?.toISOString()).toBe(iso);
  });

  it.each(
    [
      ['', 'now', '2026', '2026-01', '2026-1-31', '26-01-31', '2026/01/31', '20260131', '+002026-01-31'],
      ['2026-02-29', '1900-02-29', '2026-02-30', '2026-04-31', '2026-00-10', '2026-13-01', '2026-01-00', '2026-01-32'],
      ['2026-01-31 15:04:05', '2026-01-31T15', '2026-01-31T25:00:00', '2026-01-31T15:60:00', '2026-01-31T15:04:61Z'],
      ['2026-01-31T15:04:05.1234567Z', '2026-01-31T15:04:05z', '2026-01-31T15:04:05+25:00', '2026-01-31T15:04:05+5'],
      ['2026-01-31Z', '2026-01-31T15:04:05 Z', ' 2026-01-31', '2026-01-31\n', '1769871845'],
    ].flat(),
  )('is not read from %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('comes back from its own text', () => {
    const instant = fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') });
    fc.assert(
      fc.property(instant, (date) => {
        expect(parseInstant(date.toISOString())).toEqual(date);
        expect(parseInstant(date.toISOString().slice(0, 10))?.toISOString().slice(0, 10)).toBe(
          date.toISOString().slice(0, 10),
        );
      }),
    );
  });

  it('is of that day or of none: no day rolls over into the next month', () => {
    const part = (max: number): fc.Arbitrary<string> =>
      fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
    fc.assert(
      fc.property(part(14), part(33), (month, day) => {
        const text = `2026-${month}-${day}`;
        expect([text, undefined]).toContain(parseInstant(text)?.toISOString().slice(0, 10));
      }),
      { numRuns: 500 },
    );
  });

  it('is now where nobody holds the clock', () => {
    const before = Date.now();
    const now = systemClock.now().getTime();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });
});
