import { expect } from 'vitest';
import { WebSocket } from 'ws';
import type { TwoProcesses } from './two-processes.ts';

type Message = Readonly<Record<string, unknown>>;

/** A client of the socket that keeps what it hears. */
export interface SocketClient {
  readonly raw: WebSocket;
  readonly heard: readonly Message[];
  say(message: unknown): void;
  /** Waits for a message of a type. */
  hears(type: string): Promise<void>;
  /** Resolves to the code of the end. */
  readonly closed: Promise<number>;
}

export interface ConnectOptions {
  readonly at?: 0 | 1;
  readonly from?: string;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Connects; rejects with `refused <status>` where the handshake is answered over HTTP. */
export async function connectTo(
  two: TwoProcesses,
  query: string,
  { at = 0, from = two.address(), protocols = [], headers }: ConnectOptions = {},
): Promise<SocketClient> {
  const url = `${two.servers[at].address.replace(/^http/, 'ws')}/ws${query}`;
  const raw = new WebSocket(url, [...protocols], { headers: { 'x-forwarded-for': from, ...headers } });
  const heard: Message[] = [];
  raw.on('message', (data) => heard.push(JSON.parse(Buffer.isBuffer(data) ? data.toString() : '{}') as Message));
  const closed = new Promise<number>((resolve) => {
    raw.on('close', resolve);
  });
  await new Promise<void>((resolve, reject) => {
    raw.once('open', () => resolve());
    raw.once('unexpected-response', (_request, response) => {
      response.resume();
      raw.terminate();
      reject(new Error(`refused ${response.statusCode ?? 0}`));
    });
    raw.once('error', reject);
  });
  raw.on('error', () => undefined);
  return {
    raw,
    heard,
    say: (message) => raw.send(typeof message === 'string' ? message : JSON.stringify(message)),
    hears: (type) =>
      expect.poll(() => heard.map((message) => message['type']), { timeout: 10_000, interval: 10 }).toContain(type),
    closed,
  };
}
