import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isUuid } from '../kernel/index.ts';
import { openSmallServer, type SmallServer } from './test/small-server.ts';

let small: SmallServer;
beforeEach(async () => {
  small = await openSmallServer({ withLegacyMembers: true });
});
afterEach(() => small.server.close());

interface Asked {
  readonly method?: 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  readonly url: string;
  readonly payload?: string | Buffer;
  readonly headers?: Record<string, string>;
}

const post = (payload: string | Buffer, contentType?: string): Asked => ({
  method: 'POST',
  url: '/api/things',
  payload,
  headers: contentType === undefined ? {} : { 'content-type': contentType },
});
const json = 'application/json';

/** Every way that the framework or the floor refuses a request, and what is said of it. */
const refusals: readonly (readonly [string, Asked, number, string, string])[] = [
  ['an unknown path', { url: '/nowhere' }, 404, 'not_found', 'The requested resource was not found'],
  ['an unknown path below the API', { url: '/api/v1/nowhere?x=1' }, 404, 'not_found', 'The requested resource'],
  ['an unknown method', { method: 'DELETE', url: '/api/who' }, 405, 'method_not_allowed', 'answers GET, HEAD only'],
  ['a body that is not JSON', post('{"name":', json), 400, 'malformed_request', 'the body is not JSON'],
  ['JSON and more', post('{"name":"x"}{}', json), 400, 'malformed_request', 'the body is not JSON'],
  ['a poisoned prototype', post('{"__proto__":{"x":1},"name":"x"}', json), 400, 'malformed_request', 'is not JSON'],
  ['a poisoned constructor', post('{"constructor":{"prototype":{}},"name":"x"}', json), 400, 'malformed_request', ''],
  ['a path that is no URL', { url: '/api/things/%zz' }, 400, 'malformed_request', 'its path is not a valid URL'],
  ['a parameter of 501 characters', { url: `/api/things/${'9'.repeat(501)}` }, 414, 'uri_too_long', '500 characters'],
  ['a body of 1 MiB and a byte', post(' '.repeat(1_048_577), json), 413, 'body_too_large', 'larger than'],
  [
    'a form',
    post('name=x', 'application/x-www-form-urlencoded'),
    415,
    'media_type_unsupported',
    'application/json only',
  ],
  ['a body of no type', post('{"name":"x"}'), 415, 'media_type_unsupported', 'application/json only'],
  ['a type that is none', post('{"name":"x"}', ';;;'), 415, 'media_type_unsupported', 'application/json only'],
  ['no body', post('', json), 422, 'validation_failed', 'body: Invalid input'],
  ['a wrong body', post('{"name":5}', json), 422, 'validation_failed', 'body.name: Invalid input'],
  ['an unknown field', post('{"name":"x","n":1}', json), 422, 'validation_failed', 'body.n: There is no such field'],
  ['an unknown query', { url: '/api/cached?x=1' }, 422, 'validation_failed', 'query.x: There is no such field'],
  ['no token', { url: '/api/me' }, 401, 'unauthenticated', 'Sign in first'],
  ['a bug', { url: '/api/broken' }, 500, 'internal_error', 'An internal server error occurred'],
];

describe('a refusal', () => {
  it.each(refusals)('of %s is a problem', async (...[, asked, status, code, detail]) => {
    const requestId = '0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11';
    const headers = { ...asked.headers, 'x-request-id': requestId };
    const answer = await small.server.inject({ ...asked, headers });
    const body = answer.json<Record<string, unknown>>();
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['x-request-id']).toBe(requestId);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(body).toMatchObject({ type: `urn:quinta:problem:${code}`, status, code, request_id: requestId });
    expect(body['instance']).toBe(asked.url.split('?')[0]?.slice(0, 255));
    expect(body['detail']).toContain(detail);
    // Earlier clients of the service read these two.
    expect(body).toMatchObject({ error: body['title'], message: body['detail'] });
    expect(answer.body).not.toMatch(/secret|select|\.ts|\n\s+at |FST_|node:/);
  });

  it('names each field at fault, what was given, and never a secret', async () => {
    const answer = await small.server.inject(post('{"name":"","password":"hunter2hunter2","extra":1}', json));
    const { errors } = answer.json<{ errors: { loc: string[]; msg: string; type: string }[] }>();
    expect(errors.map(({ loc, type }) => `${loc.join('.')} ${type}`)).toEqual([
      'body.name too_small',
      'body.password too_big',
      'body.extra unrecognized_keys',
    ]);
    expect(errors[0]?.msg).toMatch(/, got ""$/);
    expect(answer.body).not.toContain('hunter2');
  });

  it('carries what the service says of it', async () => {
    const headers = { authorization: 'Bearer keeper-token' };
    const answer = await small.server.inject({ url: '/api/things/7', headers });
    expect(answer.json()).toMatchObject({ code: 'thing_gone', detail: 'Thing 7 has gone.', gone_at: 'noon' });
  });

  it('of a bug leaves its text in the log, with the id of the request', async () => {
    const answer = await small.server.inject({ url: '/api/broken' });
    const line = small.lines.find(({ level }) => level === 'error');
    expect(line?.fields).toMatchObject({ request_id: answer.headers['x-request-id'], operation: 'broken' });
    expect(String(line?.fields['error'])).toContain('select password');
  });

  it('of a part that is down says when to come again, and why in the log alone', async () => {
    const answer = await small.server.inject({ url: '/api/down' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({ code: 'database_unavailable' });
    expect(answer.body).not.toContain('10.0.0.5');
    const line = small.lines.find(({ level }) => level === 'warn');
    expect(line?.fields).toMatchObject({ code: 'database_unavailable', request_id: answer.headers['x-request-id'] });
    expect(line?.fields['error']).toHaveProperty('cause.message', 'connect 10.0.0.5:5432');
  });

  it.each([
    ['/api/things', 'POST', 'PUT'],
    ['/api/v1/things/5', 'GET, HEAD, PATCH', 'DELETE'],
    ['/api/v1/things/5/', 'GET, HEAD, PATCH', 'POST'],
    ['/', 'GET, HEAD', 'POST'],
    ['/api/who', 'GET, HEAD', 'OPTIONS'],
  ] as const)('of %s says that it allows %s, to %s', async (url, allow, method) => {
    const answer = await small.server.inject({ method, url });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers['allow']).toBe(allow);
  });

  it('reads a body of no bytes with a JSON type as none', async () => {
    const answer = await small.server.inject({
      method: 'POST',
      url: '/api/tiny',
      headers: { 'content-type': json },
      payload: '',
    });
    expect(answer.statusCode).toBe(204);
  });

  it('comes at the size that a route sets', async () => {
    const tiny = (bytes: number): Asked => ({ ...post(`"${'x'.repeat(bytes - 2)}"`, json), url: '/api/tiny' });
    expect((await small.server.inject(tiny(100))).statusCode).toBe(204);
    expect((await small.server.inject(tiny(101))).statusCode).toBe(413);
  });

  it('is at hand for a service under a prefix, and outside of it', async () => {
    const shared = await openSmallServer({ prefix: '/small', withLegacyMembers: true });
    const inside = await shared.server.inject({ url: '/small/nowhere' });
    expect(inside.json()).toMatchObject({ code: 'not_found', error: 'Not Found' });
    const outside = await shared.server.inject({ url: '/nowhere' });
    expect(outside.json()).toMatchObject({ code: 'not_found', instance: '/nowhere' });
    expect(outside.json()).not.toHaveProperty('error');
    expect((await shared.server.inject({ url: '/api/who' })).statusCode).toBe(404);
    expect((await shared.server.inject({ url: '/smaller' })).json()).not.toHaveProperty('error');
    const bad = await shared.server.inject({ url: '/small/api/things/%zz' });
    expect(bad.json()).toMatchObject({ code: 'malformed_request', error: 'Bad Request' });
    const wrong = await shared.server.inject({ method: 'PUT', url: '/small/api/who' });
    expect(wrong.headers['allow']).toBe('GET, HEAD');
    await shared.server.close();
  });

  it('of what is not HTTP is a problem too', async () => {
    const address = new URL(await small.server.listen({ host: '127.0.0.1', port: 0 }));
    const received = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(address.port), address.hostname, () => socket.end('nonsense\r\n\r\n'));
      socket.on('data', (chunk) => (text += chunk.toString('utf8')));
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    const [head = '', body = ''] = received.split('\r\n\r\n');
    const problem = JSON.parse(body) as Record<string, unknown>;
    expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(head).toContain('content-type: application/problem+json');
    expect(head).toContain(`x-request-id: ${String(problem['request_id'])}`);
    expect(isUuid(String(problem['request_id']))).toBe(true);
    expect(problem).toMatchObject({ status: 400, code: 'malformed_request', instance: '' });
  });
});
