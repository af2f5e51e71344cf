import { describe, expect, it } from 'vitest';
import { mergedLoad, parseLoad } from './http-load.ts';

const said =
  'Running 2s test @ http://127.0.0.1:1\n  1 threads and 64 connections\n\n' +
  'BENCH {"completed":4000,"durationUs":2000000,"p50Us":4196,"p99Us":54688,"maxUs":1,"notOk":3,"connect":1,"read":2,"write":4,"timeout":8}\n';

describe('the figures of a load generator', () => {
  it('are read from its last line', () => {
    expect(parseLoad(said)).toEqual({
      completed: 4_000,
      durationSeconds: 2,
      p50Ms: 4.196,
      p99Ms: 54.688,
      notOk: 3,
      broken: 15,
    });
  });

  it.each(['', 'unable to connect to 127.0.0.1:1 Connection refused'])(
    'are missed where it told none: %j',
    (output) => {
      expect(() => parseLoad(output)).toThrow('has not told its figures');
    },
  );
});

describe('two generators at once', () => {
  const one = { completed: 300, durationSeconds: 2, p50Ms: 10, p99Ms: 100, notOk: 1, broken: 0 };

  it('add up, and their latencies count by their answers', () => {
    const other = { completed: 100, durationSeconds: 2, p50Ms: 30, p99Ms: 200, notOk: 0, broken: 2 };
    expect(mergedLoad([one, other])).toEqual({
      completed: 400,
      durationSeconds: 2,
      p50Ms: 15,
      p99Ms: 125,
      notOk: 1,
      broken: 2,
    });
  });

  it('are as good as one where there is one', () => {
    expect(mergedLoad([one])).toEqual(one);
  });
});
