import { connect } from 'node:net';

const patienceMs = 10_000;

/** Sends bytes as they are on a connection of their own, and resolves to all that came back until it ended. */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ port, host: '127.0.0.1', timeout: patienceMs }, () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('timeout', () => socket.destroy(new Error(`No end of the answer: ${received}`)));
    socket.on('data', (chunk: string) => (received += chunk));
    // A reset is one way of ending: the server has not read what we still sent.
    socket.on('error', (error) => (received === '' ? reject(error) : undefined));
    socket.on('close', () => resolve(received));
  });
}

/** A request without a body, as it stands on the wire. */
export function head(method: string, path: string, ...headers: readonly string[]): string {
  return [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n');
}

/** The statuses of the answers that came back. */
export function statusesIn(received: string): readonly number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}
