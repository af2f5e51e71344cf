import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
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
  const fixed = Object.entries({ ...headers, connection: 'close', 'content-type': 'application/problem+json' });
  return (error, socket) => {
    if (!socket.writable || socket.destroyed) return;
    const { status, title, code, message: detail } = brokenRequestProblem(error.code);
    const requestId = uuidV7(clock.now().getTime(), randomBytes(10));
    const type = `urn:quinta:problem:${code}`;
    const body = JSON.stringify({ type, title, status, detail, code, instance: '', request_id: requestId });
    const lines = [...fixed, ['x-request-id', requestId], ['content-length', String(Buffer.byteLength(body))]];
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.end(`HTTP/1.1 ${status} ${title}\r\n${head}\r\n${body}`);
  };
}

function brokenRequestProblem(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return headersTooLarge();
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return requestTimeout();
  return malformedRequest({ reason: 'it is not HTTP/1.1' });
}
