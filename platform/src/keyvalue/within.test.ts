import { stat } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { within } from './within.ts';

const late = (): Error => new Error('too late');

test('gives the answer, and does not ask for a verdict', async () => {
  const verdict = vi.fn<() => Error>(late);
  expect(await within(Promise.resolve('x'), 1, verdict)).toBe('x');
  await expect(within(Promise.reject(new Error('no')), 1, verdict)).rejects.toThrow('no');
  await expect(within(new Promise(() => undefined), 20, late)).rejects.toThrow('too late');
  expect(verdict).not.toHaveBeenCalled();
});

test('reads what has already come before it gives up, when this process was busy', async () => {
  const verdict = vi.fn<() => Error>(late);
  // From here the event loop looks at its timers first, and then at what has come.
  await turn();
  // The file's answer is ready long before the process looks for it; so is the timer.
  const { promise, resolve } = Promise.withResolvers<boolean>();
  stat(import.meta.filename, (_, found) => resolve(found.isFile()));
  const answer = within(promise, 1, verdict);
  const endMs = performance.now() + 1_000;
  while (performance.now() < endMs) continue;
  expect(await answer).toBe(true);
  await turn();
  expect(verdict).not.toHaveBeenCalled();
});
