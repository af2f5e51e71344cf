import { createHash, timingSafeEqual } from 'node:crypto';
import fastifyCors from '@fastify/cors';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock, Log, Problem } from '../kernel/index.ts';
import { readBodies } from './body-parsers.ts';
import { brokenRequestAnswerer } from './broken-request.ts';
import { addressReader } from './client-address.ts';
import { registerCompression } from './compression.ts';
import { mountDocs } from './docs-pages.ts';
import type { Mount } from './mount.ts';
import { mountRoute } from './mount-route.ts';
import { openApiOf, type OpenApiSource } from './openapi.ts';
import { problemOf, sendProblem } from './problem-reply.ts';
import { methodNotAllowed, routeNotFound } from './problems.ts';
import { readinessOf } from './readiness.ts';
import { type ContextParts, logRequest, RequestContext, type RequestObserver } from './request-context.ts';
import { mountSockets } from './sockets.ts';

export interface ServerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** CIDRs of proxies whose `X-Forwarded-For` is believed. */
  readonly trustProxy: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly checksReplies: boolean;
  readonly observe: RequestObserver;
  /** Prometheus text; undefined closes `/metrics`. */
  readonly metrics?: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly metricsToken?: string | undefined;
  /** HTML at `/` where several services share the port. */
  readonly frontPage?: () => string;
}

/** A mount with its documentation; App is the service's own business. */
export interface MountedService {
  readonly mount: Mount<unknown>;
  readonly openApi: OpenApiSource;
}

const limits = {
  requestMs: 30_000,
  headersMs: 10_000,
  keepAliveMs: 72_000,
  checkingMs: 2_000,
  connectionsMax: 20_000,
  headerBytes: 16_384,
  headersMax: 100,
  pathParamLength: 500,
} as const;

/** Security headers of every answer; pages of documentation bring their own policy. */
const baseHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/** Builds the HTTP server of one process with its services mounted. It does not listen yet. */
export async function buildServer(
  services: readonly MountedService[],
  options: ServerOptions,
): Promise<FastifyInstance> {
  const server = Fastify({
    logger: false,
    bodyLimit: 1_048_576,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    routerOptions: { maxParamLength: limits.pathParamLength, ignoreTrailingSlash: true },
    exposeHeadRoutes: true,
    forceCloseConnections: 'idle',
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: limits.checkingMs,
      // Some clients offer HTTP/2 with each request; they are answered over HTTP/1.1 as if they had not.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
    },
    clientErrorHandler: brokenRequestAnswerer(baseHeaders, options.clock),
    frameworkErrors: (error, request, reply) => {
      request.quinta = new RequestContext(request, reply.raw, parts);
      void reply.headers(baseHeaders).header('x-request-id', request.quinta.requestId);
      // No route was looked for yet, so the service is told by the prefix alone.
      const service = services.find(({ mount }) => request.url.startsWith(`${mount.prefix}/`));
      const problem = problemOf(error, () => options.log);
      // Hooks run for routes alone, and this request never came to one.
      reply.raw.once('finish', () => tellOf(request, reply, options.observe));
      void sendProblem(request, reply, problem, service?.mount.legacyMembers);
    },
  });
  const parts = { clock: options.clock, log: options.log, addressOf: addressReader(options.trustProxy) };
  server.server.maxHeadersCount = limits.headersMax;
  server.server.maxConnections = limits.connectionsMax;
  followRequests(server, parts, options.observe);
  await registerCompression(server);
  if (options.corsOrigins.length > 0) await server.register(fastifyCors, corsSettings(options.corsOrigins));
  readBodies(server);
  if (options.frontPage) mountFrontPage(server, options.frontPage);
  for (const service of services) {
    await server.register((scope) => mountService(scope, service, options), { prefix: service.mount.prefix });
  }
  server.setErrorHandler((error, request, reply) =>
    sendProblem(
      request,
      reply,
      problemOf(error, () => request.quinta.log),
    ),
  );
  const sockets = mountSockets(server.server, {
    mounts: services.map(({ mount }) => mount),
    parts,
    headers: baseHeaders,
    corsOrigins: options.corsOrigins,
    observe: options.observe,
  });
  server.addHook('preClose', () => sockets.close());
  // A service alone at the root brings its own.
  if (services.every(({ mount }) => mount.prefix !== '')) {
    server.setNotFoundHandler((request, reply) => sendProblem(request, reply, routeNotFound()));
  }
  return server;
}

/** Gives each request its context, and tells of it once it is answered. */
function followRequests(server: FastifyInstance, parts: ContextParts, observe: RequestObserver): void {
  server.decorateRequest('quinta');
  server.addHook('onRequest', (request, reply, done) => {
    request.quinta = new RequestContext(request, reply.raw, parts);
    reply.headers(baseHeaders).header('x-request-id', request.quinta.requestId);
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    tellOf(request, reply, observe);
    done();
  });
}

/** The one log line of a request and its sample for the metrics. */
function tellOf(request: FastifyRequest, reply: FastifyReply, observe: RequestObserver): void {
  const context = request.quinta;
  const durationMs = performance.now() - context.startedMs;
  const status = reply.statusCode;
  logRequest(context, { status, durationMs });
  // The pattern, never the path: what clients invent must not become a series.
  const route = context.route ?? (request.is404 ? undefined : request.routeOptions.url);
  observe({ service: context.service, route, method: context.method, status, durationMs });
}

async function mountService(scope: FastifyInstance, service: MountedService, options: ServerOptions): Promise<void> {
  const { mount, openApi } = service;
  const { name } = mount.face;
  scope.addHook('onRequest', (request, _, done) => {
    request.quinta.service = name;
    request.quinta.sink = mount.log;
    done();
  });
  scope.setErrorHandler((error, request, reply) =>
    sendProblem(
      request,
      reply,
      problemOf(error, () => request.quinta.log),
      mount.legacyMembers,
    ),
  );
  const patterns: { readonly method: string; readonly pattern: RegExp }[] = [];
  const add = (prefix: string, route: (typeof mount.apiRoutes)[number]): void => {
    mountRoute(scope, `${prefix}${route.path}`, route, { mount, options });
    patterns.push({ method: route.method, pattern: patternOf(`${mount.prefix}${prefix}${route.path}`) });
  };
  for (const route of mount.rootRoutes) add('', route);
  for (const prefix of mount.apiPrefixes) for (const route of mount.apiRoutes) add(prefix, route);
  scope.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, unmatched(request.quinta.endpoint, patterns), mount.legacyMembers),
  );
  mountOperations(scope, mount, options);
  if (mount.hasDocs) mountDocs(scope, mount.prefix, openApiOf(openApi, mount.prefix || '/'));
}

/** `/health` (unless the service has its own), `/ready` and `/metrics`. */
function mountOperations(scope: FastifyInstance, mount: Mount<unknown>, options: ServerOptions): void {
  if (!mount.rootRoutes.some((route) => route.path === '/health')) {
    scope.get('/health', (_, reply) => reply.send({ status: 'ok', service: mount.face.title }));
  }
  scope.get('/ready', async (_, reply) => {
    const readiness = await readinessOf(mount.readyChecks);
    const isDown = readiness.status === 'down';
    if (isDown) reply.header('retry-after', '1');
    return reply.status(isDown ? 503 : 200).send(readiness);
  });
  const { metrics, metricsToken } = options;
  if (!metrics) return;
  scope.get('/metrics', async (request, reply) => {
    if (metricsToken && !isSameSecret(request.headers.authorization, `Bearer ${metricsToken}`)) throw routeNotFound();
    const { contentType, text } = await metrics();
    return reply.type(contentType).send(text);
  });
}

/** Compares in a time that does not tell how much of the secret was right. */
function isSameSecret(given: string | undefined, expected: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** 405 with what is allowed where the path is known under another method, else 404. */
function unmatched(path: string, patterns: readonly { method: string; pattern: RegExp }[]): Problem {
  const methods = [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
  if (methods.length === 0) return routeNotFound();
  if (methods.includes('GET')) methods.push('HEAD');
  const allowed = methods.toSorted().join(', ');
  return methodNotAllowed({ allowed }, { headers: { allow: allowed } });
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`);
}

function mountFrontPage(server: FastifyInstance, frontPage: () => string): void {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
  server.get('/', (_, reply) =>
    reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(frontPage()),
  );
}

function corsSettings(origins: readonly string[]): object {
  return {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'X-Request-ID',
      'Idempotency-Replayed',
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
      'ETag',
      'Link',
    ],
    maxAge: 600,
  };
}
