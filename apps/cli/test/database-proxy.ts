import { connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';

/** A TCP port in front of a database on a Unix socket, which a test can cut and mend. */
export interface DatabaseProxy {
  /** A URL of that database, through this proxy. */
  urlFor(url: string): string;
  /** Refuses new connections and ends those there are. */
  cut(): void;
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the proxy for a URL such as `postgresql://user:password@/name?host=/tmp/socket&port=5432`. */
export async function openDatabaseProxy(url: string): Promise<DatabaseProxy> {
  const query = new URLSearchParams(url.split('?')[1]);
  const socketFile = path.join(query.get('host') ?? '', `.s.PGSQL.${query.get('port') ?? '5432'}`);
  const sockets = new Set<Socket>();
  const follow = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined); // a cut is no fault here
    socket.once('close', () => sockets.delete(socket));
  };
  const accept = (inner: Socket): void => {
    const outer = connect(socketFile);
    follow(inner);
    follow(outer);
    inner.pipe(outer).pipe(inner);
    // A client that was killed resets its connection, and a pipe ends nothing for that: its transaction would live on.
    inner.once('close', () => outer.destroy());
    outer.once('close', () => inner.destroy());
  };
  let server = await listen(createServer(accept), 0);
  const port = portOf(server);
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    urlFor: (other) => other.replace('@/', `@127.0.0.1:${port}/`).replace(/\?.*$/, ''),
    cut,
    mend: async () => {
      server = await listen(createServer(accept), port);
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The proxy does not listen');
  return address.port;
}
