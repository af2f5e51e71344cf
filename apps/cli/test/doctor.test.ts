import { randomBytes } from 'node:crypto';
import { type EmbeddedServer, holdEmbeddedServer } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertEnded, openPlace, type Place, type Variables } from './place.ts';
import { embeddedUrl } from './rows.ts';

const strong = randomBytes(32).toString('base64url');
let place: Place;
let held: EmbeddedServer;
let urls: { readonly application: string; readonly owner: string };

beforeAll(async () => {
  place = openPlace();
  held = await holdEmbeddedServer({ dataDirectory: place.folder, log: silentLog });
  assertEnded(await place.run(['migrate', 'up']), 0);
  urls = { application: await embeddedUrl(place), owner: await embeddedUrl(place, '--admin') };
});
afterAll(async () => {
  await held.release();
  await place.close();
});

interface Finding {
  readonly subject: string;
  readonly state: 'good' | 'advice' | 'problem';
  readonly says: string;
  readonly mend?: string;
}

async function findings(
  variables: Variables,
  services: readonly string[] = ['mexa'],
): Promise<{ status: number | null; found: readonly Finding[] }> {
  const outcome = await place.run(['doctor', ...services, '--json'], { variables });
  const found = outcome.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding);
  expect(outcome.stderr).not.toContain('    at ');
  return { status: outcome.status, found };
}

test('all is well: a line each, exit status 0', async () => {
  const outcome = await place.run(['doctor']);
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  const subjects = [
    'node',
    'configuration',
    'APP_ENV',
    'data folder',
    'key-value',
    'mexa database',
    'mexa migrations',
    'sofipo database',
    'sofipo migrations',
    'move-acces database',
    'move-acces migrations',
  ];
  for (const subject of subjects) expect(outcome.stdout).toMatch(new RegExp(`^ok +${subject}: .+$`, 'm'));
  expect(outcome.stdout).not.toMatch(/^(advice|PROBLEM)/m);
  const { status, found } = await findings({}, []);
  expect(status).toBe(0);
  expect(found.map(({ subject }) => subject)).toEqual(subjects);
});

const password = randomBytes(12).toString('hex');

describe('a problem is named with its mend, and the exit status is 1', () => {
  const problems: Readonly<Record<string, () => { variables: Variables; subject: string; says: RegExp }>> = {
    'wrong variables': () => ({
      variables: { PORT: 'abc' },
      subject: 'configuration',
      says: /^PORT holds "abc"/,
    }),
    'a database that is not there': () => ({
      variables: { DATABASE_URL: `postgresql://mexa:${password}@127.0.0.1:1/mexa` },
      subject: 'mexa database',
      says: /cannot be reached/,
    }),
    'a database that refuses the password': () => ({
      variables: { DATABASE_URL: urls.application.replace(/:[^:@/]+@/, `:${password}@`) },
      subject: 'mexa database',
      says: /password authentication failed/,
    }),
    'a Redis that is not there': () => ({
      variables: { REDIS_URL: `redis://:${password}@127.0.0.1:1` },
      subject: 'key-value',
      says: /does not answer/,
    }),
    'production without a secret': () => ({
      variables: { APP_ENV: 'production', DATABASE_URL: urls.application },
      subject: 'start',
      says: /JWT_SECRET is not set/,
    }),
    'the database password of the README in production': () => ({
      variables: {
        APP_ENV: 'production',
        JWT_SECRET: strong,
        AUDIT_SIGNING_KEY: strong,
        DATABASE_HOST: '127.0.0.1',
        DATABASE_PORT: '1',
      },
      subject: 'mexa',
      says: /DATABASE_PASSWORD is the one that stands in the README/,
    }),
  };
  test.each(Object.keys(problems))('%s', async (name) => {
    const problem = problems[name]?.();
    if (!problem) throw new Error(`There is no problem ${name}`);
    const { status, found } = await findings(problem.variables);
    expect(status).toBe(1);
    const told = found.filter(({ state, subject }) => state === 'problem' && subject === problem.subject);
    expect(told).toHaveLength(1);
    expect(told[0]?.says).toMatch(problem.says);
    expect(told[0]?.mend).toMatch(/\w+/);
    expect(JSON.stringify(found)).not.toContain(password);
  });
});

test('advice for production and pending migrations does not fail', async () => {
  expect((await place.run(['migrate', 'down', 'mexa'])).status).toBe(0);
  const { status, found } = await findings({
    APP_ENV: 'production',
    JWT_SECRET: strong,
    AUDIT_SIGNING_KEY: strong,
    DATABASE_URL: urls.owner,
  });
  expect(status).toBe(0);
  const advice = found.filter(({ state }) => state === 'advice').map(({ subject, says }) => `${subject}: ${says}`);
  expect(advice).toEqual([
    expect.stringMatching(/^METRICS_TOKEN: .*open to everybody/),
    expect.stringMatching(/^TRUST_PROXY: /),
    expect.stringMatching(/^mexa: .*owner of its tables/),
    expect.stringMatching(/^mexa audit: checkpoints stay in the database/),
    expect.stringMatching(/^mexa migrations: 1 pending, first v/),
  ]);
});
