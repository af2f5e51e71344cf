import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const dockerfile = textOf('Dockerfile');
const ignored = textOf('Dockerfile.dockerignore');
const [, , finalStage = ''] = dockerfile.split(/^FROM /m).slice(1);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quinta-image-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function textOf(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

/** The folders that the last stage copies from the checkout. */
const copied = [...finalStage.matchAll(/^COPY (\w+) \.\/(\w+)$/gm)].map(([, from = '', to = '']) => ({ from, to }));

/** Whether a path of the checkout stays out of the image by a line `**\/name` or `**\/*.ending`. */
function isIgnored(file: string): boolean {
  const names = [...ignored.matchAll(/^\*\*\/(.+)$/gm)].map(([, name = '']) => name);
  return names.some((name) => (name.startsWith('*') ? file.endsWith(name.slice(1)) : path.basename(file) === name));
}

function run(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, words, { env: { ...env }, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: `${stdout}${stderr}`.trim() }),
    );
  });
}

test('what is copied into the image is enough for the command, and holds no tests', async () => {
  expect(copied.map(({ from }) => from)).toEqual(['platform', 'services', 'apps']);
  for (const { from, to } of copied) {
    const allowed = new RegExp(`^!${from}$`, 'm');
    expect(ignored).toMatch(allowed);
    cpSync(path.join(root, from), path.join(folder, to), { recursive: true, filter: (file) => !isIgnored(file) });
  }
  linkPackages();
  expect(readdirSync(path.join(folder, 'services/sofipo'))).toEqual(expect.arrayContaining(['migrations', 'src']));
  expect(readdirSync(path.join(folder, 'services/sofipo'))).not.toContain('test');
  const { code, output } = await run(['apps/cli/src/main.ts', '--help'], { PATH: '' });
  expect([code, output]).toEqual([0, expect.stringContaining('Usage: quinta')]);
});

/** The packages of the checkout, with those of the house in the image's own folders. */
function linkPackages(): void {
  const packages = path.join(root, 'node_modules');
  mkdirSync(path.join(folder, 'node_modules/@quinta'), { recursive: true });
  for (const name of readdirSync(packages)) {
    if (name !== '@quinta') symlinkSync(path.join(packages, name), path.join(folder, 'node_modules', name));
  }
  const members = ['platform', ...['services', 'apps'].flatMap(foldersIn)];
  for (const member of members) {
    const name = path.join('node_modules/@quinta', path.basename(member));
    symlinkSync(path.join(folder, member), path.join(folder, name));
  }
}

function foldersIn(parent: string): string[] {
  return readdirSync(path.join(folder, parent)).map((name) => `${parent}/${name}`);
}

test('it runs as nobody special, on Node 24, and stops on SIGTERM', () => {
  expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual(Array(3).fill('node:24-slim'));
  expect(finalStage).toMatch(/^USER node$/m);
  expect(finalStage).toMatch(/^STOPSIGNAL SIGTERM$/m);
  expect(finalStage).toMatch(/^ENTRYPOINT \["quinta"\]$/m);
  expect(finalStage.indexOf('USER node')).toBeGreaterThan(finalStage.lastIndexOf('RUN '));
});

test.each([
  [200, 0],
  [404, 0],
  [500, 1],
  [undefined, 1],
])('the health check meets status %s with exit status %s', async (status, code) => {
  const [, json = '[]'] = /^ {2}CMD (\[.*\])$/m.exec(finalStage) ?? [];
  const [program, ...words] = JSON.parse(json) as string[];
  expect(program).toBe('node');
  const server = createServer((_, response) => response.writeHead(status ?? 200).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  if (status === undefined) server.close();
  expect(await run(words, { PORT: String(port) })).toEqual({ code, output: '' });
  server.close();
});
