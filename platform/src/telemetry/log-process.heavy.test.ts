/** What a process leaves behind when it ends: real child processes, real pipes and files. */

import { execFile, type ExecFileOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('fixtures/log-lines.ts', import.meta.url));
const bounded: ExecFileOptions = { timeout: 30_000, maxBuffer: 64 * 1024 * 1024 };

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quinta-log-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<string> {
  const ended = promisify(execFile)(process.execPath, [script, ...args], bounded);
  const { stdout } = await ended.catch((cause: unknown) => {
    // A process that ends by an uncaught error has still told us what it wrote.
    if (cause instanceof Error && 'stdout' in cause && 'killed' in cause && cause.killed === false) {
      return { stdout: cause.stdout };
    }
    throw cause;
  });
  return String(stdout);
}

function numbersIn(text: string): unknown[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { line: number }).line);
}

function inOrder(numbers: readonly unknown[]): unknown[] {
  return numbers.toSorted((a, b) => Number(a) - Number(b));
}

const thousand = Array.from({ length: 1000 }, (_, line) => line);

test.each(['natural', 'close', 'exit', 'uncaught'])(
  '1,000 lines and an end that is %s: all are there',
  async (ending) => {
    const numbers = numbersIn(await run('1000', ending, folder));
    // An exit in the middle of a write may swap two blocks, but loses none.
    expect(ending === 'close' ? numbers : inOrder(numbers)).toEqual(thousand);
    const inFile = numbersIn(readFileSync(join(folder, 'mexa.log'), 'utf8'));
    expect(inOrder(inFile)).toEqual(thousand);
  },
);

test.each(['natural', 'exit'])('a reader that went away does not hold a process that ends by %s', async (ending) => {
  const child = spawn(process.execPath, [script, '20000', ending], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 30_000,
  });
  child.stdout.destroy();
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: 0, signal: null });
});

test.each(['natural', 'exit', 'close'])(
  'a full disk behind stdout does not hold a process that ends by %s',
  async (ending) => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [script, '2000', ending], {
      stdio: ['ignore', full, 'pipe'],
      timeout: 30_000,
    });
    closeSync(full);
    let warnings = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      warnings += chunk.toString();
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(warnings.match(/log lines for stdout are being dropped/g)).toHaveLength(1);
  },
);

test('four processes on one file that is rotated all the while lose no line', async () => {
  await Promise.all(Array.from({ length: 4 }, () => run('1000', 'close', folder, '20000')));
  const { stdout } = await promisify(execFile)('sh', ['-c', 'cat "$0"/mexa.log*', folder], bounded);
  const numbers = numbersIn(String(stdout));
  const expected = thousand.flatMap((line) => [line, line, line, line]);
  expect(inOrder(numbers)).toEqual(expected);
});
