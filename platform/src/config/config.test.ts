import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { readEnvironment } from './environment.ts';
import { ConfigError, findVariable, readConfig } from './read-config.ts';
import { choice, databaseUrl, flag, integer, list, password, secret, type Setting, text, url } from './setting.ts';

const port = integer('The port', 8_000, { min: 0, max: 65_535 });

describe('a setting', () => {
  it.each<[string, Setting<unknown>, string, unknown]>([
    ['a whole number', port, '65535', 65_535],
    ['a number above', port, '65536', undefined],
    ['a number below', port, '-1', undefined],
    ['a fraction', port, '80.5', undefined],
    ['a number in words', port, 'eighty', undefined],
    ['an exponent', port, '8e3', undefined],
    ['a hexadecimal', port, '0x50', undefined],
    ['digits of another script', port, '٨٠', undefined],
    ['true', flag('x', false), 'TRUE', true],
    ['off', flag('x', true), 'off', false],
    ['maybe', flag('x', true), 'maybe', undefined],
    ['a word of an object', flag('x', true), 'constructor', undefined],
    ['a choice in other letters', choice('x', ['DEBUG', 'INFO'], 'INFO'), 'debug', 'DEBUG'],
    ['no choice', choice('x', ['DEBUG', 'INFO'], 'INFO'), 'TRACE', undefined],
    ['a comma list', list('x'), ' a, b ,,c', ['a', 'b', 'c']],
    ['a JSON list', list('x'), '["a, b", "c"]', ['a, b', 'c']],
    ['a JSON list of numbers', list('x'), '[1]', undefined],
    ['half of a list', list('x'), '["a"', undefined],
    ['a URL', url('x', ['redis', 'rediss']), 'rediss://h:1/0', 'rediss://h:1/0'],
    ['another URL', url('x', ['redis']), 'http://h', undefined],
    ['no URL', url('x', ['redis']), 'redis', undefined],
    ['a database', databaseUrl('x'), 'postgresql+asyncpg://u:p@h/d', 'postgresql://u:p@h/d'],
    ['no database', databaseUrl('x'), 'sqlite:///x', undefined],
    ['a text', text('x', undefined), 'as it is', 'as it is'],
  ])('reads %s', (_, setting, given, value) => {
    expect(setting.read(given)).toEqual(value);
  });

  it('of a number takes every whole number of its range, and no other text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer().map(String), fc.string(), fc.double().map(String)), (given) => {
        const number = Number(given);
        const fits = /^-?\d{1,15}$/.test(given) && number >= 0 && number <= 65_535;
        expect(port.read(given)).toBe(fits ? number : undefined);
      }),
    );
  });
});

describe('the configuration of a service', () => {
  const settings = {
    PORT: port,
    MOVE_ACCES_MODE: text('x', 'plain'),
    NAME: text('x', 'nobody'),
    DATABASE_URL: databaseUrl('x'),
    JWT_SECRET: secret('x'),
    SMTP_PASSWORD: password('x', undefined),
  };
  const read = (environment: Record<string, string>) => readConfig('move-acces', settings, environment);

  it('has its defaults', () => {
    expect(read({})).toEqual({
      PORT: 8_000,
      MOVE_ACCES_MODE: 'plain',
      NAME: 'nobody',
      DATABASE_URL: undefined,
      JWT_SECRET: undefined,
      SMTP_PASSWORD: undefined,
    });
  });

  it('takes its own variable before the shared one, and an empty one as none', () => {
    expect(read({ NAME: 'shared', MOVE_ACCES_NAME: 'own' }).NAME).toBe('own');
    expect(read({ NAME: 'shared', MOVE_ACCES_NAME: ' ' }).NAME).toBe('shared');
    expect(read({ NAME: '' }).NAME).toBe('nobody');
    expect(read({ MOVE_ACCES_MODE: 'fancy' }).MOVE_ACCES_MODE).toBe('fancy');
    expect(findVariable('move-acces', 'NAME', { MOVE_ACCES_NAME: ' x ' })).toEqual({
      variable: 'MOVE_ACCES_NAME',
      text: 'x',
    });
    expect(findVariable('move-acces', 'NAME', {})).toBeUndefined();
  });

  it('names every wrong variable, what it holds and what it should hold', () => {
    const wrong = { MOVE_ACCES_PORT: 'eighty', DATABASE_URL: 'sqlite://u:hunter2@h' };
    expect(() => read(wrong)).toThrow(ConfigError);
    expect(() => read(wrong)).toThrow(
      'MOVE_ACCES_PORT holds "eighty", but should hold a whole number from 0 to 65535\n' +
        'DATABASE_URL holds a value that is not shown here, but should hold a URL such as postgresql://user:password@host:5432/name',
    );
  });

  it('keeps a variable of one line one line, and a long one short', () => {
    const fault = (value: string): string => {
      try {
        return JSON.stringify(read({ PORT: value }));
      } catch (error) {
        return error instanceof ConfigError ? (error.faults[0] ?? '') : String(error);
      }
    };
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (value) => {
        expect(fault(value)).not.toMatch(/[\n\r]/);
        expect(fault(value).length).toBeLessThan(800);
      }),
    );
  });
});

describe('the environment', () => {
  it('is the process over a .env file, which need not be there', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'quinta-env-'));
    const file = path.join(folder, '.env');
    await writeFile(file, 'QUINTA_TEST_A=file\nQUINTA_TEST_B="two words"\n# QUINTA_TEST_C=no\n');
    vi.stubEnv('QUINTA_TEST_A', 'process');
    expect(readEnvironment(file)).toMatchObject({ QUINTA_TEST_A: 'process', QUINTA_TEST_B: 'two words' });
    expect(readEnvironment(file)['QUINTA_TEST_C']).toBeUndefined();
    expect(readEnvironment(path.join(folder, 'none'))['QUINTA_TEST_A']).toBe('process');
    expect(readEnvironment()['QUINTA_TEST_B']).toBeUndefined();
    // A folder is no file: that is a mistake of the operator, not a missing file.
    expect(() => readEnvironment(folder)).toThrow('EISDIR');
    await rm(folder, { recursive: true });
  });
});
