import { isUuid } from '../kernel/index.ts';
import type { FuzzOperation } from './fuzz-operations.ts';
import type { FuzzRequest } from './fuzz-requests.ts';
import { isRecord, type JsonSchema, schemaFaults } from './fuzz-schema.ts';
import type { FuzzAnswer, NoAnswer } from './fuzz-send.ts';

/** What any server may say of a request that it cannot read or find, documented or not. */
const generalStatuses = new Set([400, 404, 405, 413, 414, 415, 431]);
/** The parser's refusals come before there is a request. */
const unreadStatuses = new Set([400, 408, 413, 431]);

/** Marks of a stack, of SQL, of the engine's words or of a file: none may leave the house. */
const leaks: readonly RegExp[] = [
  /\n\s+at \S|\.[cm]?[jt]s:\d+|node_modules|node:internal/,
  /\b(?:select|insert into|update|delete from)\b[^"']{0,80}\b(?:usuarios|vales|audit_logs|idempotency_keys)\b/i,
  /syntax error at|invalid input syntax|invalid byte sequence|out of range for type|violates [\w-]+(?: \w+)? constraint/i,
  /\bpg_catalog\b|SQLSTATE|relation "\w+" does not|\bER_[A-Z]+_[A-Z]+|ECONNREFUSED|ENOENT|[Kk]ysely|[Ff]astify|\bFST_/,
];

/** What is wrong with an answer, one sentence each. */
export function answerFaults(
  request: FuzzRequest,
  answer: FuzzAnswer | NoAnswer,
  document: JsonSchema,
): readonly string[] {
  if (answer.kind === 'hang') return [`hung: ${answer.reason}`];
  if (answer.kind === 'closed') return request.isOversized ? [] : [`closed the connection: ${answer.reason}`];
  return [
    ...statusFaults(request, answer),
    ...headerFaults(request, answer),
    ...bodyFaults(request, answer, document),
    ...leakFaults(answer.text),
  ];
}

/** Marks of a stack, of SQL or of a path in a text that a client gets. */
export function leakFaults(text: string): readonly string[] {
  const found = [
    ...leaks.map((leak) => leak.exec(text)?.[0]),
    text.includes(process.cwd()) ? process.cwd() : undefined,
  ];
  return found.flatMap((mark) => (mark === undefined ? [] : [`shows ${JSON.stringify(mark)}`]));
}

function statusFaults({ operation, isAstray, headers }: FuzzRequest, { status }: FuzzAnswer): string[] {
  if (status >= 500) return [`answered ${status}`];
  if (generalStatuses.has(status) || isAstray) return [];
  if (status === 304 && 'if-none-match' in headers) return [];
  return operation && Object.hasOwn(operation.answers, status) ? [] : [`answered ${status}, which is not documented`];
}

const promised: Readonly<Record<number, string>> = { 401: 'www-authenticate', 405: 'allow', 429: 'retry-after' };

function headerFaults(request: FuzzRequest, { status, headers }: FuzzAnswer): string[] {
  const faults: string[] = [];
  const id = headers['x-request-id'];
  if (typeof id !== 'string' || !isUuid(id)) faults.push(`has the X-Request-ID ${String(id)}`);
  const sent = request.headers['x-request-id'];
  const isUnread = unreadStatuses.has(status) && headers['connection'] === 'close';
  if (typeof sent === 'string' && isUuid(sent) && id !== sent.toLowerCase() && !isUnread) {
    faults.push('did not keep the X-Request-ID');
  }
  const name = promised[status];
  if (name !== undefined && headers[name] === undefined) faults.push(`answered ${status} without ${name}`);
  if (headers['x-content-type-options'] !== 'nosniff') faults.push('may be sniffed');
  return faults;
}

function bodyFaults(request: FuzzRequest, answer: FuzzAnswer, document: JsonSchema): readonly string[] {
  const { status, text } = answer;
  const isBodiless = request.method === 'HEAD' || status === 204 || status === 304;
  if (isBodiless) return text === '' ? [] : [`answered ${status} to ${request.method} with a body`];
  if (status >= 400) return problemFaults(request.operation, answer, document);
  return request.isAstray || !request.operation ? [] : successFaults(request.operation, answer, document);
}

function successFaults(
  operation: FuzzOperation,
  { status, headers, text }: FuzzAnswer,
  document: JsonSchema,
): readonly string[] {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  const documented = operation.answers[status]?.content[type];
  if (!documented) return [`answered ${type || 'no media type'}, which is not documented for ${status}`];
  if (type === 'application/json') return jsonFaults(text, documented.schema ?? {}, document);
  const lines = type === 'application/jsonl' ? text.split('\n').filter(Boolean) : [];
  return lines.every((line) => parsed(line) !== undefined) ? [] : ['has a line that is not JSON'];
}

function problemFaults(
  operation: FuzzOperation | undefined,
  { status, headers, text }: FuzzAnswer,
  document: JsonSchema,
): readonly string[] {
  if (headers['content-type'] !== 'application/problem+json') {
    return [`answered ${status} as ${String(headers['content-type'])}`];
  }
  const problem = parsed(text);
  const faults = [...jsonFaults(text, { $ref: '#/components/schemas/Problem' }, document)];
  if (!isRecord(problem)) return faults;
  if (problem['status'] !== status) faults.push('tells another status in its body');
  if (problem['request_id'] !== headers['x-request-id']) faults.push('tells another request_id in its body');
  const description = operation?.answers[status]?.description;
  const code = String(problem['code']);
  if (!generalStatuses.has(status) && description !== undefined && !description.includes(`\`${code}\``)) {
    faults.push(`has the code ${code}, which is not documented for ${status}`);
  }
  return faults;
}

function jsonFaults(text: string, schema: JsonSchema, document: JsonSchema): readonly string[] {
  const value = parsed(text);
  return value === undefined ? ['has a body that is not JSON'] : schemaFaults(value, schema, document);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says that it is not JSON
  }
}
