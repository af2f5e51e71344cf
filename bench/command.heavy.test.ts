import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const main = path.join(import.meta.dirname, 'main.ts');
const page = path.join(import.meta.dirname, '..', 'docs', 'reference', 'benchmarks.md');
const patience = { timeout: 120_000, interval: 50 };
let folder = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'quinta-bench-test-')));
  chmodSync(folder, 0o755); // as root, PostgreSQL runs as somebody else
});

afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

interface Run {
  readonly pid: number;
  readonly ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
  stderr(): string;
}

/** The command with its temporary files in a folder of the test. */
function run(...args: string[]): Run {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Awaited<Run['ended']>>((resolve) => {
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { pid: child.pid ?? NaN, ended, stderr: () => stderr };
}

/** Processes whose arguments or variables name the test's folder, as the socket of a database does; where one can see. */
function leftProcesses(): readonly string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8') + readFileSync(`/proc/${name}/environ`, 'utf8');
      } catch {
        return ''; // it has ended since, or is somebody else's
      }
    })
    .filter((text) => text.includes(folder) || text.includes(encodeURIComponent(folder)));
}

const changedMs = (): number => statSync(page, { throwIfNoEntry: false })?.mtimeMs ?? 0;

describe('npm run bench', () => {
  it('measures, prints a page and JSON, and leaves nothing behind', async () => {
    const before = changedMs();
    const json = path.join(folder, 'figures.json');
    const only = ['--only', 'mexa,bare', '--only', 'idle'];
    const { status, stdout, stderr } = await run('--quick', ...only, '--rounds', '1', '--json', json).ended;
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toContain('# Benchmarks');
    expect(stdout).toMatch(/\| MEXA +\| +64 \|/);
    const report = JSON.parse(readFileSync(json, 'utf8')) as { sections: { data: { name: string }[] }[] };
    expect(report.sections.map(({ data }) => data.map(({ name }) => name))).toEqual([
      ['mexa', 'bare'],
      ['mexa', 'statement', 'bare'],
    ]);
    expect(changedMs()).toBe(before);
    expect(readdirSync(folder)).toEqual(['figures.json']);
    expect(leftProcesses()).toEqual([]);
  });

  it.each(['starting: express', 'round 1'])('stops on SIGINT at "%s" and ends what it has started', async (moment) => {
    const running = run('--quick', '--only', 'mexa,express,pgbench', '--rounds', '100');
    await vi.waitFor(() => expect(running.stderr()).toContain(moment), patience);
    process.kill(running.pid, 'SIGINT');
    const { status, stderr } = await running.ended;
    expect({ status, stderr }).toMatchObject({ status: 130 });
    expect(stderr).toContain('Stopped');
    expect(leftProcesses()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [['--help'], 0, 'Usage|npm run bench'],
    [['--only', 'rust'], 2, '--only names "rust"'],
    [['--rounds', 'many'], 2, '--rounds is "many"'],
  ])('%j ends at once', async (args, expected, said) => {
    const { status, stdout, stderr } = await run(...args).ended;
    expect(status).toBe(expected);
    expect(stdout + stderr).toMatch(new RegExp(said));
  });
});
