import { randomUUID } from 'node:crypto';
import { call, type HttpAnswer, type HttpCall } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';
import { newVale } from './vouchers.ts';

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const prefixes = ['/api/v1', '/api'];

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

const at = (path: string, request?: HttpCall): Promise<HttpAnswer> => call(`${world.baseUrl}${path}`, request);

describe.each(prefixes)('the prefix %s', (prefix) => {
  test('draws, shows, lists and redeems a voucher', async () => {
    const token = world.tokens.cajero;
    const drawn = await at(`${prefix}/vales`, { token, body: { amount: '12.50', description: 'Guantes' } });
    expect(drawn.status).toBe(201);
    const { id } = drawn.json<{ id: number }>();
    const shown = await at(`${prefix}/vales/${id}`, { token });
    expect(shown.json()).toEqual(drawn.json());
    const list = (await at(`${prefix}/vales?limit=1`, { token })).json<{ vales: unknown[] }>();
    expect(list).toMatchObject({ vales: [drawn.json()], count: 1, limit: 1, next: expect.any(String) as string });
    const redeemed = await at(`${prefix}/vales/${id}/redeem`, { method: 'POST', token });
    expect(redeemed.json()).toMatchObject({ id, state: 'redeemed' });
  });

  test('knows who signs in and who asks', async () => {
    const username = 'lucia.demo';
    const session = await at(`${prefix}/auth/login`, { body: { username, password: 'correct horse battery staple' } });
    expect(session.status).toBe(200);
    const { access_token: token, user } = session.json<{ access_token: string; user: unknown }>();
    expect((await at(`${prefix}/auth/me`, { token })).json()).toEqual(user);
  });
});

test('a voucher has the promised fields, and no others', async () => {
  const vale = await newVale(world, { amount: 7.5 });
  expect(vale).toEqual({
    id: expect.any(Number) as number,
    user_id: expect.any(Number) as number,
    request_id: expect.stringMatching(uuidV7) as string,
    amount: '7.50',
    description: null,
    state: 'issued',
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    issued_by: vale.user_id,
    redeemed_at: null,
    redeemed_by: null,
    voided_at: null,
    voided_by: null,
    void_reason: null,
  });
});

/** One request for each status; the 500 is a table that is not there. */
const answers: readonly { status: number; path: string; request?: HttpCall; role?: 'admin' | 'usuario' }[] = [
  { status: 200, path: '/' },
  { status: 200, path: '/health' },
  { status: 200, path: '/api/v1/vales', role: 'admin' },
  { status: 400, path: '/api/v1/auth/login', request: { body: '{"username": ' } },
  { status: 401, path: '/api/v1/vales' },
  { status: 403, path: '/api/v1/usuarios', role: 'usuario' },
  { status: 404, path: '/api/v1/vales/2147483647', role: 'admin' },
  { status: 404, path: '/nowhere' },
  { status: 405, path: '/api/v1/vales', request: { method: 'PUT' } },
  { status: 413, path: '/api/v1/auth/login', request: { body: JSON.stringify({ password: 'x'.repeat(1_100_000) }) } },
  { status: 415, path: '/api/v1/auth/login', request: { body: 'a', headers: { 'content-type': 'text/plain' } } },
  { status: 422, path: '/api/v1/auth/login', request: { body: {} } },
  { status: 500, path: '/api/v1/vales', role: 'admin' },
];

describe.each(answers)('X-Request-ID of a $status at $path', ({ status, path, request, role }) => {
  const ask = async (requestId?: string): Promise<HttpAnswer> => {
    const headers = { ...request?.headers, ...(requestId === undefined ? {} : { 'x-request-id': requestId }) };
    const asked = { ...request, headers, ...(role ? { token: world.tokens[role] } : {}) };
    if (status !== 500) return at(path, asked);
    await sql(world.owner, 'alter table vales rename to vales_away');
    try {
      return await at(path, asked);
    } finally {
      await sql(world.owner, 'alter table vales_away rename to vales');
    }
  };

  test('is the UUID that was sent', async () => {
    const given = randomUUID();
    const answer = await ask(given.toUpperCase());
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toBe(given);
    const told = status >= 400 ? answer.json()['request_id'] : given;
    expect(told).toBe(given);
  });

  test.each([undefined, 'not-a-uuid', `${randomUUID()}0`, "'; drop table vales"])('is new for %j', async (sent) => {
    const answer = await ask(sent);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-request-id')).toMatch(uuidV7);
  });
});

const refusals: readonly { status: number; code: string; path: string; request?: HttpCall }[] = [
  { status: 400, code: 'malformed_request', path: '/auth/login', request: { body: '{"username": ' } },
  { status: 400, code: 'malformed_request', path: '/auth/login', request: { body: '{"__proto__": {"admin": true}}' } },
  { status: 401, code: 'unauthenticated', path: '/vales' },
  { status: 401, code: 'unauthenticated', path: '/vales', request: { headers: { authorization: 'Basic YTpi' } } },
  { status: 401, code: 'token_invalid', path: '/vales', request: { token: 'a.b.c' } },
  { status: 404, code: 'not_found', path: '/vale' },
  { status: 405, code: 'method_not_allowed', path: '/auth/login' },
  {
    status: 415,
    code: 'media_type_unsupported',
    path: '/auth/login',
    request: { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  },
  { status: 422, code: 'validation_failed', path: '/auth/login', request: { body: [] } },
  { status: 422, code: 'validation_failed', path: '/auth/login', request: { method: 'POST' } },
  {
    status: 422,
    code: 'validation_failed',
    path: '/auth/login',
    request: { body: { username: 'a', email: 'b', password: 'c' } },
  },
];

test.each(refusals)('$status $code at $path is a whole problem', async ({ status, code, path, request }) => {
  expect(expectProblem(await world.api(path, request), status, code).status).toBe(status);
});

test('what the earlier clients read of a 404 and of a 500 is what they always read', async () => {
  const missing = (await at('/nowhere')).json();
  expect(missing).toMatchObject({ error: 'Not Found', message: 'The requested resource was not found' });
  await sql(world.owner, 'alter table vales rename to vales_away');
  const failed = await world.api('/vales', { token: world.tokens.admin });
  await sql(world.owner, 'alter table vales_away rename to vales');
  const { error, message } = expectProblem(failed, 500, 'internal_error');
  expect({ error, message }).toEqual({
    error: 'Internal Server Error',
    message: 'An internal server error occurred',
  });
  expect(failed.text).not.toMatch(/vales_away|relation|select|node_modules|\.ts/);
});

test.each([
  ['no header', undefined, /^Bearer realm="mexa"$/],
  ['a token of nobody', 'Bearer a.b.c', /error="invalid_token"/],
])('a 401 for %s says how to sign in', async (_, authorization, challenge) => {
  const answer = await world.api('/auth/me', { headers: authorization ? { authorization } : {} });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toMatch(challenge);
});

test.each([
  ['PUT', '/vales', 'GET, HEAD, POST'],
  ['POST', '/vales/1', 'DELETE, GET, HEAD, PATCH'],
  ['GET', '/vales/1/redeem', 'POST'],
  ['DELETE', '/vales/1/history', 'GET, HEAD'],
  ['DELETE', '/audit-logs/1', 'GET, HEAD'],
  ['PATCH', '/audit-logs', 'GET, HEAD'],
  ['PUT', '/usuarios/1', 'DELETE, GET, HEAD, PATCH'],
  ['GET', '/auth/logout', 'POST'],
])('%s %s is a 405 that allows %s', async (method, path, allowed) => {
  for (const prefix of prefixes) {
    const answer = await at(`${prefix}${path}`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allowed);
  }
});

test('a body of more than a mebibyte is a 413', async () => {
  const body = JSON.stringify({ username: 'a', password: 'x'.repeat(1_048_577) });
  expect(expectProblem(await world.api('/auth/login', { body }), 413, 'body_too_large').title).toBe(
    'Content Too Large',
  );
});

test('a path that is no URL is a problem like any other', async () => {
  expect(expectProblem(await at('/api/v1/vales/%zz'), 400, 'malformed_request').error).toBe('Bad Request');
});

test('an unknown field of a body or of a query is named', async () => {
  const { admin: token } = world.tokens;
  const body = expectProblem(
    await world.api('/vales', { token, body: { amount: 1, monto: 2 } }),
    422,
    'validation_failed',
  );
  expect(body.errors).toEqual([
    { loc: ['body', 'monto'], msg: expect.any(String) as string, type: 'unrecognized_keys' },
  ]);
  const query = expectProblem(await world.api('/vales?estado=issued', { token }), 422, 'validation_failed');
  expect(query.errors?.[0]?.loc).toEqual(['query', 'estado']);
});
