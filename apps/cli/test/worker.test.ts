import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { assertEnded, openPlace, patience, type Place } from './place.ts';

let place: Place;
beforeEach(() => {
  place = openPlace();
});
afterEach(() => place.close());

test('a worker says whom it works for, and ends when it is told to', async () => {
  assertEnded(await place.run(['migrate', 'up', 'mexa']), 0);
  const worker = place.launch(['worker', 'mexa']);
  await vi.waitFor(() => expect(worker.stderr()).toContain('Working for mexa'), patience);
  worker.signal('SIGTERM');
  const outcome = await worker.ended;
  assertEnded(outcome, 0);
  expect(outcome.stderr).toContain('what runs ends first');
});

test.each([
  { words: ['worker'], says: "missing required argument 'services'" },
  { words: ['worker', 'nobody'], says: 'There is no service "nobody"' },
  { words: ['messages', 'replay', 'mexa'], says: '--id <id>, or --all' },
])('wrong words are said, with status 2: $words', async ({ words, says }) => {
  const outcome = await place.run(words);
  assertEnded(outcome, 2);
  expect(outcome.stderr).toContain(says);
});

test('a service that neither sends nor hears has no messages', async () => {
  const outcome = await place.run(['messages', 'status', 'mexa']);
  assertEnded(outcome, 1);
  expect(outcome.stderr).toContain('mexa neither sends nor hears messages');
});
