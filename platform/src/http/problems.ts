import { defineProblem } from '../kernel/index.ts';
import { metricsUnavailable } from '../telemetry/index.ts';
import { databaseBusy, databaseUnavailable, tooBusy } from '../database/index.ts';

export const malformedRequest = defineProblem(
  'malformed_request',
  400,
  'Bad Request',
  'The request could not be read: {reason}.',
);
export const unauthenticated = defineProblem(
  'unauthenticated',
  401,
  'Unauthorized',
  'Sign in first: this needs the header "Authorization: Bearer <access token>".',
);
export const permissionMissing = defineProblem(
  'permission_missing',
  403,
  'Forbidden',
  'The role "{role}" does not hold the permission "{permission}".',
);
export const routeNotFound = defineProblem('not_found', 404, 'Not Found', 'The requested resource was not found');
export const methodNotAllowed = defineProblem(
  'method_not_allowed',
  405,
  'Method Not Allowed',
  'This resource answers {allowed} only.',
);
export const preconditionFailed = defineProblem(
  'precondition_failed',
  412,
  'Precondition Failed',
  'It has changed since you read it, and is {tag} now: read it again, then change it.',
);
export const bodyTooLarge = defineProblem(
  'body_too_large',
  413,
  'Content Too Large',
  'The body is larger than this resource takes.',
);
export const uriTooLong = defineProblem(
  'uri_too_long',
  414,
  'URI Too Long',
  'The path or query is longer than {maximum} characters.',
);
export const mediaTypeUnsupported = defineProblem(
  'media_type_unsupported',
  415,
  'Unsupported Media Type',
  'This resource reads application/json only.',
);
export const validationFailed = defineProblem(
  'validation_failed',
  422,
  'Unprocessable Content',
  'The request does not fit: {summary}.',
);
export const idempotencyKeyReused = defineProblem(
  'idempotency_key_reused',
  422,
  'Unprocessable Content',
  'The idempotency key was used before with another request.',
);
export const idempotencyRunning = defineProblem(
  'idempotency_running',
  409,
  'Conflict',
  'A request with the same idempotency key is still running.',
);
export const tooManyRequests = defineProblem(
  'too_many_requests',
  429,
  'Too Many Requests',
  'Too many requests: try again in {seconds} s.',
);
export const headersTooLarge = defineProblem(
  'headers_too_large',
  431,
  'Request Header Fields Too Large',
  'The header fields are larger than this server takes.',
);
export const requestTimeout = defineProblem(
  'request_timeout',
  408,
  'Request Timeout',
  'The request did not arrive in time.',
);
/** Nobody hears it; it stands in the log and the metrics instead of a 500. The number is nginx's. */
export const clientGone = defineProblem(
  'client_gone',
  499,
  'Client Closed Request',
  'The client closed the connection before the answer.',
);
export const internalError = defineProblem(
  'internal_error',
  500,
  'Internal Server Error',
  'An internal server error occurred',
);
export const shuttingDown = defineProblem('shutting_down', 503, 'Service Unavailable', 'The server is shutting down.');

/** The platform's own part of every service's catalogue. */
export const platformProblems = [
  malformedRequest,
  unauthenticated,
  permissionMissing,
  routeNotFound,
  methodNotAllowed,
  requestTimeout,
  idempotencyRunning,
  preconditionFailed,
  bodyTooLarge,
  uriTooLong,
  mediaTypeUnsupported,
  validationFailed,
  idempotencyKeyReused,
  tooManyRequests,
  headersTooLarge,
  clientGone,
  internalError,
  databaseUnavailable,
  databaseBusy,
  tooBusy,
  metricsUnavailable,
  shuttingDown,
] as const;
