import { calleeNames, type CodeFile, findInCode, type Report, walk } from './code.ts';
import type { Rule } from './rule.ts';
import { isTest } from './tree.ts';

const runners = new Set(['it', 'test', 'describe', 'suite', 'bench']);
const selectors = new Set(['skip', 'only', 'todo', 'skipIf', 'runIf', 'fails']);
const contexts = new Set(['context', 'ctx', 't', 'task']);
const sleepers = new Set(['setTimeout', 'sleep', 'delay']);
const waiters = new Set(['Atomics.wait', 'Atomics.waitAsync', 'scheduler.wait']);

/** A suite may be left out where the platform found no server and said so; with QUINTA_TEST_REQUIRE_REAL it fails. */
const asksThePlatform = /\.unreachable\b/;

/** The waiting and the choosing of real parts live in the platform's testing folder, once, and bounded. */
const isOrdinaryTest = (path: string): boolean => isTest(path) && !path.startsWith('platform/src/testing/');
const isTestFile = (path: string): boolean => /\.test\.[cm]?tsx?$/.test(path);

export const testRules: readonly Rule[] = [
  {
    name: 'no-sleep',
    holds: 'Tests wait for a condition with a bounded poll of the platform; they never sleep.',
    find: (tree) => findInCode(tree, isOrdinaryTest, reportSleep),
  },
  {
    name: 'no-skip',
    holds: 'No test is skipped, focused or expected to fail; what needs a real part asks the platform for it.',
    find: (tree) => findInCode(tree, isOrdinaryTest, reportSelection),
  },
  {
    name: 'asserts',
    holds: 'Every test file asserts something: expect, assert, or a contract suite that does.',
    find: (tree) => findInCode(tree, isTestFile, reportEmpty),
  },
];

function reportSleep(file: CodeFile, report: Report): void {
  walk(file, {
    Identifier({ name, start }) {
      if (sleepers.has(name)) report(start, `${name} sleeps; wait for the condition itself`);
    },
    CallExpression({ callee, start }) {
      const name = calleeNames(callee).join('.');
      if (waiters.has(name)) report(start, `${name} sleeps; wait for the condition itself`);
    },
  });
}

function reportSelection(file: CodeFile, report: Report): void {
  walk(file, {
    CallExpression({ callee, arguments: given, start }) {
      if (callee.type === 'CallExpression') return; // `it.skipIf(…)('name', …)`: the inner call is looked at
      const [first = '', ...rest] = calleeNames(callee);
      const isHidden = runners.has(first) ? rest.some((name) => selectors.has(name)) : isContextSkip(first, rest);
      const condition = given.map((argument) => file.text.slice(argument.start, argument.end)).join(' ');
      const isAnnounced = rest.includes('skipIf') && asksThePlatform.test(condition);
      if (isHidden && !isAnnounced) report(start, `${[first, ...rest].join('.')} hides a test`);
    },
  });
}

function isContextSkip(first: string, rest: readonly string[]): boolean {
  return contexts.has(first) && rest[0] === 'skip';
}

function reportEmpty(file: CodeFile, report: Report): void {
  let asserts = false;
  walk(file, {
    CallExpression({ callee }) {
      asserts ||= calleeNames(callee).some((name) => /^(expect|assert)|(contract|suite)$/i.test(name));
    },
  });
  if (!asserts) report(0, 'nothing in this file asserts anything');
}
