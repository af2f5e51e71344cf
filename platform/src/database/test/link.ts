import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server of PostgreSQL that counts what goes over it, and can fall silent. */
export interface Link {
  readonly url: string;
  /** How often the server was asked for an answer: the messages Sync and Query, round trips both. */
  readonly roundTrips: number;
  /** Stays connected, and lets nothing through any more. */
  fallSilent(): void;
  close(): Promise<void>;
}

export async function linkTo(url: string): Promise<Link> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  let isSilent = false;
  let roundTrips = 0;
  const server = createServer((near) => {
    const far = connect(Number(port || 5432), hostname);
    sockets.push(near, far);
    const count = roundTripCounter();
    near.on('data', (bytes: Buffer) => {
      roundTrips += count(bytes);
    });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => isSilent || to.write(bytes));
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    get roundTrips() {
      return roundTrips;
    },
    fallSilent: () => {
      isSilent = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Reads what a client sends: a first message without a type, then one letter, a length that counts itself, and so many
 * bytes: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function roundTripCounter(): (bytes: Buffer) => number {
  let rest = Buffer.alloc(0);
  let hasStarted = false;
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    let count = 0;
    for (;;) {
      const header = hasStarted ? 1 : 0;
      if (rest.length < header + 4) return count;
      const length = header + rest.readInt32BE(header);
      if (rest.length < length) return count;
      if (hasStarted && ['S', 'Q'].includes(rest.toString('latin1', 0, 1))) count += 1;
      hasStarted = true;
      rest = rest.subarray(length);
    }
  };
}
