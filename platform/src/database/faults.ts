import { defineProblem, type Problem } from '../kernel/index.ts';

export const databaseUnavailable = defineProblem(
  'database_unavailable',
  503,
  'Service Unavailable',
  'The database cannot be reached at the moment. Nothing is known to have been written: try again with the same key.',
);

export const databaseBusy = defineProblem(
  'database_busy',
  503,
  'Service Unavailable',
  'The database did not answer in time. Nothing was written: try again.',
);

/** What an engine's driver throws, as far as we look at it. */
interface DriverError extends Error {
  readonly code?: string;
  readonly errno?: number;
  readonly constraint?: string;
  readonly sqlMessage?: string;
}

const retryable = new Set(['40001', '40P01', 'ER_LOCK_DEADLOCK']);
const timedOut = new Set(['55P03', '57014', 'ER_LOCK_WAIT_TIMEOUT', 'ER_STATEMENT_TIMEOUT', 'ER_QUERY_TIMEOUT']);
/** MariaDB's ER_STATEMENT_TIMEOUT: the driver knows MySQL's numbers alone and gives this one no name. */
const statementTimeoutErrno = 1969;
const lostCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_CONNECTION_KILLED',
  '53300',
  // The role or the database is not there, or not let in: a matter for the operator, not for the client.
  '28000',
  '28P01',
  '3D000',
  'ER_ACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
]);
const schemaMissing = new Set(['42P01', '42703', 'ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR']);
const lostSentence =
  /connection (?:terminated|ended|is closed)|timeout exceeded when trying to connect|not queryable|closed state|query read timeout/i;

/** A deadlock or serialization failure: the same work may succeed if done again. */
export function isRetryable(error: unknown): boolean {
  return isDriverError(error) && retryable.has(error.code ?? '');
}

/** The connection is gone, or could not be had: nobody knows what the engine did last. */
export function isConnectionLost(error: unknown): boolean {
  if (!isDriverError(error)) return false;
  const code = error.code ?? '';
  // Class 08: connection exception; 57P01-57P03: the server is going down or coming up.
  return lostCodes.has(code) || /^08|^57P0[1-5]/.test(code) || (code === '' && lostSentence.test(error.message));
}

/** A table or a column that the statement names is not there: the database is older than the program. */
export function isSchemaMissing(error: unknown): boolean {
  return isDriverError(error) && schemaMissing.has(error.code ?? '');
}

/** The name of the constraint that a write broke, or undefined where the error is another. */
export function brokenConstraint(error: unknown): string | undefined {
  if (!isDriverError(error)) return undefined;
  if (error.code?.startsWith('23')) return error.constraint;
  if (error.code === 'ER_DUP_ENTRY') return /for key '(?:[^.']*\.)?([^']+)'/.exec(error.sqlMessage ?? '')?.[1];
  return /CONSTRAINT [`'"]?(?:[^`'"]*[`'"]?\.[`'"])?([^`'"]+)[`'"]/.exec(error.sqlMessage ?? '')?.[1];
}

/** The problem that a client hears for a fault of the database itself; anything else comes back as it is. */
export function clientFault(error: unknown): unknown {
  if (isConnectionLost(error)) return databaseUnavailable({}, { cause: error, headers: retryAfter });
  if (isDriverError(error) && (isTimedOut(error) || isRetryable(error))) {
    return databaseBusy({}, { cause: error, headers: retryAfter });
  }
  return error;
}

/**
 * What a client hears where a write was committed and what came of its own part could not be read: never that nothing
 * was written. Its key decides a retry.
 */
export function outcomeUnknown(error: unknown): Problem {
  return databaseUnavailable({}, { cause: error, headers: retryAfter });
}

function isTimedOut({ code, errno }: DriverError): boolean {
  return timedOut.has(code ?? '') || errno === statementTimeoutErrno;
}

const retryAfter = { 'retry-after': '1' };

function isDriverError(error: unknown): error is DriverError {
  return error instanceof Error;
}
