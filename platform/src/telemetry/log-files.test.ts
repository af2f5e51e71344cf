import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLog, type ServiceLog } from './index.ts';

const silent = { write: () => undefined };

let folder = '';
let opened: ServiceLog[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quinta-log-'));
});

afterEach(async () => {
  await Promise.all(opened.map((log) => log.close()));
  opened = [];
  await rm(folder, { recursive: true, force: true });
});

function open(options: Partial<Parameters<typeof createLog>[0]> = {}): ServiceLog {
  const log = createLog({ service: 'mexa', level: 'DEBUG', directory: folder, destination: silent, ...options });
  opened.push(log);
  return log;
}

function messages(file: string): unknown[] {
  return readFileSync(join(folder, file), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { message: string }).message);
}

test('all levels go to one file, errors to another too', async () => {
  const log = open({ directory: join(folder, 'deep', 'logs'), fileName: 'app' });
  log.debug({}, 'one');
  log.error({}, 'two');
  await log.flush();
  expect(messages('deep/logs/app.log')).toEqual(['one', 'two']);
  expect(messages('deep/logs/app-error.log')).toEqual(['two']);
  expect(statSync(join(folder, 'deep/logs/app.log')).mode & 0o777).toBe(0o640);
});

test('a line is in the file soon, without a flush', async () => {
  open().info({}, 'soon');
  await vi.waitFor(() => expect(messages('mexa.log')).toEqual(['soon']), { timeout: 5000 });
});

test('a full file begins anew, and only so many old ones stay', async () => {
  const log = open({ rotation: { bytesMax: 1000, filesMax: 3 } });
  for (let line = 0; line < 100; line += 1) {
    log.info({}, `line ${line}`);
    await log.flush();
  }
  const rotated = readdirSync(folder)
    .filter((file) => file.startsWith('mexa.log.'))
    .toSorted();
  expect(rotated).toHaveLength(3);
  for (const file of [...rotated, 'mexa.log']) {
    expect(statSync(join(folder, file)).size).toBeLessThanOrEqual(1000);
  }
  const kept = [...rotated, 'mexa.log'].flatMap(messages);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `line ${100 - kept.length + index}`));
  expect(kept.length).toBeGreaterThan(30);
  expect(existsSync(join(folder, 'mexa-error.log'))).toBe(true);
});

test('a file that somebody else rotated or removed is followed', async () => {
  const log = open();
  log.info({}, 'one');
  await log.flush();
  await rename(join(folder, 'mexa.log'), join(folder, 'mexa.log.1'));
  await writeFile(join(folder, 'mexa.log'), '');
  log.info({}, 'two');
  await log.flush();
  expect([messages('mexa.log.1'), messages('mexa.log')]).toEqual([['one'], ['two']]);
  await rm(folder, { recursive: true });
  log.info({}, 'three');
  await log.flush();
  expect(messages('mexa.log')).toEqual(['three']);
  expect(log.droppedLines).toBe(0);
});

test('a folder that cannot be written stops the start with the path and the reason', async () => {
  await writeFile(join(folder, 'a-file'), '');
  expect(() => open({ directory: join(folder, 'a-file', 'logs') })).toThrow(
    /^Cannot write the log file .*a-file\/logs\/mexa\.log: ENOTDIR/,
  );
});

test('a full disk drops and counts lines while the service goes on, and ends when there is space', async () => {
  await symlink('/dev/full', join(folder, 'mexa.log'));
  const log = open();
  log.info({}, 'lost');
  log.info({}, 'lost too');
  await log.flush();
  expect(log.droppedLines).toBe(2);
  await rm(join(folder, 'mexa.log'));
  log.info({}, 'kept');
  await log.flush();
  expect(messages('mexa.log')).toEqual(['kept']);
  expect(log.droppedLines).toBe(2);
});

test('lines after the close reach stdout alone, and count as dropped for the files', async () => {
  const log = open();
  log.info({}, 'before');
  await log.close();
  log.info({}, 'after');
  expect(messages('mexa.log')).toEqual(['before']);
  expect(log.droppedLines).toBe(1);
});
