import { ruleSuite } from './rule-suite.ts';

ruleSuite('no-sleep', {
  breaks: {
    'every way to sleep': {
      files: {
        'services/mexa/test/story.test.ts': 'await new Promise((resolve) => setTimeout(resolve, 100));',
        'platform/src/http/a.test.ts': "import { setTimeout as pause } from 'node:timers/promises';",
        'platform/src/http/b.test.ts': 'await sleep(10);\nawait tools.delay(10);',
        'platform/test/c.ts': 'Atomics.wait(cell, 0, 0, 100);\nawait scheduler.wait(100);',
      },
      at: [
        'services/mexa/test/story.test.ts:1',
        'platform/src/http/a.test.ts:1',
        'platform/src/http/b.test.ts:1',
      ].concat(['platform/src/http/b.test.ts:2', 'platform/test/c.ts:1', 'platform/test/c.ts:2']),
    },
  },
  keeps: {
    'waiting for a condition, the poll itself, and code that is no test': {
      'services/mexa/test/story.test.ts': "await eventually(() => ready());\nit('waits', () => queue.wait('sleep'));",
      'platform/src/testing/eventually.ts': 'await new Promise((resolve) => setTimeout(resolve, 10));',
      'platform/src/resilience/retry.ts': 'await new Promise((resolve) => setTimeout(resolve, 10));',
    },
  },
});

ruleSuite('no-skip', {
  breaks: {
    'every way to hide a test': {
      files: {
        'a.test.ts': [
          "it.skip('a', () => {});",
          "describe.only('b', () => {});",
          "test.todo('c');",
          "it.only.each([1])('d', () => {});",
          "it.skipIf(process.platform === 'win32')('e', () => {});",
          "describe.runIf(real.unreachable)('f', () => {});",
          "it('g', (context) => context.skip());",
          "it.fails('h', () => {});",
        ].join('\n'),
      },
      at: [1, 2, 3, 4, 5, 6, 7, 8].map((line) => `a.test.ts:${line}`),
    },
  },
  keeps: {
    'tests that run, and suites that the platform leaves out loudly': {
      'a.test.ts': [
        "it.each([1])('a', () => {});",
        'describe.skipIf(real.unreachable !== undefined)(real.name, () => {});',
        'reader.skip(4);',
        "export const text = 'it.skip(1)';",
      ].join('\n'),
      'platform/src/testing/servers.ts': "describe.skipIf(down)('a', () => {});",
    },
  },
});

ruleSuite('asserts', {
  breaks: {
    'files that assert nothing': {
      files: {
        'a.test.ts': "it('works', () => { run(); });",
        'b.test.ts': "// expect(1)\nexport const text = 'expect(1)';",
      },
      at: ['a.test.ts:1', 'b.test.ts:1'],
    },
  },
  keeps: {
    'expect, assert, properties and contract suites': {
      'a.test.ts': "it('a', () => { expect(1).toBe(1); });",
      'b.test.ts': 'assert.equal(1, 1);',
      'c.test.ts': 'fc.assert(property);',
      'd.test.ts': 'keyValueContract(openMemory);',
      'test/world.ts': 'export const world = 1;',
    },
  },
});
