import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { z } from 'zod';
import type { Actor } from '../kernel/index.ts';
import { limitKeyOf } from './client-address.ts';
import { requireMatch, sendTagged } from './entity-tag.ts';
import { fieldFaults, type InputPart, summaryOf } from './field-faults.ts';
import type { Mount } from './mount.ts';
import { permissionMissing, tooManyRequests, unauthenticated, validationFailed } from './problems.ts';
import { replySchemaOf } from './reply-schema.ts';
import type { RateLimit, Replies, ReplyOf, Route, SignedInCall, StreamReply } from './route.ts';
import { sendStream } from './stream-reply.ts';

export interface MountOptions {
  /** Whether each answer is checked against its schema: on in tests, where a difference is a 500. */
  readonly checksReplies: boolean;
}

const bodyBytesDefault = 1_048_576;
const tokenLengthMax = 4_096;
const noActor: Actor = { id: '', name: '', role: '', sessionId: '' };

/** Puts one route on the server: who is it, may they, how often, then parse, then handle. */
export function mountRoute<App>(
  server: FastifyInstance,
  path: string,
  route: Route<App>,
  mounted: { mount: Mount<App>; options: MountOptions },
): void {
  const { mount, options } = mounted;
  let pattern: string | undefined;
  const settings: RouteShorthandOptions = {
    bodyLimit: route.bodyBytesMax ?? bodyBytesDefault,
    config: { readsForm: route.bodyType === 'form' },
    schema: schemaOf(route),
    // Fastify types schemas as JSON Schema; ours are the Zod ones of `schemaOf`.
    validatorCompiler: ({ schema, httpPart }) => parserOf(schema as unknown as z.ZodType, httpPart ?? 'body'),
    // The framework waits for a promise, and goes on at once where it is told so.
    onRequest: (request, reply, done) => {
      request.quinta.operation = route.operation;
      request.quinta.route = pattern ??= request.routeOptions.url;
      const admission = admit(mount, route, request, reply);
      if (!admission) done();
      return admission;
    },
  };
  server.route({
    ...settings,
    method: route.method,
    url: path,
    handler: async (request, reply) => {
      const answer = await route.handle(callOf(mount, route, request, reply));
      if (options.checksReplies) checkReply(route, answer);
      if ('stream' in answer) return sendStream(answer, reply);
      sendReply(route, answer, request, reply);
      // Waiting for what has been sent already is the framework's way to wait for what streams.
      return reply.sent ? undefined : reply;
    },
  });
}

function callOf<App>(
  mount: Mount<App>,
  route: Route<App>,
  request: FastifyRequest,
  reply: FastifyReply,
): SignedInCall<App, unknown, unknown, unknown> {
  const context = request.quinta;
  return {
    app: mount.app,
    context,
    actor: context.actor ?? noActor,
    params: request.params,
    query: request.query,
    body: request.body,
    idempotencyKey: route.isIdempotent ? idempotencyKeyOf(request) : undefined,
    requireMatch: (current) => requireMatch(current, request, reply),
    can: (permission) => context.actor !== undefined && mount.can(context.actor, permission),
  };
}

/** How often, who is it, and may they. A promise only where something has to be waited for, which is seldom. */
function admit<App>(
  mount: Mount<App>,
  route: Route<App>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> | undefined {
  if (!route.rateLimit) return enter(mount, route, request);
  const policies = [route.rateLimit(mount.app)].flat();
  return limitByAll(mount, policies, request, reply).then(() => enter(mount, route, request));
}

/** The header tells of the last one, or of the one that refuses. */
async function limitByAll<App>(
  mount: Mount<App>,
  policies: readonly RateLimit[],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  for (const policy of policies) await limitByAddress(mount, policy, request, reply);
}

function enter<App>(mount: Mount<App>, route: Route<App>, request: FastifyRequest): Promise<void> | undefined {
  const isOpen = route.isOpenToAll?.(mount.app) ?? false;
  // Who shows a token is known all the same, and a bad one is refused.
  if (route.access === 'public' || (isOpen && request.headers.authorization === undefined)) return undefined;
  const actor = signIn(mount, request);
  if (actor instanceof Promise) return actor.then((known) => enterAs(known, mount, route, request));
  return enterAs(actor, mount, route, request);
}

function enterAs<App>(
  actor: Actor,
  mount: Mount<App>,
  route: Route<App>,
  request: FastifyRequest,
): Promise<void> | undefined {
  request.quinta.actor = actor;
  if (route.access !== 'permission' || mount.can(actor, route.operation)) return undefined;
  return refuse(mount, { actor, permission: route.operation }, request);
}

function signIn<App>(mount: Mount<App>, request: FastifyRequest): Promise<Actor> | Actor {
  const [, token] = /^Bearer +([\w~+/.=-]+) *$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!token || token.length > tokenLengthMax) {
    throw unauthenticated({}, { headers: { 'www-authenticate': `Bearer realm="${mount.face.name}"` } });
  }
  return mount.authenticate(token);
}

async function refuse<App>(
  mount: Mount<App>,
  refused: { readonly actor: Actor; readonly permission: string },
  request: FastifyRequest,
): Promise<never> {
  await mount.onRefused?.(refused, request.quinta);
  throw permissionMissing({ role: refused.actor.role, permission: refused.permission });
}

async function limitByAddress<App>(
  mount: Mount<App>,
  policy: RateLimit,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const decision = await mount.limit(policy, limitKeyOf(request.quinta.client.address));
  const seconds = Math.ceil(decision.resetMs / 1000);
  const headers = {
    'ratelimit-policy': `"${policy.name}";q=${policy.limit};w=${Math.round(policy.windowMs / 1000)}`,
    ratelimit: `"${policy.name}";r=${decision.remaining};t=${seconds}`,
  };
  reply.headers(headers);
  if (decision.allowed) return;
  const wait = Math.max(1, Math.ceil(decision.retryAfterMs / 1000));
  throw tooManyRequests({ seconds: wait }, { headers: { ...headers, 'retry-after': String(wait) } });
}

function schemaOf<App>(route: Route<App>): NonNullable<RouteShorthandOptions['schema']> {
  const response = Object.entries(route.replies).flatMap(([status, schema]) =>
    schema ? [[status, replySchemaOf(schema)]] : [],
  );
  return {
    ...(route.params ? { params: route.params } : {}),
    ...(route.query ? { querystring: route.query } : { querystring: z.strictObject({}) }),
    ...(route.body ? { body: route.body } : {}),
    response: Object.fromEntries(response) as Record<string, unknown>,
  };
}

const partNames: Readonly<Record<string, InputPart>> = { params: 'path', querystring: 'query', body: 'body' };

function parserOf(schema: z.ZodType, httpPart: string): (input: unknown) => { value: unknown } | { error: Error } {
  const part = partNames[httpPart] ?? 'header';
  return (input) => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return { value: parsed.data };
    const errors = fieldFaults(part, parsed.error.issues, input);
    return { error: validationFailed({ summary: summaryOf(errors) }, { errors }) };
  };
}

/** The idempotency key of a request: 1 to 255 printable ASCII characters. */
function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^[\u0021-\u007e]{1,255}$/.test(header)) return header;
  const errors = [
    { loc: ['header', 'idempotency-key'], msg: 'Expected 1 to 255 printable ASCII characters', type: 'pattern' },
  ];
  throw validationFailed({ summary: summaryOf(errors) }, { errors });
}

function checkReply<App>(route: Route<App>, answer: ReplyOf<Replies>): void {
  if ('stream' in answer) {
    const [type = ''] = answer.contentType.split(';');
    if (route.streams?.includes(type)) return;
    throw new Error(`${route.operation} streamed ${type}, which it does not declare`);
  }
  const schema = route.replies[answer.status];
  if (schema === undefined) throw new Error(`${route.operation} answered ${answer.status}, which it does not declare`);
  schema?.parse(answer.body);
}

function sendReply<App>(
  route: Route<App>,
  answer: Exclude<ReplyOf<Replies>, StreamReply>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  reply.status(answer.status);
  if (answer.headers) reply.headers(answer.headers);
  if (answer.body === undefined) return reply.send();
  if (!route.isCacheable) return reply.type('application/json; charset=utf-8').send(answer.body);
  return sendTagged(answer.body, request, reply);
}
