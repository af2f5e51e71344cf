import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commitmentsOf,
  digestOf,
  entryOf,
  instantOf,
  openingOf,
  personalParts,
  type RowText,
  saltsBytes,
} from './leaf.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed()),
);
const cell = fc.option(text);
const row: fc.Arbitrary<RowText> = fc.record({
  id: fc.nat().map(String),
  request_id: fc.uuid(),
  user_id: cell,
  action: text,
  resource_type: text,
  resource_id: cell,
  endpoint: cell,
  method: cell,
  created_at: fc.constantFrom('2026-01-31 10:00:00', '2026-01-31 10:00:00.5', '2026-01-31 10:00:00.123456+00'),
  ip_address: cell,
  user_agent: cell,
  old_values: cell,
  new_values: cell,
  details: cell,
});
const salts = fc.uint8Array({ minLength: saltsBytes, maxLength: saltsBytes }).map((bytes) => Buffer.from(bytes));

/** RFC 8785 as its text says: keys in order, no spaces. */
function canonical(value: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

describe('a leaf', () => {
  it('is canonical JSON of what is not personal, and of two commitments', () => {
    fc.assert(
      fc.property(row, salts, (given, salt) => {
        const commitments = commitmentsOf(given, salt);
        const { ip_address: _, user_agent: _2, old_values: _3, new_values: _4, details: _5, ...open } = given;
        const expected = { ...open, ...commitments, v: 1, created_at: instantOf(given.created_at) };
        expect(entryOf(given, commitments)).toBe(canonical(expected));
      }),
    );
  });

  it('commits to each part by the hash of canonical JSON with its salt', () => {
    fc.assert(
      fc.property(row, salts, (given, salt) => {
        for (const [place, part] of (['origin', 'values'] as const).entries()) {
          const fields = Object.fromEntries(personalParts[part].map((field) => [field, given[field]]));
          const own = salt.subarray(place * 16, place * 16 + 16).toString('base64url');
          const opening = canonical({ ...fields, salt: own });
          expect(openingOf[part](given, salt)).toBe(opening);
          expect(commitmentsOf(given, salt)[part]).toBe(createHash('sha256').update(opening).digest('base64url'));
        }
      }),
    );
  });

  it('is another one for another value of any field', () => {
    fc.assert(
      fc.property(row, salts, fc.constantFrom(...fieldNames), (given, salt, field) => {
        const other = { ...given, [field]: `${given[field] ?? ''}x` };
        expect(entryOf(other, commitmentsOf(other, salt))).not.toBe(entryOf(given, commitmentsOf(given, salt)));
      }),
    );
  });

  it('tells nothing of a part to who has no salt', () => {
    fc.assert(
      fc.property(row, salts, salts, (given, one, other) => {
        fc.pre(!one.subarray(0, 16).equals(other.subarray(0, 16)) && !one.subarray(16).equals(other.subarray(16)));
        const [first, second] = [commitmentsOf(given, one), commitmentsOf(given, other)];
        expect(first.origin).not.toBe(second.origin);
        expect(first.values).not.toBe(second.values);
        expect(first.origin).toHaveLength(digestOf('').length);
      }),
    );
  });
});

const fieldNames = [
  'id',
  'request_id',
  'user_id',
  'action',
  'resource_type',
  'resource_id',
  'endpoint',
  'method',
  'created_at',
  'ip_address',
  'user_agent',
  'old_values',
  'new_values',
  'details',
] as const satisfies readonly (keyof RowText)[];

describe('an instant', () => {
  it.each([
    ['2026-01-31 10:00:00', '2026-01-31T10:00:00.000000Z'],
    ['2026-01-31 10:00:00.5', '2026-01-31T10:00:00.500000Z'],
    ['2026-01-31 10:00:00.123456', '2026-01-31T10:00:00.123456Z'],
    ['2026-01-31 10:00:00.12+00', '2026-01-31T10:00:00.120000Z'],
    ['infinity', 'infinity'],
    ['12026-01-31 10:00:00', '12026-01-31 10:00:00'],
  ])('%s is %s', (stored, shown) => {
    expect(instantOf(stored)).toBe(shown);
  });
});
