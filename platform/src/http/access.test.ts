import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSmallServer, type SmallServer } from './test/small-server.ts';

let small: SmallServer;
beforeEach(async () => {
  small = await openSmallServer();
});
afterEach(() => small.server.close());

const change = (headers: Record<string, string>, body: unknown = { name: 'x' }, id = '1') =>
  small.server.inject({ method: 'PATCH', url: `/api/things/${id}`, headers, payload: JSON.stringify(body) });
const json = { 'content-type': 'application/json' };
const keeper = { authorization: 'Bearer keeper-token' };
const guest = { authorization: 'Bearer guest-token' };

describe('who may', () => {
  it('is asked in order: who, then may they, then what', async () => {
    const wrong = { name: 5 };
    expect((await change(json, wrong, 'x')).statusCode).toBe(401);
    expect((await change({ ...json, ...guest }, wrong, 'x')).statusCode).toBe(403);
    expect((await change({ ...json, ...keeper }, wrong, 'x')).statusCode).toBe(422);
    expect((await change({ ...json, ...keeper }, wrong)).statusCode).toBe(422);
    expect(small.app.handled).toBe(0);
    expect((await change({ ...json, ...keeper })).statusCode).toBe(204);
    expect(small.app.handled).toBe(1);
  });

  it('is decided before the body is read', async () => {
    expect((await change({ 'content-type': 'text/plain' })).statusCode).toBe(401);
    expect((await change({ ...json, ...guest }, 'x'.repeat(2_000_000))).statusCode).toBe(403);
  });

  it.each([
    ['none', undefined],
    ['no scheme', 'keeper-token'],
    ['another scheme', 'Basic a2VlcGVyOng='],
    ['no token', 'Bearer '],
    ['two tokens', 'Bearer keeper-token keeper-token'],
    ['characters of no token', 'Bearer keeper"token'],
    ['a token that is too long', `Bearer ${'a'.repeat(4_097)}`],
    ['a token that is not good', 'Bearer other-token'],
  ])('hears a 401 with a challenge for %s', async (_, authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    const answer = await small.server.inject({ url: '/api/me', headers });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer (realm="small"|error="invalid_token")$/);
    expect(answer.json()).toMatchObject({ code: 'unauthenticated', status: 401 });
    expect(answer.body).not.toContain('other-token');
  });

  it('is anybody signed in where a route says so', async () => {
    const answer = await small.server.inject({ url: '/api/me', headers: { authorization: 'bearer  guest-token ' } });
    expect(answer.json()).toEqual({ name: 'Gil' });
  });

  it('tells the service of each refusal of a known caller, and of no other', async () => {
    await small.server.inject({ url: '/api/things/1' });
    await small.server.inject({ url: '/api/things/1', headers: keeper });
    const refused = await small.server.inject({ url: '/api/v1/things/1', headers: guest });
    expect(refused.json()).toMatchObject({
      status: 403,
      code: 'permission_missing',
      detail: 'The role "guest" does not hold the permission "thing.find".',
    });
    expect(small.refused).toEqual([{ actor: 'Gil', permission: 'thing.find' }]);
  });
});

describe('a rate limit', () => {
  const ask = () => small.server.inject({ url: '/api/limited', remoteAddress: '2001:db8::5' });

  it('is told with every answer, and counted by the /64', async () => {
    const answer = await ask();
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({ 'ratelimit-policy': '"limited";q=5;w=60', ratelimit: '"limited";r=4;t=2' });
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(small.limitKeys).toEqual(['2001:db8:0:0::/64']);
  });

  it('refuses before anything else is done, and says when to come again', async () => {
    small.app.limit = { allowed: false, remaining: 0, retryAfterMs: 2_100, resetMs: 59_000 };
    const answer = await ask();
    expect(answer.statusCode).toBe(429);
    expect(answer.headers).toMatchObject({
      'retry-after': '3',
      'ratelimit-policy': '"limited";q=5;w=60',
      ratelimit: '"limited";r=0;t=59',
    });
    expect(answer.json()).toMatchObject({ code: 'too_many_requests', detail: 'Too many requests: try again in 3 s.' });
    expect(small.app.handled).toBe(0);
  });

  it('never asks to come again at once', async () => {
    small.app.limit = { allowed: false, remaining: 0, retryAfterMs: 0, resetMs: 0 };
    expect((await ask()).headers['retry-after']).toBe('1');
  });
});

describe('an idempotency key', () => {
  const make = (key: string | undefined) =>
    small.server.inject({
      method: 'POST',
      url: '/api/things',
      headers: { ...json, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      payload: '{"name":"x"}',
    });

  it('reaches the handler', async () => {
    expect((await make('a-key')).headers['x-key']).toBe('a-key');
    expect((await make(undefined)).headers['x-key']).toBe('none');
    expect((await make('~'.repeat(255))).headers['x-key']).toBe('~'.repeat(255));
  });

  it.each([[''], ['two words'], ['é'], ['k'.repeat(256)]])('of %j is refused', async (key) => {
    const answer = await make(key);
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ errors: [{ loc: ['header', 'idempotency-key'], type: 'pattern' }] });
  });
});
