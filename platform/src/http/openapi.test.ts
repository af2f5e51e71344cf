import { describe, expect, it } from 'vitest';
import { documentRoute } from './test/document-route.ts';
import { openSmallServer } from './test/small-server.ts';

type Json = Record<string, unknown>;

async function documentOf(prefix = ''): Promise<Json> {
  const small = await openSmallServer({ hasDocs: true, prefix, routes: [documentRoute] });
  const answer = await small.server.inject(`${prefix}/openapi.json`);
  await small.server.close();
  return answer.json<Json>();
}

/** Every object of a document with the path that leads to it. */
function* objectsOf(value: unknown, at = '#'): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Json];
  for (const [key, inner] of Object.entries(value)) yield* objectsOf(inner, `${at}/${key}`);
}

function operationsOf(document: Json): (readonly [string, string, Json])[] {
  return Object.entries(document['paths'] as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [path, method, operation] as const),
  );
}

describe('the OpenAPI document', () => {
  it('is 3.1 and says what the service is and where', async () => {
    const document = await documentOf('/small');
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Small', version: '1.2.3', description: 'A service for tests.' },
      servers: [{ url: '/small' }],
      tags: [{ name: 'status' }, { name: 'things' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    });
    expect((await documentOf())['servers']).toEqual([{ url: '/' }]);
  });

  it('names each operation once, and each under the first prefix only', async () => {
    const operations = operationsOf(await documentOf());
    const ids = operations.map(([, , { operationId }]) => String(operationId));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('thing.find');
    expect(operations.map(([path]) => path).filter((path) => !/^\/$|^\/api\/v1\//.test(path))).toEqual([]);
  });

  it('has references that lead somewhere, and no schema of another draft', async () => {
    const document = await documentOf();
    const all = [...objectsOf(document)];
    const references = all.flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []));
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      const target = reference
        .replace(/^#\//, '')
        .split('/')
        .reduce<unknown>((holder, key) => (holder as Json | undefined)?.[key], document);
      expect({ reference, kind: typeof target }).toEqual({ reference, kind: 'object' });
    }
    expect(all.filter(([, object]) => '$schema' in object || 'nullable' in object)).toEqual([]);
  });

  it('declares each parameter of a path, as required, and no other', async () => {
    for (const [path, method, operation] of operationsOf(await documentOf())) {
      const declared = ((operation['parameters'] ?? []) as Json[]).filter((parameter) => parameter['in'] === 'path');
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect([method, path, ...declared.map(({ name }) => name)]).toEqual([method, path, ...named]);
      expect(declared.every(({ required, schema }) => required === true && schema !== undefined)).toBe(true);
    }
  });

  it('documents for each operation a summary, a success, a description each, and its refusals by code', async () => {
    const problem = { schema: { $ref: '#/components/schemas/Problem' } };
    for (const [path, method, operation] of operationsOf(await documentOf())) {
      const responses = Object.entries(operation['responses'] as Record<string, Json>);
      const statuses = responses.map(([status]) => status);
      const refusals = responses.filter(([status]) => Number(status) >= 400);
      expect({
        at: `${method} ${path}`,
        hasSummary: Boolean(operation['summary']),
        succeeds: statuses.some((status) => status.startsWith('2')),
        undescribed: responses.filter(([, { description }]) => !description).length,
        refusals: refusals.map(([, { content }]) => content),
        // What every route may answer.
        lacks: ['400', '422', '500', '503'].filter((status) => !statuses.includes(status)),
      }).toEqual({
        at: `${method} ${path}`,
        hasSummary: true,
        succeeds: true,
        undescribed: 0,
        refusals: refusals.map(() => ({ 'application/problem+json': problem })),
        lacks: [],
      });
    }
  });

  it('says who may', async () => {
    const operations = new Map(operationsOf(await documentOf()).map(([, , shape]) => [shape['operationId'], shape]));
    expect(operations.get('who')).toMatchObject({ security: [] });
    expect(operations.get('who')?.['responses']).not.toHaveProperty('401');
    expect(operations.get('me')).toMatchObject({ security: [{ bearer: [] }] });
    expect(operations.get('me')?.['responses']).not.toHaveProperty('403');
    expect(operations.get('thing.find')?.['description']).toBe('Needs the permission `thing.find`: keeper.');
    expect(operations.get('thing.find')?.['responses']).toMatchObject({
      401: { description: expect.stringContaining('`unauthenticated`') as string },
      403: { description: expect.stringContaining('`permission_missing`') as string },
      409: { description: '`thing_gone`: Thing {id} has gone.' },
    });
    expect(operations.get('limited')?.['responses']).toHaveProperty('429');
  });

  it('tells bodies, keys and streams', async () => {
    const operations = new Map(operationsOf(await documentOf()).map(([, , shape]) => [shape['operationId'], shape]));
    expect(operations.get('thing.make')).toMatchObject({
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { type: 'object', required: ['name'] } } },
      },
      parameters: [{ name: 'Idempotency-Key', in: 'header', required: false }],
      responses: { 201: { description: 'Created' }, 413: {}, 415: {} },
    });
    const text = { schema: { type: 'string' } };
    expect(operations.get('export')).toHaveProperty('responses.200.content', { 'text/csv': text });
    expect(operations.get('document')).toHaveProperty(['responses', '200', 'content', 'application/pdf'], {});
    expect(operations.get('who')).toMatchObject({ parameters: [{ name: 'q', in: 'query', required: false }] });
    expect(operations.get('limited')?.['responses']).not.toHaveProperty('204.content');
  });
});
