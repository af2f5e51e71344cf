import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** A copy of the set-up in a folder with a space, whose packages need no network, and whose task is a script of ours. */
let root: string;

beforeEach(() => {
  root = path.join(mkdtempSync(path.join(tmpdir(), 'quinta-setup-')), 'a clone');
  mkdirSync(path.join(root, 'dependency'), { recursive: true });
  cpSync(import.meta.dirname, path.join(root, 'tools/setup'), { recursive: true });
  write('dependency/package.json', JSON.stringify({ name: 'dependency', version: '1.0.0' }));
  write(
    'package.json',
    JSON.stringify({ name: 'x', version: '1.0.0', dependencies: { dependency: 'file:dependency' } }),
  );
  write('package-lock.json', JSON.stringify(lockOf('1.0.0')));
  write('tools/generate.ts', "console.log('ran', process.argv.slice(2).join(' ')); process.exitCode = 7;");
});
afterEach(() => rmSync(path.dirname(root), { recursive: true, force: true }));

test('packages are installed once, the task runs with its words and its exit status is ours', async () => {
  const first = await run('generate', 'a', 'b c');
  expect(first).toMatchObject({ status: 7, out: 'ran a b c\n' });
  expect(first.err).toContain('Installing packages');
  expect(existsSync(path.join(root, 'node_modules/dependency/package.json'))).toBe(true);
  const second = await run('generate');
  expect(second).toMatchObject({ status: 7, out: 'ran \n', err: '' });
});

test('packages are installed again when they are gone, or the lock has changed', async () => {
  await run('generate');
  rmSync(path.join(root, 'node_modules'), { recursive: true });
  expect((await run('generate')).err).toContain('Installing packages');
  write('package-lock.json', JSON.stringify(lockOf('1.0.0'), undefined, 1));
  expect((await run('generate')).err).toContain('Installing packages');
});

test('of two at once one installs and the other waits for it', async () => {
  const [left, right] = await Promise.all([run('generate'), run('generate')]);
  expect([left.status, right.status]).toEqual([7, 7]);
  expect(`${left.err}${right.err}`.match(/Installing packages/g)).toHaveLength(1);
});

test('a lock whose owner was killed is taken over', async () => {
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  write('.quinta-setup.lock', JSON.stringify({ pid: dead.pid, started: '1', nonce: 'x' }));
  expect(await run('generate')).toMatchObject({ status: 7 });
  expect(existsSync(path.join(root, '.quinta-setup.lock'))).toBe(false);
});

test('a lock whose pid now belongs to another process is taken over', async () => {
  write('.quinta-setup.lock', JSON.stringify({ pid: process.pid, started: 'long ago', nonce: 'x' }));
  expect(await run('generate')).toMatchObject({ status: 7 });
});

test('what npm said is shown where it fails', async () => {
  write('package-lock.json', '{ "lockfileVersion": 3, "packages": {} }');
  const failed = await run('generate');
  expect(failed.status).toBe(1);
  expect(failed.err).toContain('npm could not install the packages');
  expect(failed.err).toContain('in sync');
  expect(failed.out).toBe('');
});

test('an unknown task is refused with the list of those there are', async () => {
  const refused = await run('fly');
  expect(refused.status).toBe(2);
  expect(refused.err).toMatch(/no task "fly".*start, test/);
});

test('signals reach the task, and the launcher ends after it, with its status', async () => {
  const script = "process.on('SIGTERM', () => { console.log('draining'); setTimeout(() => process.exit(5), 100); });";
  write('tools/generate.ts', `${script} console.log('ready'); setInterval(() => {}, 1000);`);
  await run('check'); // installs; the task itself is not there
  const child = launch('generate');
  const out = collect(child);
  await out.until('ready');
  child.kill('SIGTERM');
  child.kill('SIGTERM'); // npm forwards what the process group has got already
  const [status] = (await once(child, 'exit')) as [number];
  expect(status).toBe(5);
  expect(out.text()).toContain('draining');
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

function lockOf(version: string): object {
  return {
    name: 'x',
    version,
    lockfileVersion: 3,
    packages: {
      '': { name: 'x', version, dependencies: { dependency: 'file:dependency' } },
      dependency: { version: '1.0.0' },
      'node_modules/dependency': { resolved: 'dependency', link: true },
    },
  };
}

function launch(...words: string[]): ChildProcess {
  return spawn(process.execPath, [path.join(root, 'tools/setup/run.mjs'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(...words: string[]): Promise<{ status: number | null; out: string; err: string }> {
  const child = launch(...words);
  const out = collect(child);
  const err = collect(child, 'stderr');
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out: out.text(), err: err.text() };
}

function collect(
  child: ChildProcess,
  stream: 'stdout' | 'stderr' = 'stdout',
): { text(): string; until(part: string): Promise<void> } {
  let text = '';
  const seen: (() => void)[] = [];
  child[stream]?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (const look of seen) look();
  });
  return {
    text: () => text,
    until: (part) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.includes(part)) resolve();
        };
        seen.push(look);
        child.once('exit', () => reject(new Error(`ended before it said ${part}`)));
        look();
      }),
  };
}
