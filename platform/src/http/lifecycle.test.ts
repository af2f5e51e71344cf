import { once } from 'node:events';
import { connect } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Context } from '../kernel/index.ts';
import { routesOf } from './route.ts';
import { actorOf, openSmallServer, type Small, type SmallOptions, type SmallServer } from './test/small-server.ts';

const { publicRoute } = routesOf<Small>();

let opened: SmallServer | undefined;
afterEach(async () => {
  await opened?.server.close();
  opened = undefined;
});

async function open(options: SmallOptions): Promise<SmallServer> {
  opened = await openSmallServer(options);
  return opened;
}

/** A route whose answer waits until a test lets it go, and the contexts of those who asked. */
function waitingRoute() {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const contexts: Context[] = [];
  const route = publicRoute({
    method: 'GET',
    path: '/wait',
    operation: 'wait',
    summary: 'Waits',
    tag: 'things',
    replies: { 204: null },
    handle: async ({ context }) => {
      contexts.push(context);
      await released;
      return { status: 204, body: undefined };
    },
  });
  return { route, contexts, release };
}

/** Sends a request by hand, so that its client can go away at any moment. */
async function ask({ server }: SmallServer) {
  await server.listen({ port: 0, host: '127.0.0.1' });
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('The server listens nowhere');
  const socket = connect(address.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /api/wait HTTP/1.1\r\nhost: small\r\n\r\n');
  return socket;
}

describe('the signal of a request', () => {
  it('is aborted when its client goes away', async () => {
    const { route, contexts, release } = waitingRoute();
    const socket = await ask(await open({ routes: [route] }));
    await vi.waitFor(() => expect(contexts).toHaveLength(1));
    const signal = contexts[0]?.signal;
    expect(signal?.aborted).toBe(false);
    const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve));
    socket.destroy();
    await aborted;
    expect(contexts[0]?.signal).toBe(signal);
    release();
  });

  it('that is asked for after the client has gone is aborted already', async () => {
    const { route, contexts, release } = waitingRoute();
    const small = await open({ routes: [route] });
    const closed = new Promise((resolve) =>
      small.server.server.on('request', (_, answer) => answer.on('close', resolve)),
    );
    const socket = await ask(small);
    await vi.waitFor(() => expect(contexts).toHaveLength(1));
    socket.destroy();
    await closed;
    expect(contexts[0]?.signal.aborted).toBe(true);
    release();
  });

  it('is not aborted by an answer', async () => {
    const { route, contexts, release } = waitingRoute();
    const socket = await ask(await open({ routes: [route] }));
    await vi.waitFor(() => expect(contexts).toHaveLength(1));
    const signal = contexts[0]?.signal;
    release();
    await once(socket, 'data');
    socket.destroy();
    await once(socket, 'close');
    await vi.waitFor(() => expect(opened?.observed).toHaveLength(1));
    expect(signal?.aborted).toBe(false);
  });
});

describe('who asks', () => {
  const things = (token: string) =>
    opened?.server.inject({ url: '/api/things/1', headers: { authorization: `Bearer ${token}` } });

  it.each([
    ['at once', actorOf],
    ['after a while', async (token: string) => actorOf(token)],
  ])('may be known %s', async (_, authenticate) => {
    await open({ authenticate });
    expect((await things('keeper-token'))?.statusCode).toBe(200);
    expect((await things('guest-token'))?.statusCode).toBe(403);
    expect((await things('other-token'))?.statusCode).toBe(401);
    expect(opened?.refused).toEqual([{ actor: 'Gil', permission: 'thing.find' }]);
    expect(opened?.lines.map(({ fields }) => [fields['operation'], fields['user_id']])).toEqual([
      ['thing.find', '1'],
      ['thing.find', '2'],
      ['thing.find', null],
    ]);
  });
});

describe('the size of an answer', () => {
  const textRoute = (text: string) =>
    publicRoute({
      method: 'GET',
      path: '/text',
      operation: 'text',
      summary: 'A text',
      tag: 'things',
      replies: { 200: z.object({ t: z.string() }) },
      handle: async () => ({ status: 200, body: { t: text } }),
    });

  // Eight bytes stand around each text; what counts is bytes, not characters.
  it.each([
    ['x'.repeat(1_015), undefined],
    ['x'.repeat(1_016), 'gzip'],
    ['é'.repeat(507), undefined],
    ['é'.repeat(508), 'gzip'],
  ])('of %# is what compression goes by', async (text, encoding) => {
    const small = await open({ routes: [textRoute(text)] });
    const answer = await small.server.inject({ url: '/api/text', headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(answer.headers['content-length']).toBe(String(answer.rawPayload.length));
    const plain = encoding ? gunzipSync(answer.rawPayload) : answer.rawPayload;
    expect(JSON.parse(plain.toString('utf8'))).toEqual({ t: text });
  });

  it('that is not known does not matter: streams are compressed', async () => {
    const small = await open({});
    const answer = await small.server.inject({ url: '/api/export', headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(answer.rawPayload).toString('utf8')).toBe('id,name\r\n1,one\r\n');
  });
});

describe('a body that comes compressed', () => {
  const send = async (payload: Buffer, encoding: string) =>
    (await open({})).server.inject({
      method: 'POST',
      url: '/api/things',
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      payload,
    });

  it('is unpacked', async () => {
    expect((await send(gzipSync('{"name":"one"}'), 'gzip')).json()).toEqual({ name: 'one' });
  });

  it('in a way that is not known is refused', async () => {
    expect((await send(Buffer.from('{"name":"one"}'), 'pigeon')).statusCode).toBeGreaterThanOrEqual(400);
  });

  it('is measured as it is unpacked', async () => {
    const bomb = gzipSync(JSON.stringify({ name: 'x'.repeat(2_000_000) }));
    expect((await send(bomb, 'gzip')).statusCode).toBe(413);
  });
});

describe('an answer with values that may be null', () => {
  const part = z.object({ id: z.int().nullable() });
  const shape = {
    id: z.int().nullable(),
    amount: z.number().min(0).nullable(),
    name: z.string().max(9).nullable(),
    at: z.iso.datetime().nullable(),
    is: z.boolean().nullable(),
    state: z.enum(['open', 'shut']).nullable(),
    kind: z.literal('kind').nullable(),
    part: part.nullable(),
    parts: z.array(part.nullable()).nullable(),
    either: z.union([z.string(), part]).nullable(),
    nested: z.union([z.object({ state: z.enum(['open']).nullable(), id: z.int().nullable() }), z.string()]),
    maybe: z.int().nullish(),
  };
  const full = {
    id: 1,
    amount: 0.5,
    name: 'one',
    at: '2026-01-31T00:00:00.000Z',
    is: false,
    state: 'open' as const,
    kind: 'kind' as const,
    part: { id: 2 },
    parts: [{ id: 3 }, null, { id: null }],
    either: { id: 4 },
    nested: { state: 'open' as const, id: 5 },
    maybe: 6,
  };
  const nothing = { ...full, id: null, amount: null, name: null, at: null, is: null, state: null, kind: null };
  const none = { ...nothing, part: null, parts: null, either: null, nested: { state: null, id: null }, maybe: null };

  it.each([
    ['and are not', full],
    ['and are', none],
    ['and one is not there', { ...none, maybe: undefined, either: 'text', nested: 'text' }],
  ])('%s, is what was answered, without what its schema does not name', async (_, body) => {
    const answering = publicRoute({
      method: 'GET',
      path: '/null',
      operation: 'null',
      summary: 'Null',
      tag: 'things',
      replies: { 200: z.object(shape) },
      handle: async () => ({ status: 200, body: { ...body, secret: 'not to be told' } }),
    });
    const small = await open({ routes: [answering] });
    expect((await small.server.inject('/api/null')).json()).toEqual(JSON.parse(JSON.stringify(body)));
  });
});
