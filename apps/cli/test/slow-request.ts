import { connect, type Socket } from 'node:net';

/** A request whose body is on its way until the test says that it ends. */
export interface SlowRequest {
  /** Sends the rest of the body and resolves to the whole answer. */
  finish(): Promise<string>;
  /** Resolves to what came when the server cut the connection. */
  readonly closed: Promise<string>;
}

/** Sends the head of a POST and half of its body; resolves once the server has it, which a 100 Continue tells. */
export async function openSlowPost(
  port: number,
  path: string,
  request: { token: string; body: unknown },
): Promise<SlowRequest> {
  const text = JSON.stringify(request.body);
  const socket = connect({ port, host: '127.0.0.1' });
  let received = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (received += chunk));
  socket.on('error', () => undefined); // a cut connection is what some tests wait for
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n` +
      `Authorization: Bearer ${request.token}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n`,
  );
  await untilContinued(socket, () => received);
  const half = Math.floor(text.length / 2);
  socket.write(text.slice(0, half));
  return {
    closed,
    finish: () => {
      socket.write(text.slice(half));
      return closed;
    },
  };
}

function untilContinued(socket: Socket, received: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('data', () => received().startsWith('HTTP/1.1 100') && resolve());
    socket.once('close', () => reject(new Error(`The connection was closed: ${received()}`)));
  });
}
