import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Runs `tools/test.ts` on a house of its own, whose tests are the files given. */
function runTests(
  folder: string,
  files: Readonly<Record<string, string>>,
): { lastLine: string; exitCode: number | null } {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const config = join(folder, 'vitest.config.ts');
  if (!('vitest.config.ts' in files))
    writeFileSync(config, "export default { test: { globals: true, pool: 'forks', fileParallelism: false } };");
  const tool = join(import.meta.dirname, 'test.ts');
  const run = spawnSync(process.execPath, [tool, '--root', folder, '--config', config], { encoding: 'utf8', env: {} });
  return { lastLine: run.stdout.trimEnd().split('\n').at(-1) ?? '', exitCode: run.status };
}

const good = "it('is good', () => { expect(1).toBe(1); });";
const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ['passed', { 'a.test.ts': good, 'b.test.ts': good }, 'tests: 2 passed, 0 failed'],
  ['failed', { 'a.test.ts': `${good} it('is bad', () => { expect(1).toBe(2); });` }, 'tests: 1 passed, 1 failed'],
  ['skipped', { 'a.test.ts': `${good} it.skip('is left out', () => {});` }, 'tests: 1 passed, 0 failed, 1 skipped'],
  ['nothing but skipped', { 'a.test.ts': "it.skip('a', () => {});" }, 'tests: 0 passed, 1 failed, 1 skipped'],
  ['no test file', {}, 'tests: 0 passed, 1 failed'],
  ['a file without tests', { 'a.test.ts': good, 'b.test.ts': 'export {};' }, 'tests: 1 passed, 1 failed'],
  [
    'files that do not parse',
    { 'a.test.ts': good, 'b.test.ts': 'const = ;', 'c.test.ts': 'const = ;' },
    'tests: 1 passed, 2 failed',
  ],
  [
    'hooks that fail',
    {
      'a.test.ts': `${good} beforeAll(() => { throw new Error('no'); });`,
      'b.test.ts': `describe('x', () => { beforeAll(() => { throw new Error('no'); }); ${good} }); ${good}`,
    },
    'tests: 1 passed, 2 failed, 2 skipped',
  ],
  [
    'an error that nobody caught',
    { 'a.test.ts': `it('leaks', () => { expect(1).toBe(1); void Promise.reject(new Error('lost')); });` },
    'tests: 1 passed, 1 failed',
  ],
  [
    // Its two tests never ended, and the death itself is an error.
    'a worker that dies',
    { 'a.test.ts': `${good} it('dies', () => { process.kill(process.pid, 'SIGKILL'); });` },
    'tests: 0 passed, 3 failed',
  ],
  [
    'vitest itself that dies',
    {
      'a.test.ts': `it('kills', async () => { process.kill(process.ppid, 'SIGKILL'); await new Promise(() => {}); });`,
    },
    'tests: 0 passed, 1 failed',
  ],
  [
    'vitest itself that dies after one file has failed and one has passed',
    {
      // The largest file runs first.
      'a.test.ts': `it('fails', () => { expect(1).toBe(2); }); // ${'.'.repeat(20_000)}`,
      'b.test.ts': `${good} // ${'.'.repeat(10_000)}`,
      'c.test.ts': `it('kills', async () => { process.kill(process.ppid, 'SIGKILL'); await new Promise(() => {}); });`,
    },
    'tests: 1 passed, 2 failed',
  ],
  [
    'a broken configuration',
    { 'a.test.ts': good, 'vitest.config.ts': 'export default nothing;' },
    'tests: 0 passed, 1 failed',
  ],
];

describe('the last line of npm test', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quinta-tally-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each(cases)('tells of %s', (_, files, line) => {
    const { lastLine, exitCode } = runTests(folder, files);
    expect(lastLine).toBe(line);
    expect(exitCode).toBe(line.includes(' 0 failed') ? 0 : 1);
  });
});
