import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { encodeCursor } from '../kernel/index.ts';
import { cursorParameter, idParameter, instantParameter, limitParameter, plainText } from './parameters.ts';

const fits = (schema: z.ZodType, input: unknown): boolean => schema.safeParse(input).success;

describe('a key in a path', () => {
  it.each(['1', '42', '2147483647'])('may be %s', (text) => {
    expect(idParameter.parse(text)).toBe(Number(text));
  });

  it.each(['0', '-1', '2147483648', '9007199254740993', '1.5', 'x', '', 'NaN', 'Infinity', '1e10', '\u0000', '٣'])(
    'may not be %j',
    (text) => {
      expect(fits(idParameter, text)).toBe(false);
    },
  );
});

describe('the size of a page', () => {
  const limit = limitParameter(100, 1_000);

  it('has a default and an end', () => {
    expect([limit.parse(undefined), limit.parse('1'), limit.parse('1000')]).toEqual([100, 1, 1_000]);
  });

  it.each(['0', '1001', '-5', '2.5', 'all', ''])('may not be %j', (text) => {
    expect(fits(limit, text)).toBe(false);
  });
});

describe('an instant', () => {
  it('is read as UTC where it says no zone', () => {
    expect(instantParameter.parse('2026-01-31').toISOString()).toBe('2026-01-31T00:00:00.000Z');
    expect(instantParameter.parse('2026-01-31T15:04:05+02:00').toISOString()).toBe('2026-01-31T13:04:05.000Z');
  });

  it.each(['0001-01-01', '9999-12-31T23:59:59Z'])('may be as far off as %s', (text) => {
    expect(fits(instantParameter, text)).toBe(true);
  });

  it.each(['0000-12-31', '0001-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01'])('may not be of %s', (text) => {
    expect(fits(instantParameter, text)).toBe(false);
  });

  it.each(['', 'now', '2026-02-30', '2026-13-01', '2026-01-31T25:00:00Z', '1769871845', 'x'.repeat(41)])(
    'may not be %j',
    (text) => {
      const faults = instantParameter.safeParse(text).error?.issues ?? [];
      expect(faults.length).toBeGreaterThan(0);
    },
  );
});

describe('a cursor', () => {
  it('is what a page said', () => {
    expect(cursorParameter('id').parse(encodeCursor([41]))).toEqual([41]);
    expect(cursorParameter('text', 'id').parse(encodeCursor(['ana', 7]))).toEqual(['ana', 7]);
    expect(cursorParameter('id').parse(undefined)).toBeUndefined();
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['a number', '41'],
    ['no base64', '%%%'],
    ['a text for a key', encodeCursor(['41'])],
    ['a key of no row', encodeCursor([0])],
    ['a negative key', encodeCursor([-1])],
    ['a key beyond its column', encodeCursor([2_147_483_648])],
    ['two keys for one', encodeCursor([1, 2])],
    ['none', encodeCursor([])],
    ['a fraction', Buffer.from('[1.5]').toString('base64url')],
    ['null', Buffer.from('[null]').toString('base64url')],
    ['an object', Buffer.from('{"0":1,"length":1}').toString('base64url')],
    ['too long', encodeCursor(['x'.repeat(600)])],
  ])('is not %s', (_, text) => {
    expect(fits(cursorParameter('id'), text)).toBe(false);
  });

  it.each([['\u0000'], ['\ud800']])('holds no text that a database cannot: %j', (text) => {
    expect(fits(cursorParameter('text'), encodeCursor([text]))).toBe(false);
  });

  it('of chance never passes for a key that is none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = Buffer.from(JSON.stringify(value)).toString('base64url');
        const parsed = cursorParameter('id').safeParse(text);
        const isKey = Array.isArray(value) && value.length === 1 && Number.isInteger(value[0]) && Number(value[0]) > 0;
        expect(parsed.success && !isKey).toBe(false);
      }),
    );
  });
});

describe('plain text', () => {
  it.each(['', 'a', 'ñandú', '👩‍👩‍👧', '\n\t'])('may be %j', (text) => {
    expect(plainText({ max: 20 }).parse(text)).toBe(text);
  });

  it.each(['\u0000', 'a\u0000', '\ud800', '\udc00\ud800', 'x'.repeat(21)])('may not be %j', (text) => {
    expect(fits(plainText({ max: 20 }), text)).toBe(false);
  });

  it('has the length that its column has, in code points', () => {
    expect(fits(plainText({ min: 2, max: 2 }), '👍👍')).toBe(true);
    expect(fits(plainText({ min: 3, max: 9 }), '👍👍')).toBe(false);
    expect(fits(plainText({ min: 1, max: 1 }), '👍👍')).toBe(false);
    expect(fits(plainText({ min: 1, max: 3 }), '')).toBe(false);
  });
});
