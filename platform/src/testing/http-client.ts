import { rememberSecrets, secretIn } from './secret-watch.ts';

/** One answer, read whole. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; throws where it is none. */
  // oxlint-disable-next-line no-unnecessary-type-parameters -- a test names the shape that it goes on to assert
  json<Body = Record<string, unknown>>(): Body;
}

export interface HttpCall {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
}

const timeoutMs = 60_000;

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page or a CSV
  }
}

/** Sends one request and reads its answer. An answer that refuses must not repeat a secret: that throws. */
export async function call(url: string, request: HttpCall = {}): Promise<HttpAnswer> {
  const { body, token } = request;
  const response = await fetch(url, {
    method: request.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...request.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  rememberSecrets(typeof body === 'string' ? undefined : body);
  rememberSecrets({ access_token: token });
  if (response.ok) rememberSecrets(jsonOrUndefined(text));
  else {
    const secret = secretIn(text);
    if (secret !== undefined) throw new Error(`An answer ${response.status} holds a secret that begins with ${secret}`);
  }
  // oxlint-disable-next-line no-unnecessary-type-parameters -- the shape is named by whoever asks for it
  const json = <Body>(): Body => JSON.parse(text) as Body;
  return { status: response.status, headers: response.headers, text, json };
}
