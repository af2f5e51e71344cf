import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError } from '../config/index.ts';
import { developmentSecret, resolveSecret } from './secrets.ts';

const program = fileURLToPath(new URL('test/print-secret.ts', import.meta.url));
const strong = 'qT7-vM2_xK9pLr4wZs8bNd3hFj6gYc1e';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'quinta-secret-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('in production a secret', () => {
  const production = (value: string | undefined) => () =>
    resolveSecret('JWT_SECRET', value, { isProduction: true, dataDirectory: folder });

  it.each<[string, string | undefined, string]>([
    ['missing', undefined, 'JWT_SECRET is not set, but production needs a secret of 32 bytes or more'],
    ['short', 'x7f', 'JWT_SECRET holds 3 bytes, but production needs 32 or more'],
    ['a byte short', strong.slice(1), 'JWT_SECRET holds 31 bytes'],
    ['one letter', 'a'.repeat(40), 'can be guessed'],
    ['a default', 'change-me-in-production-please-1234567', 'can be guessed'],
    ['a word', 'secret_secret_secret_secret_secret', 'can be guessed'],
    ['of an example', 'example0123456789012345678901234567890', 'can be guessed'],
    ['of a test', 'TEST-TEST-TEST-TEST-TEST-TEST-TEST-TEST', 'can be guessed'],
  ])('that is %s refuses the start, by name and without being shown', (_, value, sentence) => {
    expect(production(value)).toThrow(ConfigError);
    expect(production(value)).toThrow(sentence);
    expect(production(value)).not.toThrow(value ?? 'never');
  });

  it('that is strong is taken, and none is made', async () => {
    expect(production(strong)()).toBe(strong);
    expect(production('ñ'.repeat(15) + 'xy')()).toBe('ñ'.repeat(15) + 'xy');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('in development a secret', () => {
  const source = () => ({ isProduction: false, dataDirectory: folder });

  it('is made once, strong, for its owner alone, and kept', async () => {
    const made = resolveSecret('JWT_SECRET', undefined, source());
    expect(Buffer.byteLength(made)).toBeGreaterThanOrEqual(32);
    expect(resolveSecret('JWT_SECRET', undefined, source())).toBe(made);
    expect(resolveSecret('OTHER_SECRET', undefined, source())).not.toBe(made);
    const file = path.join(folder, 'secrets', 'jwt_secret');
    expect((await readFile(file, 'utf8')).trim()).toBe(made);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
    expect((await readdir(path.dirname(file))).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'jwt_secret',
      'other_secret',
    ]);
  });

  it('is what is configured, where it is, short or not', async () => {
    expect(resolveSecret('JWT_SECRET', 'short', source())).toBe('short');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is one, however many processes start at once', async () => {
    const at = String(Date.now() + 1_500);
    const runs = Array.from({ length: 4 }, () =>
      promisify(execFile)(process.execPath, [program, folder, 'JWT_SECRET', at]),
    );
    const told = (await Promise.all(runs)).map(({ stdout }) => stdout);
    expect(new Set(told).size).toBe(1);
    expect(told[0]?.length).toBeGreaterThanOrEqual(32);
    expect(developmentSecret(folder, 'JWT_SECRET')).toBe(told[0]);
    expect(await readdir(path.join(folder, 'secrets'))).toEqual(['jwt_secret']);
  });

  it('that cannot be kept is an error and not a new one at each start', async () => {
    await writeFile(path.join(folder, 'secrets'), 'a file where the folder should be');
    expect(() => developmentSecret(folder, 'JWT_SECRET')).toThrow(/ENOTDIR|EEXIST/);
  });
});
