import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { readTally, verdictOf } from './tally.ts';

const whole = { passed: 3, failed: 0, skipped: 0, isComplete: true };

it.each([
  ['all passed', whole, 0, 'tests: 3 passed, 0 failed'],
  ['some skipped', { ...whole, skipped: 2 }, 0, 'tests: 3 passed, 0 failed, 2 skipped'],
  ['some failed', { ...whole, failed: 2 }, 1, 'tests: 3 passed, 2 failed'],
  ['some failed, though the run says it went well', { ...whole, failed: 2 }, 0, 'tests: 3 passed, 2 failed'],
  ['the run failed and no test says why', whole, 1, 'tests: 3 passed, 1 failed'],
  ['the run did not come to its end', { ...whole, isComplete: false }, 0, 'tests: 3 passed, 1 failed'],
  ['it crashed after a failure', { ...whole, failed: 2, isComplete: false }, 1, 'tests: 3 passed, 3 failed'],
  ['nothing ran', { ...whole, passed: 0, skipped: 4 }, 0, 'tests: 0 passed, 1 failed, 4 skipped'],
])('the verdict where %s', (_, tally, exitCode, line) => {
  expect(verdictOf(tally, exitCode)).toEqual({ line, isGood: line.includes(' 0 failed') });
});

it('reads a missing or half-written tally as a run that did not come to its end', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quinta-tally-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'tally.json');
  const nothing = { passed: 0, failed: 0, skipped: 0, isComplete: false };
  expect(readTally(path)).toEqual(nothing);
  writeFileSync(path, '{"passed": 3');
  expect(readTally(path)).toEqual(nothing);
  writeFileSync(path, JSON.stringify(whole));
  expect(readTally(path)).toEqual(whole);
});
