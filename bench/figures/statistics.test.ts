import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { medianOf, percentileOf, ratioOf, spreadOf, weightedMeanOf } from './statistics.ts';

const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 50 });

describe('the median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[5, 5, 5, 1], 5],
  ])('of %j is %d', (list, median) => {
    expect(medianOf(list)).toBe(median);
  });

  it('of nothing is no number', () => {
    expect(medianOf([])).toBeNaN();
  });

  it('lies between the least and the most, in whatever order the values come', () => {
    fc.assert(
      fc.property(values, (list) => {
        const spread = spreadOf(list);
        expect(spread?.min).toBeLessThanOrEqual(spread?.median ?? NaN);
        expect(spread?.median).toBeLessThanOrEqual(spread?.max ?? NaN);
        expect(medianOf(list.toReversed())).toBe(medianOf(list));
      }),
    );
  });

  it('leaves the values in their order', () => {
    const list = [3, 1, 2];
    medianOf(list);
    expect(list).toEqual([3, 1, 2]);
  });
});

it('has no spread of nothing', () => {
  expect(spreadOf([])).toBeUndefined();
});

describe('a ratio', () => {
  it('is taken round by round: a slow minute that both had changes nothing', () => {
    expect(ratioOf([200, 20, 180], [100, 10, 90])).toEqual({ median: 2, min: 2, max: 2 });
  });

  it('is the median of the ratios, not the ratio of the medians', () => {
    expect(ratioOf([10, 20, 90], [10, 40, 30])?.median).toBe(1);
  });

  it('leaves out rounds that one of them does not have', () => {
    expect(ratioOf([10, 20, NaN], [10, 10, 10])).toEqual({ median: 1.5, min: 1, max: 2 });
    expect(ratioOf([10, 30], [10])).toEqual({ median: 1, min: 1, max: 1 });
    expect(ratioOf([10], [0])).toBeUndefined();
  });
});

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, place) => place + 1);

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
    [0, 1],
  ])('of one to a hundred at %d is %d', (share, value) => {
    expect(percentileOf(hundred.toReversed(), share)).toBe(value);
  });

  it('between two ranks is the upper one', () => {
    expect(percentileOf([1, 2, 3], 0.5)).toBe(2);
    expect(percentileOf([1, 2, 3], 0.99)).toBe(3);
  });

  it('is one of the values', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        expect(list).toContain(percentileOf(list, share));
      }),
    );
  });
});

it('weighs a mean', () => {
  const mean = weightedMeanOf([
    { value: 10, weight: 3 },
    { value: 20, weight: 1 },
  ]);
  expect(mean).toBe(12.5);
});
