import { gunzipSync, inflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isUuid } from '../kernel/index.ts';
import { documentRoute } from './test/document-route.ts';
import { openSmallServer, type SmallServer } from './test/small-server.ts';

let small: SmallServer;
beforeEach(async () => {
  const server = { corsOrigins: ['https://app.example', 'http://localhost:5173'] };
  small = await openSmallServer({ server, routes: [documentRoute] });
});
afterEach(() => small.server.close());

const known = '0190F3A2-5C1E-7A43-9A51-0F2A6D1C9E11';

describe('the id of a request', () => {
  it("is the caller's where it is a UUID, in lower case", async () => {
    const answer = await small.server.inject({ url: '/api/who', headers: { 'x-request-id': known } });
    expect(answer.headers['x-request-id']).toBe(known.toLowerCase());
    expect(answer.json()).toMatchObject({ request_id: known.toLowerCase() });
  });

  it.each([['17'], [''], [`${known}x`], ['<script>'], [known.replaceAll('-', '')]])(
    'is a new UUIDv7 for %j',
    async (sent) => {
      const answer = await small.server.inject({ url: '/api/who', headers: { 'x-request-id': sent } });
      const id = String(answer.headers['x-request-id']);
      expect(isUuid(id)).toBe(true);
      expect(id[14]).toBe('7');
      expect(answer.json()).toMatchObject({ request_id: id });
    },
  );

  it('is new for each, whatever the flood', async () => {
    const ids = new Set<unknown>();
    for (let count = 0; count < 2_000; count++)
      ids.add((await small.server.inject('/api/who')).headers['x-request-id']);
    expect(ids.size).toBe(2_000);
  });

  it('stands in the one log line of the request, with its trace, and the query does not', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = {
      'x-request-id': known,
      traceparent: `00-${trace}-00f067aa0ba902b7-01`,
      authorization: 'Bearer keeper-token',
      'user-agent': 'test\tagent',
    };
    const answer = await small.server.inject({ url: '/api/who?q=private', headers });
    expect(answer.json()).toMatchObject({ trace_id: trace, user_agent: 'test?agent', endpoint: '/api/who' });
    expect(small.lines.length).toBe(1);
    expect(small.lines[0]).toMatchObject({
      level: 'info',
      message: 'Request completed',
      fields: {
        request_id: known.toLowerCase(),
        trace_id: trace,
        operation: 'who',
        method: 'GET',
        path: '/api/who',
        status_code: 200,
        ip: '127.0.0.1',
      },
    });
    expect(JSON.stringify(small.lines)).not.toMatch(/private|keeper-token/);
  });
});

describe('every answer', () => {
  it.each([['/api/who'], ['/nowhere'], ['/api/broken'], ['/ready'], ['/api/export']])(
    '%s has the security headers',
    async (url) => {
      const { headers } = await small.server.inject(url);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
      });
      expect(headers['server']).toBeUndefined();
      expect(headers['x-powered-by']).toBeUndefined();
    },
  );

  it('is observed once, by the pattern of its route and never by its path', async () => {
    const urls = ['/api/who', '/api/v1/who?q=1', '/nowhere', '/nowhere/else', '/api/things/5', '/api/%zz', '/ready'];
    for (const url of urls) await small.server.inject(url);
    expect(small.observed.map(({ route, status }) => `${route} ${status}`)).toEqual([
      '/api/who 200',
      '/api/v1/who 200',
      'undefined 404',
      'undefined 404',
      '/api/things/:id 401',
      'undefined 400',
      '/ready 200',
    ]);
  });

  it('to HEAD is that to GET without its body', async () => {
    const got = await small.server.inject('/api/large');
    const headed = await small.server.inject({ method: 'HEAD', url: '/api/large' });
    expect(headed.statusCode).toBe(200);
    expect(headed.body).toBe('');
    expect(headed.headers['content-type']).toBe(got.headers['content-type']);
    expect(headed.headers['content-length']).toBe(got.headers['content-length']);
  });

  it('that does not fit its schema is a 500 while tests run', async () => {
    const answer = await small.server.inject('/api/liar');
    expect(answer.statusCode).toBe(500);
    expect(JSON.stringify(small.lines.map(({ fields }) => String(fields['error'])))).toContain('Invalid ISO datetime');
    const production = await openSmallServer({ server: { checksReplies: false } });
    expect((await production.server.inject('/api/liar')).statusCode).toBe(200);
    await production.server.close();
  });

  it('of a stream comes as a file', async () => {
    const answer = await small.server.inject('/api/export');
    expect(answer.body).toBe('id,name\r\n1,one\r\n');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="rows.csv"',
    });
  });

  it('of bytes has every one of them, packed or not', async () => {
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const plain = await small.server.inject('/api/document');
    expect(plain.rawPayload).toEqual(everyByte);
    expect(plain.headers['content-type']).toBe('application/pdf');
    const packed = await small.server.inject({ url: '/api/document', headers: { 'accept-encoding': 'gzip' } });
    const isPacked = packed.headers['content-encoding'] === 'gzip';
    expect(isPacked ? gunzipSync(packed.rawPayload) : packed.rawPayload).toEqual(everyByte);
  });

  it.each(['identity', 'gzip'])('that fails before its first byte is a problem (%s)', async (encoding) => {
    const headers = { 'accept-encoding': encoding };
    const answer = await small.server.inject({ url: '/api/document?fault=first', headers });
    expect(answer.statusCode).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['content-disposition']).toBeUndefined();
    expect(answer.json()).toMatchObject({ code: 'malformed_request' });
  });

  it('that fails later breaks off, so that nobody takes half a file for one', async () => {
    const address = await small.server.listen({ port: 0, host: '127.0.0.1' });
    const answer = await fetch(`${address}/api/document?fault=later`);
    await expect(answer.arrayBuffer()).rejects.toThrow('terminated');
  });

  it('is ended where its reader leaves', async () => {
    const address = await small.server.listen({ port: 0, host: '127.0.0.1' });
    const reader = new AbortController();
    const answer = await fetch(`${address}/api/document?fault=endless`, { signal: reader.signal });
    expect(answer.status).toBe(200);
    reader.abort();
    await vi.waitFor(() => expect(small.app.handled).toBe(1));
  });

  it('of a type that its route does not name is a 500 while tests run', async () => {
    const answer = await small.server.inject('/api/document?fault=type');
    expect(answer.statusCode).toBe(500);
    expect(JSON.stringify(small.lines.map(({ fields }) => String(fields['error'])))).toContain('streamed image/png');
  });
});

describe('compression', () => {
  const large = (encoding: string) =>
    small.server.inject({ url: '/api/large', headers: { 'accept-encoding': encoding } });

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ])('by %s is done where it is asked for and worth it', async (encoding, unpack) => {
    const answer = await large(encoding);
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers['vary']).toMatch(/accept-encoding/i);
    expect(JSON.parse(unpack(answer.rawPayload).toString('utf8'))).toEqual({ text: 'large '.repeat(1_000) });
    const tiny = await small.server.inject({ url: '/api/who', headers: { 'accept-encoding': encoding } });
    expect(tiny.headers['content-encoding']).toBeUndefined();
  });

  it.each([['identity'], ['pigeon'], ['gzip;q=0'], ['']])('is not done for %j', async (encoding) => {
    const answer = await large(encoding);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.json()).toEqual({ text: 'large '.repeat(1_000) });
  });
});

describe('an answer that may be kept', () => {
  const cached = (tag?: string) =>
    small.server.inject({ url: '/api/cached', headers: tag === undefined ? {} : { 'if-none-match': tag } });

  it('has a tag, and is not sent again to who holds it', async () => {
    const first = await cached();
    const tag = String(first.headers['etag']);
    expect(tag).toMatch(/^W\/"[\w-]+"$/);
    expect(first.headers['cache-control']).toBe('private, no-cache');
    for (const held of [tag, `"other", ${tag}`, `${tag}, "other"`]) {
      const again = await cached(held);
      expect([again.statusCode, again.body, again.headers['etag']]).toEqual([304, '', tag]);
    }
    expect((await cached('W/"other"')).statusCode).toBe(200);
  });

  it.each([['*'], ['TAG,W/"x"'], ['TAG , "x"'], ['STRONG']])(
    'is matched as RFC 9110 section 13.1.2 says by %s',
    async (held) => {
      const tag = String((await cached()).headers['etag']);
      const sent = held.replace('TAG', tag).replace('STRONG', tag.slice(2));
      expect((await cached(sent)).statusCode).toBe(304);
    },
  );
});

describe('other origins', () => {
  const preflight = (origin: string) =>
    small.server.inject({
      method: 'OPTIONS',
      url: '/api/things',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });

  it('are let in by name', async () => {
    const answer = await preflight('https://app.example');
    expect(answer.statusCode).toBe(204);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-max-age': '600',
    });
    expect(answer.headers['access-control-allow-methods']).toContain('PATCH');
    const asked = await small.server.inject({ url: '/api/who', headers: { origin: 'http://localhost:5173' } });
    expect(asked.headers['access-control-allow-origin']).toBe('http://localhost:5173');
    expect(asked.headers['access-control-expose-headers']).toContain('X-Request-ID');
    expect(asked.headers['vary']).toMatch(/origin/i);
  });

  it.each([['https://evil.example'], ['https://app.example.evil.example'], ['null'], ['http://app.example']])(
    'as %s are not',
    async (origin) => {
      expect((await preflight(origin)).headers['access-control-allow-origin']).toBeUndefined();
      const asked = await small.server.inject({ url: '/api/who', headers: { origin } });
      expect(asked.headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  it('are none where none is configured, and all where all are', async () => {
    const [closed, open] = [await openSmallServer(), await openSmallServer({ server: { corsOrigins: ['*'] } })];
    const headers = { origin: 'https://app.example' };
    expect((await closed.server.inject({ url: '/api/who', headers })).headers).not.toHaveProperty(
      'access-control-allow-origin',
    );
    const answer = await open.server.inject({ url: '/api/who', headers });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    await closed.server.close();
    await open.server.close();
  });

  it('hear a refusal too', async () => {
    const answer = await small.server.inject({ url: '/nowhere', headers: { origin: 'https://app.example' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example');
  });
});
