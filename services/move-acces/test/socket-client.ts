import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A client of the socket that keeps what it hears. */
export interface SocketClient {
  readonly heard: readonly Readonly<Record<string, unknown>>[];
  say(message: unknown): void;
  /** Sends a text as it is. */
  sayText(text: string): void;
  /** Resolves to the next message of a type, one that was heard already included. */
  next(type: string): Promise<Readonly<Record<string, unknown>>>;
  readonly protocol: string;
  readonly extensions: string;
  /** Resolves to the code and reason of the end. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  close(): void;
  /** Reads nothing more, as a client that has hung. */
  pause(): void;
  resume(): void;
}

export interface ConnectOptions {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Connects; rejects with the HTTP status where the handshake is refused. */
export async function connectSocket(url: string, options: ConnectOptions = {}): Promise<SocketClient> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), [...(options.protocols ?? [])], {
    headers: { ...options.headers },
  });
  const heard: Readonly<Record<string, unknown>>[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    heard.push(JSON.parse(Buffer.isBuffer(data) ? data.toString() : '') as Record<string, unknown>);
    for (const wake of waiting) wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      socket.terminate();
      reject(new Error(`refused ${response.statusCode ?? 0}`));
    });
    socket.once('error', (error) => reject(error));
  });
  socket.on('error', () => undefined);
  const taken = new Map<string, number>();
  const find = (type: string): Readonly<Record<string, unknown>> | undefined => {
    const found = heard.filter((message) => message['type'] === type)[taken.get(type) ?? 0];
    if (found) taken.set(type, (taken.get(type) ?? 0) + 1);
    return found;
  };
  return {
    heard,
    say: (message) => socket.send(JSON.stringify(message)),
    sayText: (text) => socket.send(text),
    next: async (type) => {
      for (;;) {
        const found = find(type);
        if (found) return found;
        await new Promise<void>((resolve, reject) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
          void once(socket, 'close').then(() => reject(new Error(`closed before any "${type}"`)));
        });
      }
    },
    protocol: socket.protocol,
    extensions: socket.extensions,
    closed,
    close: () => socket.close(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}
