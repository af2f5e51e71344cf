import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import type { CouchAddress } from '../couch-address.ts';
import { CouchDatabases } from './couch-databases.ts';

/** What a request meets instead of its answer. */
export type Fault =
  | { readonly kind: 'hang' }
  /** Done, and the answer breaks off in its middle, with or without a type. */
  | { readonly kind: 'cut'; readonly type: string | undefined }
  | { readonly kind: 'status'; readonly status: number; readonly text: string }
  /** The answer of another server, with a status of 200. */
  | { readonly kind: 'other'; readonly text: string }
  /** Done, and answered once `release` was called. */
  | { readonly kind: 'slow' };

interface Request {
  readonly method: string;
  readonly path: string;
}

/** A server that speaks the part of CouchDB's protocol that the adapter uses, and that can be broken in many ways. */
export class CouchServer {
  readonly databases: CouchDatabases;
  readonly requests: Request[] = [];
  /** Asked for each request. */
  fault: (request: Request) => Fault | undefined = () => undefined;
  /** `user:password`; undefined where anybody is let in. */
  credentials: string | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #held: (() => void)[] = [];
  #server: Server;
  #port: number;

  private constructor(databases: CouchDatabases, port: number) {
    this.databases = databases;
    this.#port = port;
    this.#server = this.#serve();
  }

  static async start(databases: CouchDatabases = new CouchDatabases(), port = 0): Promise<CouchServer> {
    const server = new CouchServer(databases, port);
    await server.#listen();
    return server;
  }

  get address(): CouchAddress {
    return { url: `http://127.0.0.1:${this.#port}` };
  }

  /** How many requests wait for `release`. */
  get heldCount(): number {
    return this.#held.length;
  }

  release(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  /** Every connection breaks, whatever was on it. What was stored is kept, as on a disk. */
  async kill(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async restart(): Promise<void> {
    this.#server = this.#serve();
    await this.#listen();
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.kill();
  }

  #serve(): Server {
    const server = createServer((request, response) => void this.#answer(request, response).catch(() => undefined));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    });
    return server;
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, pathname, searchParams, body } = await read(incoming);
    const request = { method, path: pathname };
    this.requests.push(request);
    const fault = this.fault(request);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'status' || fault?.kind === 'other') {
      send(response, fault.kind === 'status' ? fault.status : 200, fault.text);
      return;
    }
    const path = pathname.slice(1).split('/').map(decodeURIComponent);
    const isIn = this.#isIn(incoming);
    const reply = isIn ? this.databases.answer(method, path, searchParams, body) : stranger;
    const whole = JSON.stringify(reply.body);
    const answer = (): void => send(response, reply.status, whole);
    if (fault?.kind === 'cut') cut(response, whole, fault.type);
    else if (fault) this.#held.push(answer);
    else answer();
  }

  #isIn({ headers }: IncomingMessage): boolean {
    return this.credentials === undefined || headers.authorization === basic(this.credentials);
  }
}

const stranger = { status: 401, body: { error: 'unauthorized', reason: 'Name or password is incorrect.' } };

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', server: 'CouchDB/3.3.3 (Erlang OTP/24)' });
  response.end(body);
}

function cut(response: ServerResponse, body: string, type: string | undefined): void {
  const headers = type === undefined ? {} : { 'content-type': type };
  response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

async function read(
  incoming: IncomingMessage,
): Promise<{ method: string; pathname: string; searchParams: URLSearchParams; body: Record<string, unknown> }> {
  const { method = 'GET', url = '/' } = incoming;
  const { pathname, searchParams } = new URL(url, 'http://couch');
  const body = JSON.parse((await text(incoming)) || '{}') as Record<string, unknown>;
  return { method, pathname, searchParams, body };
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}
