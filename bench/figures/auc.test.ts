import fc from 'fast-check';
import { expect, it } from 'vitest';
import { aucOf } from './auc.ts';

it.each([
  [[1, 2, 3], [1, 2, 3], 0.5],
  [[4, 5], [1, 2, 3], 1],
  [[1, 2], [3], 0],
  [[2, 2], [2], 0.5],
  [[1, 3], [2], 0.5],
  [[1, 3, 3], [2, 3], (0 + 1.5 + 1.5) / 6],
])('the AUC of %j against %j', (first, second, expected) => {
  expect(aucOf(first, second)).toBeCloseTo(expected, 12);
});

it('counts pairs', () => {
  const list = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(list, list, (first, second) => {
      const pairs = first.flatMap((a) => second.map((b) => (a > b ? 1 : a === b ? 0.5 : 0)));
      const mean = pairs.reduce<number>((sum, one) => sum + one, 0) / pairs.length;
      expect(aucOf(first, second)).toBeCloseTo(mean, 12);
    }),
  );
});
