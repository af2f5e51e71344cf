import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesOf, diffOf, redact, type RedactionRules } from './redact.ts';

const rules: RedactionRules = { secret: ['password_hash', 'token'], personal: ['name', 'email'] };

describe('what is kept', () => {
  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [
      { id: 1, state: 'issued' },
      { id: 1, state: 'issued' },
    ],
    [{ password_hash: '$argon2id$…' }, { password_hash: '[redacted]' }],
    [{ token: 17 }, { token: '[redacted]' }],
    [{ token: null }, { token: null }],
    [{ email: 'ana@example.com' }, { email: 'a***@e***' }],
    [{ name: 'Ana Mora' }, { name: 'A***' }],
    [{ name: '' }, { name: '***' }],
    [{ name: '👩‍🚀 Sally' }, { name: '👩***' }],
    [{ email: 'a@b@c' }, { email: 'a***@b***' }],
    [{ name: undefined }, { name: null }],
  ])('case %#', (values, kept) => {
    expect(redact(values, rules)).toEqual(kept);
  });

  it('never holds a secret, and of a person the first character only', () => {
    const word = fc.stringMatching(/^[a-z]{6,12}$/);
    fc.assert(
      fc.property(word, word, (hash, name) => {
        const kept = JSON.stringify(
          redact({ id: 1, password_hash: hash, name, email: `${name}@${hash}.example` }, rules),
        );
        expect(kept).not.toContain(hash.slice(1));
        expect(kept).not.toContain(name.slice(1));
      }),
    );
  });
});

describe('a change', () => {
  it('is what differs, and no more', () => {
    const before = { id: 1, state: 'issued', at: new Date(0), note: null, tags: ['a'] };
    const after = { id: 1, state: 'void', at: new Date(0), note: undefined, tags: ['a', 'b'] };
    expect(changesOf(before, after, rules)).toEqual({
      oldValues: { state: 'issued', tags: ['a'] },
      newValues: { state: 'void', tags: ['a', 'b'] },
    });
    expect(changesOf(before, before, rules)).toEqual({ oldValues: {}, newValues: {} });
  });

  it('of a secret or of a person is named and not shown', () => {
    const before = { password_hash: 'one', email: 'ana@one.example' };
    const after = { password_hash: 'two', email: 'amy@other.example' };
    const { oldValues, newValues } = changesOf(before, after, rules);
    expect([oldValues, newValues]).toEqual([
      { password_hash: '[redacted]', email: 'a***@o***' },
      { password_hash: '[redacted]', email: 'a***@o***' },
    ]);
    expect(diffOf(oldValues, newValues)).toEqual([
      { field: 'password_hash', old: '[redacted]', new: '[redacted]' },
      { field: 'email', old: 'a***@o***', new: 'a***@o***' },
    ]);
  });

  it('is listed field by field, with nothing for what was not there', () => {
    expect(diffOf(null, { state: 'issued' })).toEqual([{ field: 'state', old: null, new: 'issued' }]);
    expect(diffOf({ state: 'issued' }, null)).toEqual([{ field: 'state', old: 'issued', new: null }]);
    expect(diffOf({ a: 1, b: { c: 1 } }, { a: 1, b: { c: 2 } })).toEqual([
      { field: 'b', old: { c: 1 }, new: { c: 2 } },
    ]);
    expect(diffOf(null, null)).toEqual([]);
  });

  it('names a field exactly where its values differ', () => {
    const values = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.integer({ min: 1, max: 3 }), fc.boolean()),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(values, values, (before, after) => {
        const { oldValues, newValues } = changesOf(before, after, rules);
        const differing = Object.keys(after).filter((field) => before[field] !== after[field]);
        expect(Object.keys(newValues)).toEqual(differing);
        expect(Object.keys(oldValues)).toEqual(differing);
        expect(diffOf(oldValues, newValues).map(({ field }) => field)).toEqual(differing);
      }),
    );
  });
});
