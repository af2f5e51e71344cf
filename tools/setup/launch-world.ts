import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';

const checkout = join(import.meta.dirname, '..', '..');
const patience = { timeout: 30_000, interval: 10 };

/** What stands for every task: tells what it was given, and ends as it is asked to. */
const taskScript = `
const [command, value] = process.argv.slice(2).filter((arg) => arg !== 'start' && !arg.startsWith('--'));
const signals: string[] = [];
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {
  signals.push(signal);
  console.log('got ' + signal);
  if (signals.length === Number(value)) process.exit(9);
});
const [first] = (process.env.PATH ?? '').split(':');
if (command === 'tell') console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), first, node: process.env.FAKE_NODE }));
if (command === 'exit') process.exit(Number(value));
if (command === 'die') process.kill(process.pid, 'SIGKILL');
if (command === 'wait') { console.log('waiting'); setInterval(() => undefined, 1000); }
`;

/**
 * Stands for npm where a test must hold it or count it: notes that it began and ended, waits while the file \`hold\` is
 * there, and leaves npm's record like the real one. Two at the same time are noted too.
 */
const npmScript = `
const fs = require('node:fs');
const note = (word) => fs.appendFileSync('npm.log', word + '\\n');
if (fs.existsSync('busy')) note('overlap');
// Whole from the first moment: who waits for the file reads the number in it.
fs.writeFileSync('busy.draft', String(process.pid));
fs.renameSync('busy.draft', 'busy');
note('begin');
fs.rmSync('node_modules', { recursive: true, force: true });
const work = () => {
  if (fs.existsSync('hold')) return void setTimeout(work, 10);
  if (fs.existsSync('fail')) { console.log('line one'); console.error('npm error no such package'); process.exitCode = 1; }
  else {
    fs.mkdirSync('node_modules');
    fs.cpSync('package-lock.json', 'node_modules/.package-lock.json');
  }
  fs.rmSync('busy');
  note('end');
};
work();
`;

export interface Copy {
  readonly root: string;
  /** A file in the copy. */
  write(path: string, text: string): void;
  remove(path: string): void;
  /** What the stand-in of npm has noted. */
  npmNotes(): readonly string[];
}

/** A checkout with the real launcher, one tiny package, and tasks that only tell. The path has spaces. */
export function copyOfCheckout(): Copy {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'quinta-setup-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));
  const root = join(base, 'my own checkout');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const path of ['tools/setup', 'apps/cli/bin'])
    cpSync(join(checkout, path), join(root, path), { recursive: true });
  writePackage(write, '', { tiny: 'file:tiny' });
  write('tiny/package.json', '{"name":"tiny","version":"1.0.0"}');
  for (const path of ['apps/cli/src/main.ts', 'tools/test.ts']) write(path, taskScript);
  write('npm/npm-cli.js', npmScript);
  write('npm/package.json', '{"type":"commonjs"}');
  return {
    root,
    write,
    remove: (path) => rmSync(join(root, path), { recursive: true, force: true }),
    npmNotes: () =>
      existsSync(join(root, 'npm.log')) ? readFileSync(join(root, 'npm.log'), 'utf8').trim().split('\n') : [],
  };
}

/** A package.json and the lock of it, whose dependencies are folders, so that npm needs no network. */
export function writePackage(
  write: (path: string, text: string) => void,
  folder: string,
  dependencies: Readonly<Record<string, string>>,
): void {
  const manifest = { name: 'copy', version: '1.0.0', private: true, type: 'module', dependencies };
  const linked = Object.entries(dependencies).flatMap(([name, path]) => [
    [`node_modules/${name}`, { resolved: path.slice('file:'.length), link: true }],
    [path.slice('file:'.length), { version: '1.0.0' }],
  ]);
  const lock = { name: 'copy', version: '1.0.0', lockfileVersion: 3, requires: true };
  write(join(folder, 'package.json'), JSON.stringify(manifest));
  write(
    join(folder, 'package-lock.json'),
    JSON.stringify({ ...lock, packages: { '': manifest, ...(Object.fromEntries(linked) as object) } }),
  );
}

export interface Run {
  readonly child: ChildProcess;
  /** What has been written so far. */
  readonly output: { stdout: string; stderr: string };
  /** The exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

export interface RunOptions {
  /** The real npm on the PATH, instead of the stand-in. */
  readonly isNpmReal?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Instead of tools/setup/run.mjs. */
  readonly script?: string;
}

/** Starts the launcher of the copy; ended with the test. */
export function launch(copy: Copy, args: readonly string[], options: RunOptions = {}): Run {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^VITEST/i.test(name));
  const npm = options.isNpmReal === true ? {} : { npm_execpath: join(copy.root, 'npm', 'npm-cli.js') };
  const child = spawn(process.execPath, [options.script ?? join(copy.root, 'tools/setup/run.mjs'), ...args], {
    cwd: options.cwd ?? copy.root,
    env: { ...Object.fromEntries(inherited), ...npm, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code));
  });
  return { child, output, ended };
}

/** Runs the launcher to its end. */
export async function run(
  copy: Copy,
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number | NodeJS.Signals | null; readonly stdout: string; readonly stderr: string }> {
  const started = launch(copy, args, options);
  const code = await started.ended;
  return { code, ...started.output };
}

export async function waitForFile(copy: Copy, path: string): Promise<void> {
  await vi.waitFor(() => expect(existsSync(join(copy.root, path))).toBe(true), patience);
}

export async function waitForText(started: Run, text: string): Promise<void> {
  await vi.waitFor(() => expect(started.output.stdout + started.output.stderr).toContain(text), patience);
}

/** The process of npm's stand-in. */
export function npmPid(copy: Copy): number {
  return Number(readFileSync(join(copy.root, 'busy'), 'utf8'));
}

export function isAlive(pid: number): boolean {
  try {
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return process.kill(pid, 0) && !/\) Z /.test(stat);
  } catch {
    return false;
  }
}
