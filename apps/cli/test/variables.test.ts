import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertEnded, openPlace, type Outcome, type Place, postmasterOf, type Variables } from './place.ts';

let place: Place;
beforeAll(() => {
  place = openPlace();
});
afterAll(() => place.close());

/** Good enough for production, and for these tests alone. */
const strong = 'kP4-invented-for-these-tests-2wX9vB7q';

interface Case {
  readonly variables: Variables;
  /** What its line says; a password in a value ("hunter2") it never does. */
  readonly says: readonly string[];
}

/** All told by one start, before anything is touched. */
const readFirst: readonly Case[] = [
  { variables: { MEXA_PORT: '70000' }, says: ['MEXA_PORT holds "70000"', 'a whole number from 0 to 65535'] },
  { variables: { PORT: 'abc' }, says: ['PORT holds "abc"', 'a whole number from 0 to 65535'] },
  {
    variables: { LOG_LEVEL: 'LOUD' },
    says: ['LOG_LEVEL holds "LOUD"', 'one of DEBUG, INFO, WARNING, ERROR, CRITICAL'],
  },
  { variables: { WORKERS: 'many' }, says: ['WORKERS holds "many"', 'from 1 to 64'] },
  { variables: { QUINTA_DEMO: 'perhaps' }, says: ['QUINTA_DEMO holds "perhaps"', 'true or false'] },
  { variables: { APP_ENV: 'prod' }, says: ['APP_ENV holds "prod"', 'one of development, test, production'] },
  {
    variables: { TRUST_PROXY: '10.0.0.0/8, everybody' },
    says: ['TRUST_PROXY holds "10.0.0.0/8, everybody"', 'CIDRs such as 10.0.0.0/8'],
  },
  {
    variables: { DATABASE_URL: 'nonsense:hunter2hunter2' },
    says: ['DATABASE_URL holds a value that is not shown', 'postgresql://user:password@host:5432/name'],
  },
  {
    variables: { MIGRATION_DATABASE_URL: 'postgresql://mexa:hunter2hunter2@db:port/mexa' },
    says: ['MIGRATION_DATABASE_URL holds a value that is not shown', 'postgresql://'],
  },
  {
    variables: { REDIS_URL: 'http://:hunter2hunter2@cache' },
    says: ['REDIS_URL holds a value that is not shown', 'redis:// or rediss://'],
  },
  { variables: { MEXA_REGISTRATION: 'maybe' }, says: ['MEXA_REGISTRATION holds "maybe"', 'one of open, closed'] },
];

test('every wrong variable is told at once: a line each, its name, what it holds and what it should', async () => {
  const variables = Object.assign({}, ...readFirst.map((one) => one.variables)) as Variables;
  const outcome = await place.run(['start', 'mexa'], { variables });
  assertEnded(outcome, 2);
  const lines = linesOfFaults(outcome);
  for (const { says, variables: wrong } of readFirst) {
    const [name = ''] = Object.keys(wrong);
    const told = lines.filter((line) => line.startsWith(`Configuration: ${name} holds`));
    expect(told).toHaveLength(1);
    for (const words of says) expect(told[0]).toMatch(words);
  }
  expect(lines).toHaveLength(readFirst.length);
  expect(outcome.stderr + outcome.stdout).not.toContain('hunter2');
  expect(outcome.stderr).not.toContain('    at '); // no stack
  expect(existsSync(path.join(place.folder, 'cluster'))).toBe(false);
});

const known = { MEXA_ADMIN_USERNAME: 'boss', MEXA_ADMIN_EMAIL: 'boss@example.com', QUINTA_DEMO: 'false' };

/** Each of these needs a start of its own. */
const alone: Readonly<Record<string, Case>> = {
  'LOG_DIR below a file': {
    variables: { LOG_DIR: '/dev/null/logs' },
    says: ['LOG_DIR holds "/dev/null/logs"', 'a folder to write to'],
  },
  'HOST of another machine': {
    variables: { HOST: '203.0.113.7' },
    says: ['HOST and PORT hold 203.0.113.7', 'an address of this machine'],
  },
  'TRUST_PROXY with too long a prefix': {
    variables: { TRUST_PROXY: '10.0.0.0/33' },
    says: ['TRUST_PROXY holds "10.0.0.0/33"', 'CIDRs'],
  },
  'MEXA_DATABASE_URL before DATABASE_URL': {
    variables: { DATABASE_URL: 'postgresql://a@b/c', MEXA_DATABASE_URL: 'nonsense:hunter2hunter2' },
    says: ['MEXA_DATABASE_URL holds a value that is not shown'],
  },
  'ARGON2 below the floor': {
    variables: { ARGON2_PASSES: '1' },
    says: ['ARGON2_MEMORY_KIB', 'ARGON2_PASSES', '1 passes need 47104 KiB'],
  },
  'a short JWT_SECRET, in development too': {
    variables: { JWT_SECRET: 'hunter2hunter2' },
    says: ['JWT_SECRET holds 14 bytes', '32 or more'],
  },
  'an admin without an address': {
    variables: { MEXA_ADMIN_USERNAME: 'boss', MEXA_ADMIN_PASSWORD: 'hunter2hunter2' },
    says: ['MEXA_ADMIN_USERNAME, MEXA_ADMIN_EMAIL and MEXA_ADMIN_PASSWORD go together'],
  },
  'an admin with a weak password': {
    variables: { ...known, MEXA_ADMIN_PASSWORD: 'hunter2' },
    says: ['password'],
  },
  'production without JWT_SECRET': {
    variables: { APP_ENV: 'production', AUDIT_SIGNING_KEY: strong },
    says: ['JWT_SECRET is not set', 'a secret of 32 bytes or more'],
  },
  'production with a short JWT_SECRET': {
    variables: { APP_ENV: 'production', AUDIT_SIGNING_KEY: strong, JWT_SECRET: 'hunter2-'.padEnd(31, 'pQ7zR1xW') },
    says: ['JWT_SECRET holds 31 bytes', '32 or more'],
  },
  'production with a JWT_SECRET that can be guessed': {
    variables: { APP_ENV: 'production', AUDIT_SIGNING_KEY: strong, MEXA_JWT_SECRET: 'change-me-hunter2-'.repeat(2) },
    says: ['JWT_SECRET holds a secret that can be guessed'],
  },
  'production with a JWT_SECRET of one letter': {
    variables: { APP_ENV: 'production', AUDIT_SIGNING_KEY: strong, JWT_SECRET: 'x'.repeat(40) },
    says: ['JWT_SECRET holds a secret that can be guessed'],
  },
  'production without AUDIT_SIGNING_KEY': {
    variables: { APP_ENV: 'production', JWT_SECRET: strong },
    says: ['AUDIT_SIGNING_KEY is not set', 'a secret of 32 bytes or more'],
  },
};

describe('a wrong variable stops the start with one line and exit status 2', () => {
  test.concurrent.each(Object.entries(alone))('%s', async (_, { variables, says }) => {
    const own = openPlace();
    try {
      const outcome = await own.run(['start', 'mexa'], { variables });
      assertEnded(outcome, 2);
      const lines = linesOfFaults(outcome);
      expect(lines).toHaveLength(1);
      for (const words of says) expect(lines[0]).toMatch(words);
      expect(outcome.stderr + outcome.stdout).not.toContain('hunter2');
      expect(outcome.stderr).not.toContain('    at ');
      expect(postmasterOf(own.folder)).toBeUndefined();
    } finally {
      await own.close();
    }
  });
});

function linesOfFaults({ stderr }: Outcome): readonly string[] {
  return stderr.split('\n').filter((line) => line.startsWith('Configuration: '));
}

test('a wrong variable is told once, not by each worker', async () => {
  const outcome = await place.run(['start', 'mexa', '--workers', '3'], { variables: { HOST: '203.0.113.7' } });
  expect(outcome.status).toBe(2);
  expect(linesOfFaults(outcome)).toHaveLength(1);
});

test('a data folder that is a file is told', async () => {
  const file = path.join(place.folder, 'a-file');
  writeFileSync(file, '');
  const outcome = await place.run(['start', 'mexa'], { variables: { QUINTA_DATA_DIR: file } });
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toContain(file);
  expect(outcome.stderr).not.toContain('    at ');
});

const usages: readonly (readonly [line: string, says: string])[] = [
  ['start --workers 0', '--workers is "0", but should be a whole number from 1 to 64'],
  ['start --workers 65', '--workers is "65"'],
  ['start --workers many', '--workers is "many"'],
  ['start mexas', 'There is no service "mexas". There are: mexa'],
  ['migrate up mexas', 'There is no service "mexas". There are: mexa'],
  ['token', "missing required argument 'service'"],
  ['token mexas', 'There is no service "mexas"'],
  ['dance', "unknown command 'dance'"],
  ['migrate sideways', "unknown command 'sideways'"],
  ['start --loud', "unknown option '--loud'"],
  ['migrate down mexa --steps 0', '--steps is "0"'],
  ['migrate resolve mexa v001_initial_schema', 'Say either --applied or --reverted'],
  ['audit export mexa --format xml', '--format is "xml", but should be jsonl, csv or bundle'],
  ['audit export mexa --from yesterday', '--from is "yesterday"'],
  ['mexa create-admin --username boss', "required option '--email <address>'"],
];

test.concurrent.each(usages)('quinta %s: exit status 2 and a line that says why', async (line, says) => {
  const outcome = await place.run(line.split(' '));
  expect(outcome.status).toBe(2);
  expect(outcome.stderr).toContain(says);
  expect(outcome.stderr).not.toContain('    at ');
  expect(outcome.stdout).toBe('');
});
