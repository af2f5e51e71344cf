import { readFileSync, writeFileSync } from 'node:fs';

import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** How a run of the tests stands. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Whether the run came to its end; false in what a crash leaves behind. */
  readonly isComplete: boolean;
}

type UnhandledErrors = Parameters<NonNullable<Reporter['onTestRunEnd']>>[1];

const emptyTally: Tally = { passed: 0, failed: 0, skipped: 0, isComplete: false };

/**
 * Keeps a tally of the run in a file, up to date after each test, so that whoever started the run can still say what
 * happened when it is killed. A failed hook, a file that does not load, an unhandled error and a test that never
 * ended each count as one failed.
 */
export class TallyReporter implements Reporter {
  readonly #path: string;
  readonly #states = new Map<string, 'passed' | 'failed' | 'skipped'>();

  constructor(path: string) {
    this.#path = path;
  }

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state !== 'pending') this.#states.set(test.id, state);
    this.#write(0, false);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: UnhandledErrors): void {
    for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
      const { state } = test.result();
      this.#states.set(test.id, state === 'pending' ? 'failed' : state);
    }
    const hooks = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const brokenHooks = hooks.filter((holder) => holder.errors().length > 0).length;
    this.#write(brokenHooks + unhandled.length, true);
  }

  #write(failedElsewhere: number, isComplete: boolean): void {
    const states = [...this.#states.values()];
    const count = (wanted: string): number => states.filter((state) => state === wanted).length;
    const failed = count('failed') + failedElsewhere;
    const tally: Tally = { passed: count('passed'), failed, skipped: count('skipped'), isComplete };
    writeFileSync(this.#path, JSON.stringify(tally));
  }
}

/** The tally in a file; an empty, incomplete one where there is none, because the run died before its first test. */
export function readTally(path: string): Tally {
  try {
    const read: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof read === 'object' && read !== null ? { ...emptyTally, ...read } : emptyTally;
  } catch {
    return emptyTally;
  }
}

/**
 * What the run amounts to. A run that broke (it crashed, ran no test, or ended with an exit code that no test
 * explains) counts as one failed, so that whoever reads only the last line is not misled.
 */
export function verdictOf(tally: Tally, exitCode: number): { readonly line: string; readonly isGood: boolean } {
  const isBroken = !tally.isComplete || tally.passed + tally.failed === 0 || (exitCode !== 0 && tally.failed === 0);
  const failed = tally.failed + (isBroken ? 1 : 0);
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  return { line: `tests: ${tally.passed} passed, ${failed} failed${skipped}`, isGood: failed === 0 };
}
