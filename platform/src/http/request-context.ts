import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Writable } from 'node:stream';
import {
  type Actor,
  type ClientOrigin,
  type Clock,
  type Context,
  isUuid,
  type Log,
  uuidV7FromHex,
} from '../kernel/index.ts';
import { parseTraceparent } from '../telemetry/index.ts';
import type { AddressReader } from './client-address.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Made by the first hook; every later one may read it. */
    quinta: RequestContext;
  }
}

export interface ContextParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly addressOf: AddressReader;
}

/** What of a request its context is made from; an upgrade to a socket has no more than this. */
export interface RequestHead {
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  readonly url: string;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** What the server tells of each request, for the metrics. */
export type RequestObserver = (request: {
  readonly service: string;
  /** The route's pattern; undefined where none matched. */
  readonly route: string | undefined;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}) => void;

const userAgentLengthMax = 255;
const endpointLengthMax = 255;
/** Hex digits of an id of W3C Trace Context. Chance gives the forbidden one of zeros never. */
const traceIdLength = 32;
const randomPoolBytes = 4_096;
const randomPool = { digits: '', used: 0 };

/** What is known of one request; the actor is filled in once the token is checked. */
export class RequestContext implements Context {
  readonly requestId: string;
  readonly traceId: string;
  readonly client: ClientOrigin;
  readonly method: string;
  readonly endpoint: string;
  readonly clock: Clock;
  readonly startedMs = performance.now();
  operation = 'unmatched';
  /** The pattern of a route of ours; what the framework knows of a route costs more to ask for. */
  route: string | undefined;
  /** The service whose prefix matched, and its log. */
  service = 'quinta';
  sink: Log;
  actor: Actor | undefined;
  readonly #answer: Pick<Writable, 'destroyed' | 'writableFinished' | 'on'>;
  #signal: AbortSignal | undefined;
  #log: Log | undefined;

  constructor(
    request: RequestHead,
    answer: Pick<Writable, 'destroyed' | 'writableFinished' | 'on'>,
    parts: ContextParts,
  ) {
    const { headers } = request;
    const asked = headers['x-request-id'];
    this.clock = parts.clock;
    this.requestId =
      typeof asked === 'string' && isUuid(asked)
        ? asked.toLowerCase()
        : uuidV7FromHex(parts.clock.now().getTime(), chance(20));
    const parent = typeof headers['traceparent'] === 'string' ? parseTraceparent(headers['traceparent']) : undefined;
    this.traceId = parent?.traceId ?? chance(traceIdLength);
    const forwarded = headers['x-forwarded-for'];
    this.client = {
      address: parts.addressOf(
        request.socket.remoteAddress,
        Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
      ),
      userAgent: printable(headers['user-agent'] ?? '').slice(0, userAgentLengthMax),
    };
    this.method = request.method;
    this.endpoint = printable(pathOf(request.url)).slice(0, endpointLengthMax);
    this.sink = parts.log;
    this.#answer = answer;
  }

  get log(): Log {
    return (this.#log ??= this.sink.child({ request_id: this.requestId, operation: this.operation }));
  }

  /** Made when first asked for. The framework's own signal also aborts when a body has been read to its end. */
  get signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    const gone = new AbortController();
    const answer = this.#answer;
    if (answer.destroyed) gone.abort();
    else answer.on('close', () => answer.writableFinished || gone.abort());
    this.#signal = gone.signal;
    return gone.signal;
  }
}

/** The one log line of a request, its tokens and query left out. */
export function logRequest(
  context: RequestContext,
  answer: { readonly status: number; readonly durationMs: number },
): void {
  context.sink.info(
    {
      request_id: context.requestId,
      trace_id: context.traceId,
      operation: context.operation,
      user_id: context.actor?.id ?? null,
      method: context.method,
      path: context.endpoint,
      status_code: answer.status,
      duration_ms: Math.round(answer.durationMs * 10) / 10,
      ip: context.client.address,
      user_agent: context.client.userAgent,
    },
    'Request completed',
  );
}

/** Random hex digits from a pool, so that a request does not pay for a system call. */
function chance(length: number): string {
  if (randomPool.used + length > randomPool.digits.length) {
    randomPool.digits = randomBytes(randomPoolBytes).toString('hex');
    randomPool.used = 0;
  }
  const start = randomPool.used;
  randomPool.used += length;
  return randomPool.digits.slice(start, randomPool.used);
}

/** A target without its query. */
function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/** What a header or path may hold for a text column: control characters and broken surrogates replaced. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text) ? text.replaceAll(/[\u0000-\u001f\u007f]/g, '?') : text.toWellFormed();
}
