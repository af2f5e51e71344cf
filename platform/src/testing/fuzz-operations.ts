import { isRecord, type JsonSchema } from './fuzz-schema.ts';

export interface FuzzParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** What one status of an operation may carry: its schema by media type, none for an empty body. */
export interface DocumentedAnswer {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
}

/** One operation of an OpenAPI document, as far as a client needs it. */
export interface FuzzOperation {
  readonly id: string;
  readonly method: string;
  /** `/api/v1/vales/{id}`, behind the server's own path. */
  readonly path: string;
  readonly isPublic: boolean;
  readonly parameters: readonly FuzzParameter[];
  readonly bodySchema: JsonSchema | undefined;
  readonly answers: Readonly<Record<string, DocumentedAnswer>>;
}

/** The operations of an OpenAPI 3.1 document. Throws an Error where it is none or has no operation. */
export function operationsOf(document: JsonSchema): readonly FuzzOperation[] {
  const { paths } = document;
  if (!isRecord(paths) || !String(document['openapi']).startsWith('3.1')) throw new Error('This is no OpenAPI 3.1');
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, JsonSchema>).map(([method, shape]) => operationOf(method, path, shape)),
  );
  if (operations.length === 0) throw new Error('The document has no operation');
  return operations;
}

/**
 * The operation that answers this method on a path of the document, HEAD being answered as GET is. `DELETE /vales/batch`
 * is answered by `/vales/{id}` where `/vales/batch` has no DELETE.
 */
export function operationFor(
  operations: readonly FuzzOperation[],
  method: string,
  path: string,
): FuzzOperation | undefined {
  const answered = method === 'HEAD' ? 'GET' : method;
  const candidates = operations.filter((operation) => operation.method === answered);
  return (
    candidates.find((operation) => operation.path === path) ??
    candidates.find((operation) => new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
  );
}

function operationOf(method: string, path: string, shape: JsonSchema): FuzzOperation {
  const requestBody = shape['requestBody'] as
    | { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
    | undefined;
  const responses = shape['responses'] as Readonly<Record<string, Partial<DocumentedAnswer>>>;
  return {
    id: String(shape['operationId']),
    method: method.toUpperCase(),
    path,
    isPublic: (shape['security'] as unknown[] | undefined)?.length === 0,
    parameters: (shape['parameters'] as FuzzParameter[] | undefined) ?? [],
    bodySchema: requestBody?.content['application/json']?.schema,
    answers: Object.fromEntries(
      Object.entries(responses).map(([status, { description = '', content = {} }]) => [
        status,
        { description, content },
      ]),
    ),
  };
}
