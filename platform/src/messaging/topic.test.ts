import { expect, test } from 'vitest';
import { matchesTopic } from './topic.ts';

test.each([
  ['#', '', true],
  ['#', 'a.b.c', true],
  ['a.#', 'a', true],
  ['a.#', 'a.b.c', true],
  ['a.#', 'b', false],
  ['#.c', 'a.b.c', true],
  ['#.c', 'c', true],
  ['a.#.c', 'a.c', true],
  ['a.#.c', 'a.x.y.c', true],
  ['a.#.c', 'a.x.y', false],
  ['#.b.#', 'a.b.c', true],
  ['a.*', 'a.b', true],
  ['a.*', 'a', false],
  ['a.*', 'a.b.c', false],
  ['*.*', 'a.', true],
  ['a.b', 'a.b', true],
  ['a.b', 'a.bc', false],
])('%s and %s: %s', (pattern, routingKey, fits) => {
  expect(matchesTopic(pattern, routingKey)).toBe(fits);
});
