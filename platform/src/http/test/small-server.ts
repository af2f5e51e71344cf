import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { databaseUnavailable } from '../../database/index.ts';
import type { Actor, Log, LogFields } from '../../kernel/index.ts';
import { defineProblem, systemClock } from '../../kernel/index.ts';
import { idParams, plainText } from '../parameters.ts';
import type { LimitDecision, Mount, ReadyCheck } from '../mount.ts';
import { platformProblems, unauthenticated } from '../problems.ts';
import { type Route, routesOf } from '../route.ts';
import type { RequestObserver } from '../request-context.ts';
import { buildServer, type ServerOptions } from '../server.ts';

/** A line of a log, as a test reads it. */
export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** What the small service keeps: how often its handlers ran. */
export interface Small {
  handled: number;
  limit: LimitDecision;
}

const thingGone = defineProblem('thing_gone', 409, 'Conflict', 'Thing {id} has gone.');

const { route, signedInRoute, publicRoute } = routesOf<Small>();
const tag = 'things';
const whoOutput = z.object({
  address: z.string(),
  user_agent: z.string(),
  request_id: z.string(),
  trace_id: z.string(),
  endpoint: z.string(),
});

const apiRoutes: readonly Route<Small>[] = [
  publicRoute({
    method: 'GET',
    path: '/who',
    operation: 'who',
    summary: 'Who asks',
    tag,
    query: z.strictObject({ q: z.string().optional() }),
    replies: { 200: whoOutput },
    handle: async ({ app, context }) => {
      app.handled += 1;
      const { address, userAgent } = context.client;
      const { requestId, traceId, endpoint } = context;
      const body = { address, user_agent: userAgent, request_id: requestId, trace_id: traceId, endpoint };
      return { status: 200, body };
    },
  }),
  publicRoute({
    method: 'POST',
    path: '/things',
    operation: 'thing.make',
    summary: 'Make a thing',
    tag,
    body: z.strictObject({ name: plainText({ min: 1, max: 20 }), password: z.string().max(10).optional() }),
    replies: { 201: z.object({ name: z.string() }) },
    isIdempotent: true,
    handle: async ({ body, idempotencyKey }) => ({
      status: 201,
      body: { name: body.name },
      headers: { 'x-key': idempotencyKey ?? 'none' },
    }),
  }),
  publicRoute({
    method: 'POST',
    path: '/tiny',
    operation: 'tiny',
    summary: 'Reads a hundred bytes',
    tag,
    body: z.unknown(),
    replies: { 204: null },
    bodyBytesMax: 100,
    handle: async () => ({ status: 204, body: undefined }),
  }),
  publicRoute({
    method: 'GET',
    path: '/cached',
    operation: 'cached',
    summary: 'Can be kept',
    tag,
    replies: { 200: z.object({ text: z.string() }) },
    isCacheable: true,
    handle: async () => ({ status: 200, body: { text: 'the same' } }),
  }),
  publicRoute({
    method: 'GET',
    path: '/large',
    operation: 'large',
    summary: 'Is worth compressing',
    tag,
    replies: { 200: z.object({ text: z.string() }) },
    handle: async () => ({ status: 200, body: { text: 'large '.repeat(1_000) } }),
  }),
  publicRoute({
    method: 'GET',
    path: '/limited',
    operation: 'limited',
    summary: 'May be asked so often',
    tag,
    replies: { 204: null },
    rateLimit: () => ({ name: 'limited', limit: 5, windowMs: 60_000 }),
    handle: async ({ app }) => {
      app.handled += 1;
      return { status: 204, body: undefined };
    },
  }),
  publicRoute({
    method: 'GET',
    path: '/liar',
    operation: 'liar',
    summary: 'Answers what it does not declare',
    tag,
    replies: { 200: z.object({ at: z.iso.datetime() }) },
    // To the compiler any text is as good as an instant.
    handle: async () => ({ status: 200, body: { at: 'noon' } }),
  }),
  publicRoute({
    method: 'GET',
    path: '/broken',
    operation: 'broken',
    summary: 'Fails in a way that nobody foresaw',
    tag,
    replies: { 204: null },
    handle: (): Promise<{ status: 204; body: undefined }> =>
      Promise.reject(new Error('select password from people at /srv/app/secret.ts:1')),
  }),
  publicRoute({
    method: 'GET',
    path: '/down',
    operation: 'down',
    summary: 'Lacks a part that it needs',
    tag,
    replies: { 204: null },
    handle: (): Promise<{ status: 204; body: undefined }> =>
      Promise.reject(
        databaseUnavailable({}, { cause: new Error('connect 10.0.0.5:5432'), headers: { 'retry-after': '1' } }),
      ),
  }),
  publicRoute({
    method: 'GET',
    path: '/export',
    operation: 'export',
    summary: 'Rows as they are read',
    tag,
    replies: { 200: null },
    streams: ['text/csv'],
    handle: async () => ({ status: 200, stream: rows(), contentType: 'text/csv; charset=utf-8', fileName: 'rows.csv' }),
  }),
  signedInRoute({
    method: 'GET',
    path: '/me',
    operation: 'me',
    summary: 'The caller',
    tag,
    replies: { 200: z.object({ name: z.string() }) },
    handle: async ({ actor }) => ({ status: 200, body: { name: actor.name } }),
  }),
  route({
    method: 'GET',
    path: '/things/:id',
    operation: 'thing.find',
    summary: 'One thing',
    tag,
    params: idParams,
    replies: { 200: z.object({ id: z.int() }) },
    problems: ['thing_gone'],
    handle: async ({ params }) => {
      if (params.id === 7) throw thingGone({ id: 7 }, { members: { gone_at: 'noon' } });
      return { status: 200, body: { id: params.id } };
    },
  }),
  route({
    method: 'PATCH',
    path: '/things/:id',
    operation: 'thing.change',
    summary: 'Change a thing',
    tag,
    params: idParams,
    body: z.strictObject({ name: z.string() }),
    replies: { 204: null },
    handle: async ({ app }) => {
      app.handled += 1;
      return { status: 204, body: undefined };
    },
  }),
];

async function* rows(): AsyncGenerator<string> {
  yield 'id,name\r\n';
  yield '1,one\r\n';
}

const rootRoutes: readonly Route<Small>[] = [
  publicRoute({
    method: 'GET',
    path: '/',
    operation: 'status',
    summary: 'It answers',
    tag: 'status',
    replies: { 200: z.object({ status: z.literal('ok') }) },
    handle: async () => ({ status: 200, body: { status: 'ok' as const } }),
  }),
];

/** Who a token of the small service stands for. */
export function actorOf(token: string): Actor {
  const actor = actors[token];
  if (!actor) throw unauthenticated({}, { headers: { 'www-authenticate': 'Bearer error="invalid_token"' } });
  return actor;
}

const actors: Readonly<Record<string, Actor>> = {
  'keeper-token': { id: '1', name: 'Kim', role: 'keeper', sessionId: 's1' },
  'guest-token': { id: '2', name: 'Gil', role: 'guest', sessionId: 's2' },
};

export interface SmallOptions {
  readonly prefix?: string;
  readonly hasDocs?: boolean;
  readonly readyChecks?: readonly ReadyCheck[];
  readonly withLegacyMembers?: boolean;
  /** Routes beside those that every small service has. */
  readonly routes?: readonly Route<Small>[];
  readonly authenticate?: Mount<Small>['authenticate'];
  readonly server?: Partial<ServerOptions>;
}

export interface SmallServer {
  readonly server: FastifyInstance;
  readonly app: Small;
  readonly lines: readonly Line[];
  readonly observed: readonly Parameters<RequestObserver>[0][];
  readonly refused: readonly { readonly actor: string; readonly permission: string }[];
  /** The keys that limits were counted by. */
  readonly limitKeys: readonly string[];
}

/** The server of the house with one service that has a route of every kind. The caller closes it. */
export async function openSmallServer(options: SmallOptions = {}): Promise<SmallServer> {
  const app: Small = { handled: 0, limit: { allowed: true, remaining: 4, retryAfterMs: 0, resetMs: 1_200 } };
  const lines: Line[] = [];
  const observed: Parameters<RequestObserver>[0][] = [];
  const refused: { actor: string; permission: string }[] = [];
  const limitKeys: string[] = [];
  const mount: Mount<Small> = {
    face: { name: 'small', title: 'Small', summary: 'A service for tests.', version: '1.2.3' },
    prefix: options.prefix ?? '',
    app,
    rootRoutes,
    apiRoutes: [...apiRoutes, ...(options.routes ?? [])],
    apiPrefixes: ['/api/v1', '/api'],
    log: logInto(lines),
    readyChecks: options.readyChecks ?? [],
    hasDocs: options.hasDocs ?? false,
    ...(options.withLegacyMembers ? { legacyMembers: ({ title, message }) => ({ error: title, message }) } : {}),
    authenticate: options.authenticate ?? actorOf,
    can: (actor) => actor.role === 'keeper',
    limit: async (_, key) => {
      limitKeys.push(key);
      return app.limit;
    },
    onRefused: async ({ actor, permission }) => void refused.push({ actor: actor.name, permission }),
  };
  const problems = [...platformProblems, thingGone].map(({ definition }) => definition);
  const openApi = { ...mount, problems, rolesWith: () => ['keeper'] };
  const server = await buildServer([{ mount, openApi }], {
    clock: systemClock,
    log: logInto(lines),
    trustProxy: [],
    corsOrigins: [],
    checksReplies: true,
    observe: (request) => void observed.push(request),
    ...options.server,
  });
  return { server, app, lines, observed, refused, limitKeys };
}

function logInto(lines: Line[], bound: LogFields = {}): Log {
  const at = (level: string) => (fields: LogFields, message: string) =>
    void lines.push({ level, message, fields: { ...bound, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logInto(lines, { ...bound, ...fields }),
  };
}
