import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as httpRequest,
} from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';
import type { FuzzRequest } from './fuzz-requests.ts';

/** What came back, read whole and decompressed. */
export interface FuzzAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Nothing came back: the connection ended, or the time did. */
export type NoAnswer =
  | { readonly kind: 'closed'; readonly reason: string }
  | { readonly kind: 'hang'; readonly reason: string };

const hangMs = 10_000;

export interface Sender {
  send(request: FuzzRequest, token: string | undefined): Promise<FuzzAnswer | NoAnswer>;
  close(): void;
}

/** Sends requests over connections that are kept, as a real client does. */
export function createSender(baseUrl: string): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const { hostname, port, pathname } = new URL(baseUrl);
  const base = pathname === '/' ? '' : pathname;
  const once = (request: FuzzRequest, token: string | undefined): Promise<FuzzAnswer | NoAnswer> =>
    exchange(
      {
        hostname,
        port,
        // A request that the server cuts off must not take a connection of the others with it.
        agent: request.isOversized ? false : agent,
        method: request.method,
        path: `${base}${request.target}`,
        headers: headersOf(request, token),
      },
      request.body.bytes,
    );
  return {
    send: async (request, token) => {
      const first = await once(request, token);
      // The server may close a kept connection just as it is used again: that says nothing of this request.
      return first.kind === 'closed' && first.reason === 'reused' ? once(request, token) : first;
    },
    close: () => agent.destroy(),
  };
}

function headersOf({ headers, body }: FuzzRequest, token: string | undefined): Record<string, string | string[]> {
  return {
    ...headers,
    ...(body.contentType === undefined ? {} : { 'content-type': body.contentType }),
    ...(body.bytes === undefined ? {} : { 'content-length': String(body.bytes.length) }),
    ...(token === undefined ? {} : { authorization: token }),
  };
}

function exchange(options: RequestOptions, body: Buffer | undefined): Promise<FuzzAnswer | NoAnswer> {
  return new Promise((resolve) => {
    const request = httpRequest(options, (response) => readAnswer(response, settle));
    const timer = setTimeout(() => {
      settle({ kind: 'hang', reason: `no whole answer within ${hangMs} ms` });
      request.destroy();
    }, hangMs);
    function settle(outcome: FuzzAnswer | NoAnswer): void {
      clearTimeout(timer);
      resolve(outcome);
    }
    request.on('error', (error) => settle({ kind: 'closed', reason: reasonOf(error, request) }));
    request.end(body);
  });
}

function reasonOf(error: Error, request: ClientRequest): string {
  const code = 'code' in error ? String(error.code) : error.message;
  return request.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') ? 'reused' : code;
}

function readAnswer(response: IncomingMessage, settle: (outcome: FuzzAnswer | NoAnswer) => void): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('error', (error) => settle({ kind: 'closed', reason: `in the middle of the answer: ${error.message}` }));
  response.on('end', () => {
    const { statusCode = 0, headers } = response;
    const text = unpacked(Buffer.concat(chunks), headers['content-encoding']);
    settle({ kind: 'answer', status: statusCode, headers, text });
  });
}

function unpacked(bytes: Buffer, encoding: string | undefined): string {
  if (bytes.length === 0 || encoding === undefined || encoding === 'identity') return bytes.toString('utf8');
  if (encoding === 'gzip') return gunzipSync(bytes).toString('utf8');
  if (encoding === 'deflate') return inflateSync(bytes).toString('utf8');
  return `an encoding that nobody asked for: ${encoding}`;
}
