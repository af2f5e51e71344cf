import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { call } from '@quinta/platform/testing';
import { openDatabase } from '@quinta/platform/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiOf, demoPassword } from './clients.ts';
import { openPlace, type Place, postmasterOf, type Server } from './place.ts';
import { rowsOf } from './rows.ts';

let place: Place;
beforeAll(() => {
  place = openPlace();
});
afterAll(() => place.close());

const helps: readonly (readonly [command: string, ...names: string[]])[] = [
  ['', 'start', 'migrate', 'seed', 'token', 'database', 'openapi', 'audit', 'doctor', 'mexa'],
  ['start', '--all', '--workers <n>', 'Exit status 3: the port is taken'],
  ['migrate', 'up', 'down', 'to', 'adopt', 'current', 'history', 'status', 'check', 'resolve', 'new', 'lock'],
  ['migrate up', '--json'],
  ['migrate adopt', '--json'],
  ['migrate current', '--json'],
  ['migrate history', '--json'],
  ['migrate status', '--json'],
  ['migrate down', '--steps <n>', '--json'],
  ['migrate to', 'base', '--json'],
  ['migrate resolve', '--applied', '--reverted', '--json'],
  ['migrate check', '--json'],
  ['migrate new', '<service>', '<name>'],
  ['migrate lock', 'frozen from then on'],
  ['seed', '--json'],
  ['token', '--role <role>', '--user <name>'],
  ['database url', '--admin'],
  ['openapi', '<service>'],
  ['audit export', '--format', '--output <file>', '--from', '--to', '--action', '--resource'],
  ['doctor', '--json'],
  ['mexa create-admin', '--username <name>', '--email <address>', '--password-stdin', '--json'],
];

describe('--help', () => {
  test.concurrent.each(helps)('of "%s" names what there is and exits 0', async (command, ...names) => {
    const outcome = await place.run([...command.split(' ').filter(Boolean), '--help']);
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toBe('');
    for (const name of names) expect(outcome.stdout).toContain(name);
  });
});

test('quinta alone says what there is, and that this was no command', async () => {
  const outcome = await place.run([]);
  expect(outcome.status).toBe(2);
  expect(outcome.stderr).toContain('Usage: quinta');
});

test('seed fills an empty folder, and a second time changes nothing', async () => {
  const first = await place.run(['seed']);
  expect(first).toMatchObject({
    status: 0,
    stdout: 'mexa: 42 vouchers, 5 users\nsofipo: 3 clients with a loan each\nmove-acces: 4 members\n',
  });
  const second = await place.run(['seed', 'mexa', '--json']);
  expect(second.status).toBe(0);
  expect(JSON.parse(second.stdout)).toMatchObject({ service: 'mexa', summary: 'demo data was there already' });
  expect(postmasterOf(place.folder)).toBeUndefined();
});

describe('with a server', () => {
  let server: Server;
  beforeAll(async () => {
    server = await place.start(['start', 'mexa']);
  });
  afterAll(() => server.stop());

  test('token prints a token and nothing else, and the token works', async () => {
    const roles = [['--role', 'cajero'], ['--user', 'lucia.demo'], []];
    const names = ['cajero.demo', 'lucia.demo', 'admin.demo'];
    for (const [place_, options] of roles.entries()) {
      const outcome = await place.run(['token', 'mexa', ...options]);
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
      expect(outcome.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
      const answer = await call(`${apiOf(server)}/auth/me`, { token: outcome.stdout.trim() });
      expect(answer.json()).toMatchObject({ username: names[place_] });
    }
  });

  test.each([
    ['--role', 'chief', 'No active user has the role "chief"'],
    ['--user', 'nobody', 'There is no active user "nobody"'],
  ])('token %s %s exits 1 with a sentence', async (option, value, sentence) => {
    const outcome = await place.run(['token', 'mexa', option, value]);
    expect(outcome).toMatchObject({ status: 1, stdout: '', stderr: `${sentence}\n` });
  });

  test('database url prints what psql and drivers take: the role of the service, or the owner', async () => {
    for (const [options, role] of [
      [[], 'mexa_app'],
      [['--admin'], 'mexa_owner'],
    ] as const) {
      const outcome = await place.run(['database', 'url', 'mexa', ...options]);
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
      const url = outcome.stdout.trim();
      const database = openDatabase({ url, connectionsMax: 1 });
      const sql = 'select current_user::text as role, count(*)::int as count from vales';
      expect(await rowsOf(database, sql)).toEqual([{ role, count: 42 }]);
      await database.close();
      const psql = psqlOf(url, 'select count(*) from vales');
      expect([undefined, '42']).toContain(psql);
    }
  });

  test('openapi prints the document that the service serves', async () => {
    const outcome = await place.run(['openapi', 'mexa']);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const printed = JSON.parse(outcome.stdout) as Record<string, unknown>;
    expect(printed).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./) as string });
    const served = (await call(`${server.address}/openapi.json`)).json();
    expect({ ...printed, servers: undefined }).toEqual({ ...served, servers: undefined });
  });

  test('mexa create-admin makes an admin who can sign in, and a second time changes nothing', async () => {
    const password = 'a harvest of 41 green lemons';
    const words = ['mexa', 'create-admin', '--username', 'boss', '--email', 'boss@example.com', '--password-stdin'];
    const first = await place.run(words, { input: `${password}\n` });
    expect(first).toMatchObject({ status: 0, stdout: 'Admin boss was made\n' });
    const second = await place.run([...words, '--json'], { input: 'another harvest of 41 lemons\n' });
    expect(second.status).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ created: false, user: { username: 'boss', role: 'admin' } });
    const answer = await call(`${apiOf(server)}/auth/login`, { body: { username: 'boss', password } });
    expect(answer.json()).toMatchObject({ user: { username: 'boss', role: 'admin' } });
    expect(JSON.stringify([first, second])).not.toContain('harvest');
  });

  test.each([
    ['hunter2', 'a weak password'],
    ['', 'no password'],
  ])('mexa create-admin with "%s" (%s) exits 2 and makes nobody', async (password) => {
    const words = ['mexa', 'create-admin', '--username', 'weak', '--email', 'weak@example.com', '--password-stdin'];
    const outcome = await place.run(words, { input: `${password}\n` });
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/password/i);
    expect(outcome.stderr).not.toContain('hunter2');
    const token = (await place.run(['token', 'mexa'])).stdout.trim();
    const users = await call(`${apiOf(server)}/usuarios?limit=100`, { token });
    expect(users.status).toBe(200);
    expect(users.text).not.toContain('weak@example.com');
  });
});

test('what only development may do is refused in production', async () => {
  const jwtSecret = readFileSync(path.join(place.folder, 'secrets', 'jwt_secret'), 'utf8').trim();
  const variables = {
    APP_ENV: 'production',
    JWT_SECRET: jwtSecret,
    AUDIT_SIGNING_KEY: jwtSecret,
    DATABASE_URL: 'postgresql://mexa:secret-word@127.0.0.1:1/mexa',
  };
  const refused = [
    ['token', 'mexa'],
    ['database', 'url', 'mexa'],
    ['database', 'url', 'mexa', '--admin'],
    ['seed', 'mexa'],
  ];
  const outcomes = await Promise.all(refused.map((words) => place.run(words, { variables })));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/production/);
    expect(outcome.stderr).not.toContain('secret-word');
  }
  expect(demoPassword(place)).not.toBe('');
});

/** Not a tool of this checkout: used where the machine has it. */
const psqlProgram = 'psql';

/** What psql makes of a connection string; undefined where this machine has none. */
function psqlOf(url: string, sql: string): string | undefined {
  try {
    return execFileSync(psqlProgram, [url, '--no-psqlrc', '-Atc', sql], { encoding: 'utf8' }).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
