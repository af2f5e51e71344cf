import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utcInstant } from './utc-instant.ts';

describe('the text of a timestamp', () => {
  it.each([
    ['2026-01-31 15:04:05', '2026-01-31T15:04:05.000Z'],
    ['2026-01-31 15:04:05.1', '2026-01-31T15:04:05.100Z'],
    ['2026-01-31 15:04:05.123456', '2026-01-31T15:04:05.123Z'],
    ['2026-01-31 15:04:05.999999', '2026-01-31T15:04:05.999Z'],
    ['2024-02-29 00:00:00', '2024-02-29T00:00:00.000Z'],
    ['0045-03-15 00:00:00', '0045-03-15T00:00:00.000Z'],
    ['9999-12-31 23:59:59.999', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', (text, instant) => {
    expect(utcInstant(text).toISOString()).toBe(instant);
  });

  it.each([['infinity'], ['-infinity'], [''], ['2044-03-15 00:00:00 BC']])('%j is no instant', (text) => {
    expect(utcInstant(text).getTime()).toBeNaN();
  });

  it('is the instant that was written, to the millisecond', () => {
    const instants = fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') });
    fc.assert(
      fc.property(
        instants.filter((date) => !Number.isNaN(date.getTime())),
        fc.integer({ min: 0, max: 999 }),
        (at, micros) => {
          const written = `${at.toISOString().slice(0, -1).replace('T', ' ')}${String(micros).padStart(3, '0')}`;
          expect(utcInstant(written).getTime()).toBe(at.getTime());
          // The server leaves out zeros at the end of a fraction, and a fraction of zeros whole.
          const shortened = written.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
          expect(utcInstant(shortened).getTime()).toBe(at.getTime());
        },
      ),
    );
  });
});
