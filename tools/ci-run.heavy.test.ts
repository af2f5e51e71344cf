import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let house = '';

beforeEach(() => {
  house = mkdtempSync(join(tmpdir(), 'quinta ci '));
  for (const folder of ['.ci', 'bin']) mkdirSync(join(house, folder));
  copyFileSync(join(import.meta.dirname, '../.ci/run'), join(house, '.ci/run'));
});

afterEach(() => rmSync(house, { recursive: true, force: true }));

/** Runs `.ci/run` in a house with servers and an npm of our own. */
function runCi(script: { readonly servers?: string; readonly check: string; readonly test: string }): {
  readonly lines: readonly string[];
  readonly exitCode: number | null;
} {
  writeFileSync(join(house, '.ci/servers'), `need_servers() { ${script.servers ?? ':'}; }\n`);
  const npm = `#!/usr/bin/env bash\ncase "$*" in\n*check*) ${script.check} ;;\n*test*) ${script.test} ;;\nesac\n`;
  writeFileSync(join(house, 'bin/npm'), npm);
  chmodSync(join(house, 'bin/npm'), 0o755);
  const path = `${join(house, 'bin')}:${process.env['PATH'] ?? ''}`;
  const run = spawnSync('bash', ['.ci/run'], {
    cwd: house,
    encoding: 'utf8',
    env: { PATH: path },
    timeout: 30_000,
    input: 'typed',
  });
  return { lines: run.stdout.trimEnd().split('\n'), exitCode: run.status };
}

describe('.ci/run', () => {
  it('ends with the line of the tests, once, whatever is printed behind it', () => {
    const { lines, exitCode } = runCi({
      check: 'echo gate good',
      test: 'echo running; echo "tests: 7 passed, 0 failed, 2 skipped"; echo late noise >&2',
    });
    expect(lines).toEqual(['gate good', 'running', 'late noise', 'tests: 7 passed, 0 failed, 2 skipped']);
    expect(exitCode).toBe(0);
  });

  it('requires the real servers and asks for no input', () => {
    const { lines } = runCi({ check: 'cat', test: 'echo "real $QUINTA_TEST_REQUIRE_REAL CI $CI"' });
    expect(lines[0]).toBe('real 1 CI true');
  });

  it('runs the tests and fails when the gate fails', () => {
    const { lines, exitCode } = runCi({ check: 'echo bad; exit 1', test: 'echo "tests: 7 passed, 0 failed"' });
    expect(lines.at(-1)).toBe('tests: 7 passed, 0 failed');
    expect(exitCode).toBe(1);
  });

  it('fails when a test fails', () => {
    const { lines, exitCode } = runCi({ check: ':', test: 'echo "tests: 6 passed, 1 failed"; exit 1' });
    expect(lines.at(-1)).toBe('tests: 6 passed, 1 failed');
    expect(exitCode).toBe(1);
  });

  it.each(['exit 0', 'exit 3', 'kill -9 $$'])('counts a run that says nothing as a failure: %s', (test) => {
    const { lines, exitCode } = runCi({ check: ':', test });
    expect(lines.at(-1)).toBe('tests: 0 passed, 1 failed');
    expect(exitCode).toBe(1);
  });

  it('does not wait for what a test left behind', () => {
    const orphan = 'sleep 120 & echo "orphan $!"';
    const { lines, exitCode } = runCi({ check: ':', test: `${orphan}; echo "tests: 1 passed, 0 failed"` });
    process.kill(Number(/^orphan (\d+)$/.exec(lines[0] ?? '')?.[1]));
    expect(lines.at(-1)).toBe('tests: 1 passed, 0 failed');
    expect(exitCode).toBe(0);
  });

  it('says which server is missing, and fails', () => {
    const { lines, exitCode } = runCi({ servers: 'fail "RabbitMQ is not installed."', check: ':', test: ':' });
    expect(lines).toEqual(['ci: RabbitMQ is not installed.', 'tests: 0 passed, 1 failed']);
    expect(exitCode).toBe(1);
  });
});
