import { z } from 'zod';
import type { ProblemDefinition } from '../kernel/index.ts';
import type { ServiceFace } from './mount.ts';
import type { Route } from './route.ts';

export type OpenApiDocument = Readonly<Record<string, unknown>>;

export interface OpenApiSource {
  readonly face: ServiceFace;
  readonly rootRoutes: readonly Route<unknown>[];
  readonly apiRoutes: readonly Route<unknown>[];
  readonly apiPrefixes: readonly string[];
  readonly problems: readonly ProblemDefinition[];
  /** Roles that hold each permission, for the operation's description. */
  rolesWith(permission: string): readonly string[];
}

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of a service, made from its routes alone: no server and no database is needed. */
export function openApiOf(source: OpenApiSource, serverUrl = '/'): OpenApiDocument {
  const paths: Record<string, Json> = {};
  const add = (prefix: string, route: Route<unknown>): void => {
    const path = `${prefix}${route.path}`.replaceAll(/:(\w+)/g, '{$1}') || '/';
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, source);
  };
  for (const route of source.rootRoutes) add('', route);
  for (const route of source.apiRoutes) add(source.apiPrefixes[0] ?? '', route);
  return {
    openapi: '3.1.0',
    info: { title: source.face.title, version: source.face.version, description: source.face.summary },
    servers: [{ url: serverUrl }],
    tags: [...new Set([...source.rootRoutes, ...source.apiRoutes].map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: problemSchema },
    },
  };
}

function operationOf(route: Route<unknown>, source: OpenApiSource): Json {
  const parameters = [
    ...parametersOf('path', route.params),
    ...parametersOf('query', route.query),
    ...(route.isIdempotent ? [idempotencyHeader] : []),
    ...(route.isCacheable && route.method !== 'GET' ? [ifMatchHeader] : []),
  ];
  return {
    operationId: route.operation,
    summary: route.summary,
    tags: [route.tag],
    security: securityOf(route),
    ...(route.access === 'permission' ? { description: permissionText(route, source) } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body ? { requestBody: requestBodyOf(route.body, route.bodyType) } : {}),
    responses: { ...successesOf(route), ...refusalsOf(route, source) },
  };
}

function securityOf(route: Route<unknown>): Json[] {
  if (route.access === 'public') return [];
  return route.isOpenToAll ? [{}, { bearer: [] }] : [{ bearer: [] }];
}

function permissionText(route: Route<unknown>, source: OpenApiSource): string {
  return `Needs the permission \`${route.operation}\`: ${source.rolesWith(route.operation).join(', ') || 'no role'}.`;
}

function requestBodyOf(schema: z.ZodType, type: 'json' | 'form' = 'json'): Json {
  const isOptional = schema.safeParse(undefined).success;
  const mediaType = type === 'form' ? 'application/x-www-form-urlencoded' : 'application/json';
  return { required: !isOptional, content: { [mediaType]: { schema: jsonSchema(schema, 'input') } } };
}

function parametersOf(where: 'path' | 'query', schema: z.ZodType | undefined): Json[] {
  if (!schema) return [];
  const shape = jsonSchema(schema, 'input');
  const required = new Set(
    where === 'path' ? Object.keys(shape['properties'] ?? {}) : (shape['required'] as string[] | undefined),
  );
  return Object.entries((shape['properties'] ?? {}) as Record<string, Json>).map(([name, property]) => {
    const { description, ...rest } = property;
    return { name, in: where, required: required.has(name), ...(description ? { description } : {}), schema: rest };
  });
}

function successesOf(route: Route<unknown>): Json {
  const streams = Object.fromEntries((route.streams ?? []).map((type) => [type, mediaOf(type)]));
  return Object.fromEntries(
    Object.entries(route.replies).map(([status, schema]) => [
      status,
      {
        description: successWords[status] ?? 'Done',
        headers: requestIdHeader,
        ...(schema || route.streams
          ? {
              content: {
                ...(schema ? { 'application/json': { schema: jsonSchema(schema, 'output') } } : {}),
                ...(status === '200' ? streams : {}),
              },
            }
          : {}),
      },
    ]),
  );
}

/** A streamed text is a string; for bytes OpenAPI 3.1 wants no schema. */
function mediaOf(type: string): Json {
  return /^text\/|json/.test(type) ? { schema: { type: 'string' } } : {};
}

/** What every route may answer: a query that it does not know is refused everywhere. */
const anywhere = ['internal_error', 'malformed_request', 'validation_failed', 'database_unavailable', 'database_busy'];

/** The refusals that a route may give, by status, each with the codes of its problems. */
function refusalsOf(route: Route<unknown>, source: OpenApiSource): Json {
  const codes = new Set([...anywhere, ...(route.problems ?? [])]);
  if (route.access !== 'public')
    for (const code of ['unauthenticated', 'token_invalid', 'token_expired']) codes.add(code);
  if (route.access === 'permission') codes.add('permission_missing');
  if (route.rateLimit) codes.add('too_many_requests');
  if (route.body) for (const code of ['body_too_large', 'media_type_unsupported']) codes.add(code);
  const byStatus = new Map<number, ProblemDefinition[]>();
  for (const problem of source.problems.filter(({ code }) => codes.has(code))) {
    byStatus.set(problem.status, [...(byStatus.get(problem.status) ?? []), problem]);
  }
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([left], [right]) => left - right)
      .map(([status, problems]) => [
        status,
        {
          description: problems.map(({ code, sentence }) => `\`${code}\`: ${sentence}`).join('\n\n'),
          headers: requestIdHeader,
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      ]),
  );
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  return rest;
}

const successWords: Readonly<Record<string, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'Done; no body',
  503: 'A needed part is down',
};

const requestIdHeader = {
  'X-Request-ID': {
    description: 'The id of this request: yours, where it was a UUID',
    schema: { type: 'string', format: 'uuid' },
  },
};

const idempotencyHeader = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Send the same key with a retry: the first answer comes again and nothing happens twice',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

const ifMatchHeader = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag of what you have read: where it has changed since, nothing is done and the answer is 412',
  schema: { type: 'string' },
};

const problemSchema = {
  type: 'object',
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance', 'request_id'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    instance: { type: 'string' },
    request_id: { type: 'string', format: 'uuid' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['loc', 'msg', 'type'],
        properties: {
          loc: { type: 'array', items: { type: ['string', 'integer'] } },
          msg: { type: 'string' },
          type: { type: 'string' },
        },
      },
    },
  },
};
