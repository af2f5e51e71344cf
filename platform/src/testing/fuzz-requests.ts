import fc from 'fast-check';
import { type FuzzBody, hostileBody, noBody, validBody } from './fuzz-bodies.ts';
import { type FuzzOperation, operationFor } from './fuzz-operations.ts';
import type { JsonSchema } from './fuzz-schema.ts';
import { cursors, hostileText, knownUuids, validValue } from './fuzz-values.ts';

/** One request to send, whole but for its token. */
export interface FuzzRequest {
  /** What the document says of this method and path; undefined where it says nothing. */
  readonly operation: FuzzOperation | undefined;
  /** The operation that it was made for. */
  readonly madeFor: string;
  readonly method: string;
  /** Path and query, encoded, behind the server's own path. */
  readonly target: string;
  /** A role, or one of `strangers`. */
  readonly actor: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: FuzzBody;
  /** The path may name another resource than the one it was made for. */
  readonly isAstray: boolean;
  /** Larger than the server takes: it may close the connection before it has read all. */
  readonly isOversized: boolean;
}

/** Callers without a good token. */
const strangers = ['nobody', 'garbage'] as const;

type Part = 'path' | 'query' | 'headers' | 'body' | 'method';
type Pairs = readonly (readonly [string, string])[];

const otherMethods = ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST', 'GET', 'TRACE', 'PROPFIND'];

/** Requests for one operation: about half fit the document, the others are wrong in one part. */
export function requestsFor(
  operation: FuzzOperation,
  api: {
    readonly operations: readonly FuzzOperation[];
    readonly document: JsonSchema;
    readonly roles: readonly string[];
  },
): fc.Arbitrary<FuzzRequest> {
  const { document, operations } = api;
  const parts: Part[] = ['query', 'headers', 'method', 'body'];
  if (operation.path.includes('{')) parts.push('path');
  return fc
    .oneof(
      { weight: 5, arbitrary: fc.constant<Part | 'none'>('none') },
      { weight: 4, arbitrary: fc.constantFrom<Part | 'none'>(...parts) },
      { weight: operation.bodySchema ? 4 : 0, arbitrary: fc.constant<Part | 'none'>('body') },
    )
    .chain((broken) =>
      fc.record({
        method: broken === 'method' ? fc.constantFrom(...otherMethods) : fc.constant(operation.method),
        path: broken === 'path' ? hostilePath(operation) : validPath(operation, document),
        query: broken === 'query' ? hostileQuery(operation, document) : validQuery(operation, document),
        actor: actorOf(api.roles),
        headers: broken === 'headers' ? hostileHeaders : validHeaders(operation, document),
        body: bodyFor(operation, document, broken === 'body'),
      }),
    )
    .map(({ method, path, query, actor, headers, body }) => ({
      operation: operationFor(operations, method, operation.path),
      madeFor: operation.id,
      method,
      target: `${path}${query}`,
      actor,
      headers,
      body,
      isAstray: isAstray(operation, path),
      isOversized: body.isOversized || JSON.stringify(headers).length + query.length + path.length > 16_000,
    }));
}

function bodyFor(operation: FuzzOperation, document: JsonSchema, isBroken: boolean): fc.Arbitrary<FuzzBody> {
  if (!operation.bodySchema) return isBroken ? hostileBody({}, document) : fc.constant(noBody);
  return isBroken ? hostileBody(operation.bodySchema, document) : validBody(operation.bodySchema, document);
}

function actorOf(roles: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...roles) },
    { weight: 1, arbitrary: fc.constantFrom(...strangers) },
  );
}

function validPath(operation: FuzzOperation, document: JsonSchema): fc.Arbitrary<string> {
  const parameters = operation.parameters.filter((parameter) => parameter.in === 'path');
  return fc
    .record(Object.fromEntries(parameters.map(({ name, schema }) => [name, validValue(schema, document)])))
    .map((values) => filled(operation.path, (name) => percentEncoded(asText(values[name]))));
}

const rawSegments = [
  '%',
  '%zz',
  '%ff',
  '%c0%af',
  '%00',
  '%ED%A0%80',
  '..',
  '%2e%2e',
  '%2F',
  '1%2F2',
  ';',
  '*',
  '1;v=2',
];

function hostilePath(operation: FuzzOperation): fc.Arbitrary<string> {
  const segment = fc.oneof(
    { weight: 2, arbitrary: hostileText.filter((text) => text.length < 5_000).map(percentEncoded) },
    { weight: 1, arbitrary: fc.constantFrom(...rawSegments, 'x'.repeat(501), '9'.repeat(600)) },
  );
  return segment.map((text) => filled(operation.path, () => text));
}

/** Also where a segment became empty, so that a list is asked instead of one of its members. */
function isAstray(operation: FuzzOperation, path: string): boolean {
  const segments = path.split('/');
  return segments.length !== operation.path.split('/').length || (operation.path !== '/' && segments.at(-1) === '');
}

function validQuery(operation: FuzzOperation, document: JsonSchema): fc.Arbitrary<string> {
  return pairsOf(operation, document).map(queryText);
}

function pairsOf(operation: FuzzOperation, document: JsonSchema): fc.Arbitrary<Pairs> {
  const parameters = operation.parameters.filter((parameter) => parameter.in === 'query');
  const each = parameters.map(({ name, required, schema }) => {
    // Its schema says that it is a text; which texts can be one, only the API knows.
    const values = name === 'cursor' ? cursors : validValue(schema, document).map(asText);
    const given = values.map((value): Pairs => [[name, value]]);
    return required ? given : fc.oneof({ weight: 3, arbitrary: fc.constant<Pairs>([]) }, given);
  });
  return fc.tuple(...each).map((lists) => lists.flat());
}

const rawQueries = [
  '?',
  '?%',
  '?%zz=1',
  '?a=%ff',
  '?&&&',
  '?=',
  '?[]=1',
  '?__proto__=1',
  '?__proto__[x]=1',
  '?limit[gt]=1',
  '?a=b=c',
  '??',
];

function hostileQuery(operation: FuzzOperation, document: JsonSchema): fc.Arbitrary<string> {
  const names = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const name = fc.constantFrom(...names, ...names, ...names, 'unknown', '__proto__', 'constructor');
  const odd = fc.tuple(
    name,
    hostileText.filter((text) => text.length < 5_000),
  );
  const valid = pairsOf(operation, document);
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(valid, odd)
        .map(([pairs, pair]) => queryText([...pairs.filter(([key]) => key !== pair[0]), pair])),
    },
    { weight: 1, arbitrary: fc.tuple(valid, odd).map(([pairs, pair]) => queryText([...pairs, ...pairs, pair, pair])) },
    { weight: 1, arbitrary: fc.constantFrom(...rawQueries, `?${'a=1&'.repeat(2_000)}`, `?q=${'x'.repeat(20_000)}`) },
  );
}

const idempotencyKeys = fc.constantFrom(...knownUuids, 'key-1', 'key-2');

function validHeaders(operation: FuzzOperation, document: JsonSchema): fc.Arbitrary<FuzzRequest['headers']> {
  const own = operation.parameters.filter((parameter) => parameter.in === 'header');
  const value = (schema: JsonSchema): fc.Arbitrary<string> =>
    fc
      .oneof(
        idempotencyKeys,
        validValue(schema, document).map((text) => headerText(asText(text))),
      )
      .filter(Boolean);
  return fc.record(
    {
      'x-request-id': fc.constantFrom(...knownUuids),
      'accept-encoding': fc.constantFrom('gzip', 'deflate', 'br', '*', 'gzip;q=0'),
      ...Object.fromEntries(own.map(({ name, schema }) => [name.toLowerCase(), value(schema)])),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
}

const headerNames = [
  'x-request-id',
  'traceparent',
  'user-agent',
  'idempotency-key',
  'accept',
  'accept-encoding',
  'if-none-match',
  'if-modified-since',
  'origin',
  'cookie',
  'x-forwarded-for',
  'x-forwarded-host',
  'forwarded',
  'range',
  'x-http-method-override',
  'referer',
  'accept-language',
  'date',
  'via',
];

const hostileHeaders: fc.Arbitrary<FuzzRequest['headers']> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.dictionary(
      fc.constantFrom(...headerNames),
      fc.oneof(
        hostileText.map(headerText).filter((text) => text.length < 4_000),
        fc.array(
          hostileText.map(headerText).filter((text) => text.length < 200),
          { minLength: 2, maxLength: 4 },
        ),
      ),
      { minKeys: 1, maxKeys: 4, noNullPrototype: true },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>>(manyHeaders(150), { 'x-large': 'x'.repeat(20_000) }),
  },
);

function manyHeaders(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, place) => [`x-many-${place}`, 'x']));
}

function filled(path: string, valueOf: (name: string) => string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => valueOf(name));
}

function queryText(pairs: Pairs): string {
  return pairs.length === 0
    ? ''
    : `?${pairs.map(([name, value]) => `${percentEncoded(name)}=${percentEncoded(value)}`).join('&')}`;
}

/** A broken surrogate goes out as the three bytes that a careless encoder makes of it. */
function percentEncoded(text: string): string {
  return Array.from(text)
    .map((unit) => (unit.isWellFormed() ? encodeURIComponent(unit) : '%ED%A0%80'))
    .join('');
}

/** What Node's client agrees to send: the raw-socket cases send the rest. */
function headerText(text: string): string {
  return text.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '?');
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
