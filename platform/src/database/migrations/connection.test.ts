import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connect, withoutPassword } from './connection.ts';
import { firstLineOf } from './migration-error.ts';
import { refusal } from './test/world.ts';

describe('connecting', () => {
  it.each(['postgresql', 'mysql', 'postgresql+asyncpg', 'mysql+asyncmy'])(
    'says where %s could not be reached, without the password',
    async (scheme) => {
      const failure = await refusal(connect({ url: `${scheme}://owner:hunter2%21@127.0.0.1:1/shop` }));
      expect(failure.kind).toBe('unreachable');
      expect(failure.message).toMatch(
        /^Cannot connect to (?:postgresql|mysql) at 127\.0\.0\.1:1\/shop: .*ECONNREFUSED/,
      );
      expect(JSON.stringify([failure.message, failure.stack, failure.cause])).not.toContain('hunter2');
    },
  );

  it('takes the password out of any text, as written and as meant', () => {
    const password = string({ minLength: 1, maxLength: 20 }).filter((text) => !'the word: ***'.includes(text));
    assert(
      property(password, (text) => {
        const url = `mysql://owner:${encodeURIComponent(text)}@host/shop`;
        expect(withoutPassword(`the word: ${text}`, url)).toBe('the word: ***');
      }),
    );
    expect(withoutPassword('the word: 100%', 'mysql://owner:100%@host/shop')).toBe('the word: ***');
    expect(withoutPassword('nothing to hide', 'mysql://owner@host/shop')).toBe('nothing to hide');
  });
});

describe('the first line of a statement', () => {
  it('is the first that says something, cut to fit', () => {
    expect(firstLineOf('\n   \n  create table t (\n  id integer)')).toBe('create table t (');
    expect(firstLineOf(`select '${'x'.repeat(500)}'`)).toHaveLength(160);
    expect(firstLineOf('')).toBe('');
  });
});
