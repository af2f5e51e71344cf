import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Log, Problem } from '../kernel/index.ts';
import {
  bodyTooLarge,
  clientGone,
  internalError,
  malformedRequest,
  mediaTypeUnsupported,
  requestTimeout,
  shuttingDown,
  uriTooLong,
} from './problems.ts';

/** Members that a service's earlier clients read beside RFC 9457's. */
export type LegacyMembers = (problem: Problem) => Readonly<Record<string, unknown>>;

/** Fastify's own refusals, in the words of the catalogue. */
const frameworkProblems: Readonly<Record<string, () => Problem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => bodyTooLarge(),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => mediaTypeUnsupported(),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => malformedRequest({ reason: 'its length is not its Content-Length' }),
  FST_ERR_CTP_INVALID_JSON_BODY: () => malformedRequest({ reason: 'the body is not JSON' }),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => malformedRequest({ reason: 'the body is empty' }),
  FST_ERR_BAD_URL: () => malformedRequest({ reason: 'its path is not a valid URL' }),
  FST_ERR_MAX_PARAM_LENGTH: () => uriTooLong({ maximum: 500 }),
  FST_ERR_HANDLER_TIMEOUT: () => requestTimeout(),
  FST_ERR_REOPENED_CLOSE_SERVER: () => shuttingDown(),
};

/** What was thrown, as a problem. What no catalogue names is a bug: it is logged and its text stays there. */
export function problemOf(error: unknown, log: () => Log): Problem {
  if (error instanceof Problem) {
    if (error.status >= 500) log().warn({ error, code: error.code }, 'Request refused');
    return error;
  }
  if (error instanceof Error && error.name === 'AbortError') return clientGone();
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = frameworkProblems[code]?.();
  if (known) return known;
  if (isClientSyntaxError(error)) return malformedRequest({ reason: 'the body is not JSON' });
  log().error({ error }, 'Unhandled exception');
  return internalError();
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  legacyMembers?: LegacyMembers,
): FastifyReply {
  const body = {
    type: `urn:quinta:problem:${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    instance: request.quinta.endpoint,
    request_id: request.quinta.requestId,
    ...(problem.errors ? { errors: problem.errors } : {}),
    ...problem.members,
    ...legacyMembers?.(problem),
  };
  // RFC 9110 section 15.5.2 asks a challenge of every 401, that of a sign-in too.
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  return reply
    .status(problem.status)
    .headers({ ...challenge, ...problem.headers })
    .header('content-type', 'application/problem+json')
    .serializer(JSON.stringify)
    .send(body);
}

/** secure-json-parse refuses `__proto__` keys with a plain SyntaxError that carries a 400. */
function isClientSyntaxError(error: unknown): boolean {
  return error instanceof SyntaxError && 'statusCode' in error && error.statusCode === 400;
}
