import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CommandFolder, type CommandRun, makeCommandFolder } from '../platform/src/testing/command-folder.ts';

const main = path.join(import.meta.dirname, 'main.ts');
const page = path.join(import.meta.dirname, '..', 'docs', 'reference', 'benchmarks.md');
const patience = { timeout: 120_000, interval: 50 };
let place: CommandFolder;

beforeEach(() => {
  place = makeCommandFolder('quinta-bench-test-');
});
afterEach(() => place.remove());

const run = (...args: string[]): CommandRun => place.run(main, args);

const changedMs = (): number => statSync(page, { throwIfNoEntry: false })?.mtimeMs ?? 0;

describe('npm run bench', () => {
  it('measures, prints a page and JSON, and leaves nothing behind', async () => {
    const before = changedMs();
    const json = path.join(place.folder, 'figures.json');
    const only = ['--only', 'mexa,bare', '--only', 'idle'];
    const { status, stdout, stderr } = await run('--quick', ...only, '--rounds', '1', '--json', json).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr });
    expect(stdout).toContain('# Benchmarks');
    expect(stdout).toMatch(/\| MEXA +\| +64 \|/);
    const report = JSON.parse(readFileSync(json, 'utf8')) as { sections: { data: { name: string }[] }[] };
    expect(report.sections.map(({ data }) => data.map(({ name }) => name))).toEqual([
      ['mexa', 'bare'],
      ['mexa', 'statement', 'bare'],
    ]);
    expect(changedMs()).toBe(before);
    expect(readdirSync(place.folder)).toEqual(['figures.json']);
    expect(place.leftProcesses()).toEqual([]);
  });

  it('measures Move Acces', async () => {
    const json = path.join(place.folder, 'figures.json');
    // The sockets and the timing are measured by the same means, and take longest.
    const only = 'members-sessions,members-reads,members-tokens';
    const { status, stdout, stderr } = await run('--quick', '--only', only, '--json', json).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr });
    expect(stdout).toContain('# Benchmarks of Move Acces');
    const { sections } = JSON.parse(readFileSync(json, 'utf8')) as {
      sections: { readings: { bar: string; measured?: { median: number } }[]; faults: string[] }[];
    };
    expect(sections.flatMap(({ faults }) => faults)).toEqual([]);
    const readings = sections.flatMap((section) => section.readings);
    const measured = readings.filter((reading) => (reading.measured?.median ?? 0) > 0).map(({ bar }) => bar);
    expect(measured).toEqual(['sign-in', 'refresh', 'flood', 'token-check']);
    expect(place.leftProcesses()).toEqual([]);
    expect(readdirSync(place.folder)).toEqual(['figures.json']);
  });

  it('measures SOFIPO', async () => {
    const json = path.join(place.folder, 'figures.json');
    // Payments and the close of a day open more places, and take longest.
    const only = 'lending-reads,lending-engine,lending-outbox';
    const { status, stdout, stderr } = await run('--quick', '--only', only, '--json', json).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr });
    expect(stdout).toContain('# Benchmarks of SOFIPO');
    const { sections } = JSON.parse(readFileSync(json, 'utf8')) as {
      sections: { readings: { bar: string; measured?: { median: number } }[]; data: { name: string }[] }[];
    };
    const readings = sections.flatMap((section) => section.readings);
    const measured = readings.filter((reading) => (reading.measured?.median ?? 0) > 0).map(({ bar }) => bar);
    expect(measured).toEqual(['client-read', 'schedules']);
    const [reads, , outbox] = sections.map(({ data }) => data.map(({ name }) => name));
    expect(reads).toEqual(expect.arrayContaining(['bare', 'sofipo']));
    expect(outbox).toEqual(['embedded', 'pg-boss']);
    expect(place.leftProcesses()).toEqual([]);
    expect(readdirSync(place.folder)).toEqual(['figures.json']);
  });

  it('stops on SIGINT in the middle of a round and ends what it has started', async () => {
    const running = run('--quick', '--only', 'mexa,express,pgbench', '--rounds', '100');
    await vi.waitFor(() => expect(running.stderr()).toContain('round 1'), patience);
    process.kill(running.pid, 'SIGINT');
    const { status, stderr } = await running.ended;
    expect({ status, stderr }).toEqual({ status: 130, stderr });
    expect(stderr).toContain('Stopped');
    expect(place.leftProcesses()).toEqual([]);
    expect(readdirSync(place.folder)).toEqual([]);
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
