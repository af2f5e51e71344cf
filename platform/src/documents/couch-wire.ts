import nano from 'nano';
import { type CouchAddress, withoutSecrets } from './couch-address.ts';

/** A request; the path is made of parts, each of which is escaped. */
export interface CouchRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: readonly string[];
  /** The driver makes JSON of `startkey` and `endkey`. */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Ends the request. */
  readonly signal: AbortSignal;
}

export interface CouchAnswer {
  readonly status: number;
  /** An object or a list, and whole. */
  readonly body: unknown;
}

/** Sends a request. Rejects with a `CouchUnreachable` where no whole answer in JSON came. */
export type CouchWire = (request: CouchRequest) => Promise<CouchAnswer>;

/** No whole answer came; the text holds no secret. */
export class CouchUnreachable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'CouchUnreachable';
  }
}

/** The most that an answer may have. */
const answerBytesMax = 67_108_864;

/** CouchDB through `nano`. User and password go in a header, so that no URL holds them. */
export function openCouchWire(address: CouchAddress, timeoutMs: number): CouchWire {
  const { user, password = '' } = address;
  const credentials = user === undefined ? undefined : Buffer.from(`${user}:${password}`).toString('base64');
  const headers = credentials === undefined ? {} : { Authorization: `Basic ${credentials}` };
  // The whole path is given with each request: `parseUrl` would take a proxy's path for a database.
  const configuration = { url: address.url, parseUrl: false, headers };
  const server = nano(configuration);
  return async ({ method, path, query = {}, body, signal }) => {
    const late = AbortSignal.timeout(timeoutMs);
    const request = {
      method,
      path: path.map(encodeURIComponent).join('/'),
      qs: query,
      ...(body && { body }),
      signal: AbortSignal.any([signal, late]),
    };
    try {
      const answer = await withWholeAnswers(() => server.request(request) as Promise<unknown>);
      return { status: 200, body: answer };
    } catch (error) {
      if (late.aborted) throw new CouchUnreachable(`no answer within ${timeoutMs} ms`);
      return answerOf(error, address);
    }
  };
}

/**
 * nano 11.0.7 does not await its own reading of an answer. One that is cut off then becomes an empty text with a status of
 * 200, and where its type is not JSON a rejection that nobody hears, which ends the process. So nano gets answers that are
 * whole already: it calls the global `fetch` before `request` returns, and finds another one there for that moment.
 */
function withWholeAnswers<T>(request: () => Promise<T>): Promise<T> {
  const plain = globalThis.fetch;
  globalThis.fetch = async (input, init) => wholeAnswer(await plain(input, init));
  try {
    return request();
  } finally {
    globalThis.fetch = plain;
  }
}

async function wholeAnswer(answer: Response): Promise<Response> {
  const text = await boundedText(answer);
  const body: unknown = JSON.parse(text);
  if (typeof body !== 'object' || body === null) throw new TypeError('an answer that is no JSON object');
  return new Response(text, { status: answer.status, headers: { 'content-type': 'application/json' } });
}

async function boundedText(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Without a body there is nothing to read, and nothing is no JSON.
  const body: AsyncIterable<Uint8Array> | readonly Uint8Array[] = answer.body ?? [];
  for await (const part of body) {
    bytes += part.length;
    if (bytes > answerBytesMax) throw new RangeError(`an answer of more than ${answerBytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** nano rejects for every status from 400 on. Its error holds all that was sent, so it is left behind here. */
function answerOf(error: unknown, address: CouchAddress): CouchAnswer {
  const { statusCode, message = '' } = error as { readonly statusCode?: number; readonly message?: string };
  if (statusCode === undefined) {
    throw new CouchUnreachable(
      withoutSecrets(message.replace(/^error happened in your connection. Reason: /, ''), address),
    );
  }
  const { error: word, reason } = error as { readonly error?: unknown; readonly reason?: unknown };
  return { status: statusCode, body: { error: word, reason } };
}
