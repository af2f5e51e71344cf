import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, type Problem, uuidV7 } from '../kernel/index.ts';
import { headersTooLarge, malformedRequest, requestTimeout } from './problems.ts';

/**
 * Answers what Node's parser gave up on. There is no request yet and no hook has run, so the answer is written by hand,
 * and no caller's id or path is known.
 */
export function brokenRequestAnswerer(
  headers: Readonly<Record<string, string>>,
  clock: Clock,
): (error: Error & { code?: string }, socket: Socket) => void {
  return (error, socket) => {
    const requestId = uuidV7(clock.now().getTime(), randomBytes(10));
    endWithProblem(socket, brokenRequestProblem(error.code), { headers, requestId, instance: '' });
  };
}

/** Writes a problem by hand on a connection that has no answer of the framework's, and ends it. */
export function endWithProblem(
  socket: Duplex,
  problem: Problem,
  about: {
    readonly headers: Readonly<Record<string, string>>;
    readonly requestId: string;
    readonly instance: string;
  },
): void {
  if (!socket.writable || socket.destroyed) return;
  const { status, title, code, message: detail } = problem;
  const type = `urn:quinta:problem:${code}`;
  const members = { ...problem.members, ...(problem.errors ? { errors: problem.errors } : {}) };
  const { instance, requestId } = about;
  const body = JSON.stringify({ type, title, status, detail, code, instance, request_id: requestId, ...members });
  const lines = Object.entries({
    ...about.headers,
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...problem.headers,
    connection: 'close',
    'content-type': 'application/problem+json',
    'x-request-id': requestId,
    'content-length': String(Buffer.byteLength(body)),
  });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} ${title}\r\n${head}\r\n${body}`);
}

function brokenRequestProblem(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge();
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return requestTimeout();
  return malformedRequest({ reason: 'it is not HTTP/1.1' });
}
