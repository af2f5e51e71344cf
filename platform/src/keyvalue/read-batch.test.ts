import { describe, expect, it } from 'vitest';
import { ReadBatch } from './read-batch.ts';

function reader(fails = false) {
  const calls: (readonly string[])[] = [];
  const batch = new ReadBatch(async (keys) => {
    calls.push(keys);
    if (fails) throw new Error('It is down');
    return keys.map((key) => (key.startsWith('none') ? null : `value of ${key}`));
  });
  return { batch, calls };
}

describe('reads of one turn of the event loop', () => {
  it('are one call, and each gets its own values', async () => {
    const { batch, calls } = reader();
    const reads = [batch.getMany(['a', 'none', 'b']), batch.getMany(['a']), batch.getMany(['c', 'd'])];
    expect(await Promise.all(reads)).toEqual([
      ['value of a', null, 'value of b'],
      ['value of a'],
      ['value of c', 'value of d'],
    ]);
    expect(calls).toEqual([['a', 'none', 'b', 'a', 'c', 'd']]);
    expect(await batch.getMany(['e'])).toEqual(['value of e']);
    expect(calls).toHaveLength(2);
  });

  it('are several calls where they ask for more keys than one call may', async () => {
    const { batch, calls } = reader();
    const keysOf = (read: number): string[] => Array.from({ length: 40 }, (_, key) => `${read}.${key}`);
    const reads = await Promise.all(Array.from({ length: 5 }, (_, read) => batch.getMany(keysOf(read))));
    expect(calls.map(({ length }) => length)).toEqual([80, 80, 40]);
    expect(reads).toEqual(Array.from({ length: 5 }, (_, read) => keysOf(read).map((key) => `value of ${key}`)));
  });

  it('fail together', async () => {
    const { batch, calls } = reader(true);
    const outcomes = await Promise.allSettled([batch.getMany(['a']), batch.getMany(['b'])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toHaveLength(1);
  });
});
