import type { IncomingMessage, Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Context } from '../kernel/index.ts';
import { endWithProblem } from './broken-request.ts';
import { limitKeyOf } from './client-address.ts';
import type { Mount } from './mount.ts';
import { problemOf } from './problem-reply.ts';
import { malformedRequest, routeNotFound, shuttingDown, tooManyRequests } from './problems.ts';
import { type ContextParts, logRequest, RequestContext, type RequestObserver } from './request-context.ts';
import type { RateLimit } from './route.ts';

/** One connection over which texts go both ways, as a service sees it. */
export interface SocketConnection {
  /** Sends a text; one that the other side does not read is kept up to a bound, and then the connection ends. */
  send(text: string): void;
  /** Nothing that comes in after this is handed on. */
  close(code: number, reason: string): void;
}

/** What a service does with a connection. */
export interface SocketListener {
  onText(text: string): void;
  /** @param code with what it was ended, by whichever side was first (RFC 6455 section 7.4) */
  onClose(code: number): void;
}

/** What asks for a connection. */
export interface SocketCall<App> {
  readonly app: App;
  readonly context: Context;
  /** Of the URL; never logged. */
  readonly query: URLSearchParams;
  /** `Sec-WebSocket-Protocol`, in the order of the client. */
  readonly protocols: readonly string[];
}

export interface SocketAcceptance {
  /** The one of the client's protocols that is spoken. */
  readonly protocol?: string;
  open(connection: SocketConnection): SocketListener;
}

/** A path of a service that upgrades to WebSocket (RFC 6455). */
export interface SocketRoute<App> {
  readonly path: string;
  /** `socket.open`: the name in logs and metrics. */
  readonly operation: string;
  rateLimit?(app: App): RateLimit | readonly RateLimit[];
  /** Whether the connection is taken. A Problem that it throws is answered over HTTP, before any upgrade. */
  accept(call: SocketCall<App>): Promise<SocketAcceptance>;
}

export interface SocketServer {
  /** Ends all connections with 1001 and takes no more; those that do not answer are cut. */
  close(): Promise<void>;
}

export interface SocketServerOptions {
  readonly mounts: readonly Mount<unknown>[];
  readonly parts: ContextParts;
  readonly headers: Readonly<Record<string, string>>;
  /** Origins that browsers may connect from; a client that is no browser sends none. */
  readonly corsOrigins: readonly string[];
  readonly observe: RequestObserver;
}

/** Larger messages, whole or in fragments, end the connection with 1009. */
const messageBytesMax = 65_536;
/** What waits for a client that does not read; beyond it the connection is cut. */
const bufferedBytesMax = 1_048_576;
/** Every connection is asked for a sign of life so often; one that gave none since the last time is cut. */
const pingMs = 30_000;
const closeWaitMs = 1_000;
const goingAway = 1_001;
const switching = 101;

/** Puts the sockets of services on a server. Without compression: it costs memory that outlives its use. */
export function mountSockets(server: Server, options: SocketServerOptions): SocketServer {
  const chosen = new WeakMap<IncomingMessage, string>();
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    // The service has chosen it already.
    handleProtocols: (_, request) => chosen.get(request) ?? false,
  });
  const endHeartbeat = heartbeatOf(upgrader);
  let isClosing = false;
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const context = new RequestContext({ ...headOf(request), socket: request.socket }, socket, options.parts);
    const found = findRoute(options.mounts, request);
    const connect = async (): Promise<void> => {
      if (isClosing) throw shuttingDown();
      if (!found) throw routeNotFound();
      const accepted = await admit(found, { context, request, corsOrigins: options.corsOrigins });
      if (isClosing) throw shuttingDown();
      tell(options, { context, status: switching, route: found.pattern });
      if (accepted.protocol !== undefined) chosen.set(request, accepted.protocol);
      upgrader.handleUpgrade(request, socket, head, (connection) => follow(connection, accepted));
    };
    connect().catch((error: unknown) => {
      const problem = problemOf(error, () => context.log);
      tell(options, { context, status: problem.status, route: found?.pattern });
      const { requestId, endpoint: instance } = context;
      endWithProblem(socket, problem, { headers: options.headers, requestId, instance });
    });
  });
  return {
    close: async () => {
      isClosing = true;
      endHeartbeat();
      await endAll(upgrader.clients);
      upgrader.close();
    },
  };
}

/** Asks every connection for a sign of life now and then, and cuts those that have given none; returns what ends it. */
function heartbeatOf(upgrader: WebSocketServer): () => void {
  const silent = new WeakSet<WebSocket>();
  const beat = setInterval(() => {
    for (const connection of upgrader.clients) {
      if (silent.has(connection)) {
        connection.terminate();
        continue;
      }
      silent.add(connection);
      connection.once('pong', () => silent.delete(connection));
      connection.ping();
    }
  }, pingMs).unref();
  return () => clearInterval(beat);
}

interface FoundRoute {
  readonly mount: Mount<unknown>;
  readonly route: SocketRoute<unknown>;
  readonly pattern: string;
}

function findRoute(mounts: readonly Mount<unknown>[], request: IncomingMessage): FoundRoute | undefined {
  const [path] = (request.url ?? '').split('?', 1);
  for (const mount of mounts) {
    const route = mount.socketRoutes?.find((one) => `${mount.prefix}${one.path}` === path);
    if (route) return { mount, route, pattern: `${mount.prefix}${route.path}` };
  }
  return undefined;
}

/** How often, from where, and then whatever the service asks. */
async function admit(
  { mount, route }: FoundRoute,
  asked: {
    readonly context: RequestContext;
    readonly request: IncomingMessage;
    readonly corsOrigins: readonly string[];
  },
): Promise<SocketAcceptance> {
  const { context, request, corsOrigins } = asked;
  context.operation = route.operation;
  context.service = mount.face.name;
  context.sink = mount.log;
  for (const policy of [route.rateLimit?.(mount.app) ?? []].flat()) {
    const { allowed, retryAfterMs } = await mount.limit(policy, limitKeyOf(context.client.address));
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
    if (!allowed) throw tooManyRequests({ seconds }, { headers: { 'retry-after': String(seconds) } });
  }
  refuseForeignOrigin(request, corsOrigins);
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const protocols = (request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  return route.accept({ app: mount.app, context, query: searchParams, protocols });
}

/** A page of another site could open a socket with what its visitor has stored; a browser always says where it is. */
function refuseForeignOrigin({ headers }: IncomingMessage, corsOrigins: readonly string[]): void {
  const { origin, host } = headers;
  if (origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw malformedRequest({ reason: 'its Origin is none of those that may connect' });
}

function follow(connection: WebSocket, accepted: SocketAcceptance): void {
  let isOpen = true;
  /** With what this side has ended it; the other side need not repeat it. */
  let ended: number | undefined;
  const listener = accepted.open({
    send: (text) => {
      if (!isOpen) return;
      if (connection.bufferedAmount > bufferedBytesMax) return connection.terminate();
      connection.send(text);
    },
    close: (code, reason) => {
      isOpen = false;
      ended ??= code;
      connection.close(code, reason);
      setTimeout(() => connection.terminate(), closeWaitMs).unref();
    },
  });
  connection.on('message', (data, isBinary) => {
    // The library hands on one buffer unless it is told otherwise.
    if (isOpen) listener.onText(isBinary || !Buffer.isBuffer(data) ? '' : data.toString('utf8'));
  });
  // What breaks the protocol is closed by the library, which does not tell with what.
  connection.on('error', (error: Error & { readonly code?: string }) => {
    ended ??= protocolFaults[error.code ?? ''];
  });
  connection.on('close', (code) => {
    isOpen = false;
    listener.onClose(ended ?? code);
  });
}

const protocolFaults: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1_009,
  WS_ERR_INVALID_UTF8: 1_007,
  WS_ERR_INVALID_OPCODE: 1_002,
  WS_ERR_EXPECTED_MASK: 1_002,
};

async function endAll(connections: ReadonlySet<WebSocket>): Promise<void> {
  const ending = [...connections].map(
    (connection) =>
      new Promise<void>((resolve) => {
        connection.once('close', () => resolve());
        connection.close(goingAway, 'The server is going away');
      }),
  );
  const cut = setTimeout(() => {
    for (const connection of connections) connection.terminate();
  }, closeWaitMs);
  await Promise.all(ending);
  clearTimeout(cut);
}

function headOf({ headers, method = 'GET', url = '/' }: IncomingMessage) {
  return { headers, method, url };
}

function tell(
  { observe }: SocketServerOptions,
  { context, status, route }: { context: RequestContext; status: number; route: string | undefined },
): void {
  const durationMs = performance.now() - context.startedMs;
  logRequest(context, { status, durationMs });
  observe({ service: context.service, route, method: context.method, status, durationMs });
}
