import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { call, type HttpAnswer, type HttpCall, openTestDatabase, type TestDatabase } from '@quinta/platform/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openDatabaseProxy, type DatabaseProxy } from './database-proxy.ts';
import { openPlace, patience, type Place, type Server } from './place.ts';
import { onDatabase, rowsOf } from './rows.ts';

const secretOf = (name: string): string => `${name}-${randomBytes(24).toString('base64url')}`;
const jwtSecret = secretOf('jwt');
const signingKey = secretOf('signing');
const adminPassword = secretOf('admin');
const nextPassword = secretOf('next');
const wrongPassword = secretOf('wrong');
const metricsToken = secretOf('metrics');

/** Everything that must appear nowhere; what is handed out on the way is added. */
const secrets = new Map([
  ['JWT_SECRET', jwtSecret],
  ['AUDIT_SIGNING_KEY', signingKey],
  ['MEXA_ADMIN_PASSWORD', adminPassword],
  ['the new password', nextPassword],
  ['a wrong password', wrongPassword],
  ['METRICS_TOKEN', metricsToken],
]);
/** Texts that a secret may not be in, by where they come from. */
const seen = new Map<string, string>();

let database: TestDatabase;
let proxy: DatabaseProxy;
let place: Place;
let server: Server;

beforeAll(async () => {
  database = await openTestDatabase('secrets');
  proxy = await openDatabaseProxy(database.urls.owner);
  place = openPlace();
  const [application, owner] = [proxy.urlFor(database.urls.application), proxy.urlFor(database.urls.owner)];
  for (const url of [application, owner])
    secrets.set(`the password of ${new URL(url).username}`, new URL(url).password);
  server = await place.start(['start', 'mexa', '--workers', '2'], {
    DATABASE_URL: application,
    MIGRATION_DATABASE_URL: owner,
    JWT_SECRET: jwtSecret,
    AUDIT_SIGNING_KEY: signingKey,
    MEXA_ADMIN_USERNAME: 'boss',
    MEXA_ADMIN_EMAIL: 'boss@example.com',
    MEXA_ADMIN_PASSWORD: adminPassword,
    METRICS_TOKEN: metricsToken,
    LOG_LEVEL: 'DEBUG',
    LOG_DIR: path.join(place.folder, 'logs'),
    DATABASE_SLOW_MS: '1',
  });
});
afterAll(async () => {
  await place.close();
  await proxy.close();
  await database.drop();
});

/** Sends a request; an answer that hands out no token is kept to be searched. */
async function send(route: string, request: HttpCall, expected: number): Promise<HttpAnswer> {
  const answer = await call(`${server.address}/api/v1${route}`, request);
  expect({ route, status: answer.status }).toEqual({ route, status: expected });
  const handsOut = answer.status === 200 && /^\/auth\/(login|refresh)$/.test(route);
  if (!handsOut)
    seen.set(`answer ${seen.size} (${route}, ${expected})`, `${answer.text} ${JSON.stringify([...answer.headers])}`);
  return answer;
}

interface Session {
  readonly access_token: string;
  readonly refresh_token: string;
}

async function session(route: string, body: object): Promise<Session> {
  const tokens = (await send(route, { body }, 200)).json<Session>();
  secrets.set(`access token ${secrets.size}`, tokens.access_token);
  secrets.set(`refresh token ${secrets.size}`, tokens.refresh_token);
  // A token's signature alone would be as good as the token to whoever knows the rest.
  secrets.set(`signature ${secrets.size}`, tokens.access_token.split('.')[2] ?? '');
  return tokens;
}

/** Good and bad ways of everything that has to do with a secret. */
async function useEverySecret(): Promise<void> {
  const first = await session('/auth/login', { username: 'boss', password: adminPassword });
  await send('/auth/login', { body: { username: 'boss', password: wrongPassword } }, 401);
  await send('/auth/login', { body: { username: wrongPassword, password: wrongPassword } }, 401);
  await send('/auth/login', { body: { username: 'boss', password: { text: wrongPassword } } }, 422);
  await send('/auth/login', { body: { username: 'boss', password: adminPassword, secret: jwtSecret } }, 422);
  await send('/auth/login', { body: `{"username": "boss", "password": "${wrongPassword}` }, 400);
  await send('/auth/register', { body: { username: 'x', email: 'no address', password: wrongPassword } }, 422);
  const key = { 'idempotency-key': 'one-registration' };
  const lucia = { username: 'lucia', email: 'lucia@example.com', password: nextPassword };
  await send('/auth/register', { body: lucia, headers: key }, 201);
  await send('/auth/register', { body: lucia, headers: key }, 201);
  await send(
    '/auth/register',
    { body: { ...lucia, email: 'other@example.com', password: wrongPassword }, headers: key },
    422,
  );
  const second = await session('/auth/refresh', { refresh_token: first.refresh_token });
  await send('/auth/refresh', { body: { refresh_token: wrongPassword } }, 401);
  await send('/auth/refresh', { body: { refresh_token: [second.refresh_token] } }, 422);
  const { access_token: token } = second;
  await send('/auth/me', { token: `${token.slice(0, -8)}AAAAAAAA` }, 401);
  await send('/auth/me', { token: wrongPassword }, 401);
  await send(`/vales?token=${token}`, { token }, 422);
  await send(`/nowhere/${token}`, {}, 404);
  await send('/vales', { token, body: { amount: '1.00', description: 'plain', password: wrongPassword } }, 422);
  await send(
    '/usuarios',
    { token, body: { ...lucia, username: 'mateo', email: 'mateo@example.com', role: 'cajero' } },
    201,
  );
  const change = (current: string, next: string): HttpCall => ({
    token,
    body: { current_password: current, new_password: next },
  });
  await send('/auth/change-password', change(wrongPassword, nextPassword), 422);
  await send('/auth/change-password', change(adminPassword, 'hunter2'), 422);
  await send('/auth/change-password', change(adminPassword, nextPassword), 204);
  await session('/auth/login', { email: 'boss@example.com', password: nextPassword });
  proxy.cut();
  await send('/auth/login', { body: { username: 'boss', password: nextPassword } }, 503);
  await send('/vales', { token, body: { amount: '1.00' } }, 503);
  const ready = await call(`${server.address}/ready`);
  expect(ready.status).toBe(503);
  seen.set('/ready', ready.text);
  await proxy.mend();
  await vi.waitFor(async () => expect((await call(`${server.address}/ready`)).status).toBe(200), patience);
  await send('/auth/logout', { token, method: 'POST' }, 204);
  await send('/auth/me', { token }, 401);
}

async function collectTraces(): Promise<void> {
  const metrics = await call(`${server.address}/metrics`, { token: metricsToken });
  expect(metrics.text).toContain('quinta_http_requests_total');
  seen.set('/metrics', metrics.text);
  seen.set('/metrics without its token', (await call(`${server.address}/metrics`, { token: wrongPassword })).text);
  for (const route of ['/health', '/ready', '/openapi.json'])
    seen.set(route, (await call(`${server.address}${route}`)).text);
  const ended = await server.stop();
  expect(ended.status).toBe(0);
  seen.set('standard output', ended.stdout);
  seen.set('standard error', ended.stderr);
  const logs = path.join(place.folder, 'logs');
  for (const name of readdirSync(logs)) seen.set(name, readFileSync(path.join(logs, name), 'utf8'));
  await onDatabase(database.urls.owner, async (owner) => {
    for (const table of ['audit_logs', 'idempotency_keys', 'refresh_families', 'usuarios']) {
      const rows = await rowsOf<{ row: string }>(owner, `select row_to_json(t)::text as row from ${table} t`);
      expect(rows.length).toBeGreaterThan(0);
      seen.set(`table ${table}`, rows.map(({ row }) => row).join('\n'));
    }
  });
}

test('no password, token, refresh token or secret is in any log, audit row, error, table or metric', async () => {
  await useEverySecret();
  await collectTraces();
  // The searched texts are those of what was done.
  for (const words of ['auth.change_password', 'Slow database statement', 'The database cannot be reached']) {
    expect(seen.get('standard output')).toContain(words);
  }
  expect(seen.get('table audit_logs')).toContain('login_failed');
  expect([...seen.keys()]).toEqual(expect.arrayContaining(['mexa-worker-1.log', 'mexa-worker-1-error.log']));
  const found = [...secrets].flatMap(([name, secret]) => {
    expect(secret.length).toBeGreaterThan(15);
    return [...seen].filter(([, text]) => text.includes(secret)).map(([where]) => `${name} in ${where}`);
  });
  expect(found).toEqual([]);
});
