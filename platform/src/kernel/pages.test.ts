import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, pageOf } from './pages.ts';

const key = fc.oneof(fc.string({ maxLength: 20 }), fc.integer(), fc.maxSafeInteger());

describe('a cursor', () => {
  it('comes back as it was, and is safe in a URL', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 4 }), (keys) => {
        const text = encodeCursor(keys);
        expect(decodeCursor(text, keys.length)).toEqual(keys.map((one) => (Object.is(one, -0) ? 0 : one)));
        expect(encodeURIComponent(text)).toBe(text);
      }),
    );
  });

  it('of another list is none', () => {
    expect([decodeCursor(encodeCursor([1]), 2), decodeCursor(encodeCursor([1, 2]), 1)]).toEqual([undefined, undefined]);
  });

  it('that somebody made up is none, and never an error', () => {
    const made = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    );
    fc.assert(
      fc.property(made, (text) => {
        const keys = decodeCursor(text, 1) ?? [0];
        expect(keys.length).toBe(1);
        expect(keys.every((one) => typeof one === 'string' || Number.isSafeInteger(one))).toBe(true);
      }),
    );
    expect(decodeCursor('A'.repeat(513), 1)).toBeUndefined();
  });
});

describe('a page', () => {
  const keysOf = (row: number): number[] => [row];

  it('says where the next begins, where there is one', () => {
    expect(pageOf([1, 2, 3], 2, keysOf)).toEqual({ items: [1, 2], next: encodeCursor([2]) });
    expect(pageOf([1, 2], 2, keysOf)).toEqual({ items: [1, 2], next: null });
    expect(pageOf([], 2, keysOf)).toEqual({ items: [], next: null });
  });

  it('after page is the whole list, each row once', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat()), fc.integer({ min: 1, max: 7 }), (rows, size) => {
        const sorted = rows.toSorted((a, b) => a - b);
        const seen: number[] = [];
        for (let after: number | undefined; ;) {
          const rest = sorted.filter((row) => after === undefined || row > after).slice(0, size + 1);
          const page = pageOf(rest, size, keysOf);
          seen.push(...page.items);
          if (page.next === null) break;
          after = Number(decodeCursor(page.next, 1)?.[0]);
        }
        expect(seen).toEqual(sorted);
      }),
    );
  });
});
