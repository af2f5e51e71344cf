import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMigrationFile } from './migration-file.ts';
import { checkLock, lockMigrations } from './lock-file.ts';
import { loadStreams, type MigrationStream } from './stream.ts';
import { createFolder, refusal, removeFolder, textOf } from './test/world.ts';

let folder: URL;
beforeEach(async () => {
  folder = await createFolder();
});
afterEach(() => removeFolder(folder));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(new URL(name, folder), text);
}

const shop = (only?: readonly string[]): MigrationStream => ({ name: 'shop', folder, ...(only ? { only } : {}) });
const good = textOf({});

describe('a folder of migrations', () => {
  it('is read in the order of the numbers, without the tests and locks beside them', async () => {
    await write({ 'v002_b.ts': good, 'v001_a.ts': good, 'v001_a.test.ts': '', 'lock.json': '{}', 'README.md': '' });
    const loaded = await loadStreams([shop()]);
    expect(loaded.map((migration) => [migration.name, migration.number])).toEqual([
      ['v001_a', 1],
      ['v002_b', 2],
    ]);
  });

  it('may be given without a slash at its end', async () => {
    await write({ 'v001_a.ts': good });
    const bare = new URL(folder.href.slice(0, -1));
    expect(await loadStreams([{ name: 'shop', folder: bare }])).toHaveLength(1);
  });

  it.each([
    [
      'a number that is there twice',
      { 'v001_a.ts': good, 'v001_b.ts': good },
      'v001_a and v001_b have the same number',
    ],
    ['a gap', { 'v001_a.ts': good, 'v003_c.ts': good }, 'v003_c stands where v002_… should'],
    ['a gap at the start', { 'v002_b.ts': good }, 'v002_b stands where v001_… should'],
    ['two letters', { 'p001_a.ts': good, 'v002_b.ts': good }, 'start with different letters'],
    ['a bad name', { 'v1_a.ts': good }, 'v1_a.ts is no name for a migration'],
    ['a file without the export', { 'v001_a.ts': 'export const other = 1;' }, 'shop/v001_a exports no `migration`'],
    ['a migration without a reason', { 'v001_a.ts': good.replace('A test needs it.', ' ') }, 'exports no `migration`'],
    ['a file that does not run', { 'v001_a.ts': 'throw new Error("broken here");' }, 'v001_a: broken here'],
  ])('with %s is refused', async (_, files, sentence) => {
    await write(files);
    const refused = await refusal(loadStreams([shop()]));
    expect(refused.kind).toBe('bad_stream');
    expect(refused.message).toContain(sentence);
  });

  it('that is not there is refused', async () => {
    const nowhere = new URL('nowhere/', folder);
    expect(await refusal(loadStreams([{ name: 'shop', folder: nowhere }]))).toMatchObject({ kind: 'bad_stream' });
  });

  it('may be taken in part, gaps and all, but only for what is there and once', async () => {
    await write({ 'p001_a.ts': good, 'p004_d.ts': good, 'p005_e.ts': good });
    const loaded = await loadStreams([shop(['p005_e', 'p001_a'])]);
    expect(loaded.map((migration) => migration.name)).toEqual(['p001_a', 'p005_e']);
    expect((await refusal(loadStreams([shop(['p002_b'])]))).message).toContain('asks for p002_b, which is not there');
    expect((await refusal(loadStreams([shop(['p001_a']), shop(['p001_a'])]))).message).toContain('twice');
  });
});

describe('the lock of a folder', () => {
  it('takes new files in and never changes what it holds', async () => {
    await write({ 'v001_a.ts': good });
    expect(await lockMigrations(folder)).toEqual({ added: ['v001_a'], altered: [], missing: [] });
    await write({ 'v001_a.ts': `${good}\n`, 'v002_b.ts': good });
    expect(await lockMigrations(folder)).toEqual({ added: ['v002_b'], altered: ['v001_a'], missing: [] });
    await write({ 'v001_a.ts': good });
    expect(await checkLock(folder)).toEqual({ altered: [], missing: [], unlocked: [] });
  });

  it('misses a file that went away, and refuses a lock that is none', async () => {
    await write({ 'lock.json': `{"v001_gone": "${'0'.repeat(64)}"}` });
    expect(await checkLock(folder)).toEqual({ altered: [], missing: ['v001_gone'], unlocked: [] });
    for (const text of ['', '[1]', '{"v001_a": "short"}', 'null']) {
      await write({ 'lock.json': text });
      expect((await refusal(lockMigrations(folder))).message).toContain('is not an object of names and hashes');
    }
  });
});

describe('a new migration', () => {
  it('gets the next number and can be loaded at once', async () => {
    expect((await createMigrationFile(folder, 'clients')).name).toBe('v001_clients');
    expect((await createMigrationFile(folder, 'client_names2')).name).toBe('v002_client_names2');
    const loaded = await loadStreams([shop()]);
    expect(loaded.map((migration) => migration.migration.why)).toEqual([
      'Say in one sentence why clients is needed.',
      'Say in one sentence why client names2 is needed.',
    ]);
  });

  it('goes on with the letter of its folder', async () => {
    await write({ 'p007_keys.ts': good });
    expect((await createMigrationFile(folder, 'more_keys')).name).toBe('p008_more_keys');
    await write({ 'p999_last.ts': good });
    expect((await refusal(createMigrationFile(folder, 'too_many'))).message).toContain('at most 999');
  });

  it.each(['', 'Clients', 'a b', '../escape', 'a__b', '_a', 'a_', '1a', 'a-b', 'a'.repeat(61)])(
    'refuses the name %j',
    async (name) => {
      expect(await refusal(createMigrationFile(folder, name))).toMatchObject({ kind: 'bad_request' });
    },
  );
});
