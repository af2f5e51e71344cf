import { connect, createServer, type Socket } from 'node:net';

/**
 * What becomes of something that a client sends: it passes; the connection is cut before the server has it; or it
 * reaches the server, and the connection is cut instead of its answer.
 */
export type Fate = 'pass' | 'cut' | 'unanswered';

/** A TCP port in front of a database server, on which a test loses connections at the moment it chooses. */
export interface FaultProxy {
  /** The URL of the database, through this proxy. */
  readonly url: string;
  /** Decides on each command that a client sends once it has signed in; everything passes until it is set. */
  decide: (sent: Buffer) => Fate;
  close(): Promise<void>;
}

/** What the two protocols look like from outside. */
interface Protocol {
  readonly port: string;
  isCommand(sent: Buffer): boolean;
  /** Whether an answer is at its end, which comes after the commit. */
  isEnd(tail: Buffer): boolean;
}

const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5]);
const protocols: Readonly<Record<'postgresql' | 'mysql', Protocol>> = {
  postgresql: {
    port: '5432',
    // Query, Parse and Bind.
    isCommand: (sent) => 'QPB'.includes(String.fromCodePoint(sent[0] ?? 0)),
    isEnd: (tail) => tail.subarray(-readyForQuery.length - 1, -1).equals(readyForQuery),
  },
  mysql: {
    port: '3306',
    // Its packets are numbered within an exchange.
    isCommand: (sent) => sent[3] === 0,
    // COMMIT is answered by one packet.
    isEnd: () => true,
  },
};

export async function openFaultProxy(url: string): Promise<FaultProxy> {
  const target = new URL(url);
  const protocol = protocols[target.protocol.startsWith('mysql') ? 'mysql' : 'postgresql'];
  const [port, host] = [Number(target.port || protocol.port), target.hostname];
  const sockets = new Set<Socket>();
  const server = createServer((client) =>
    relay({ client, server: connect(port, host) }, protocol, sockets, (sent) => proxy.decide(sent)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The proxy does not listen');
  target.hostname = '127.0.0.1';
  target.port = String(address.port);
  const proxy: FaultProxy = {
    url: target.href,
    decide: () => 'pass',
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return proxy;
}

/** Loses one connection: at the command that carries this text, or at the COMMIT that follows it. */
export function loseOnce(
  fate: Fate,
  text: string,
  at: 'set' | 'commit',
): { readonly decide: FaultProxy['decide']; readonly isDone: () => boolean } {
  let state: 'before' | 'met' | 'done' = 'before';
  return {
    isDone: () => state === 'done',
    decide: (sent) => {
      if (state === 'before' && sent.includes(text)) state = 'met';
      const isIt = state === 'met' && (at === 'set' || /commit/i.test(sent.toString('latin1')));
      if (isIt) state = 'done';
      return isIt ? fate : 'pass';
    },
  };
}

function relay(
  { client, server }: { readonly client: Socket; readonly server: Socket },
  protocol: Protocol,
  sockets: Set<Socket>,
  decide: FaultProxy['decide'],
): void {
  const cut = (): void => {
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', cut);
    socket.once('close', () => {
      sockets.delete(socket);
      cut();
    });
  }
  let swallowed: Buffer | undefined;
  client.on('data', (sent) => {
    const fate = protocol.isCommand(sent) ? decide(sent) : 'pass';
    if (fate === 'cut') return cut();
    if (fate === 'unanswered') swallowed = Buffer.alloc(0);
    return server.write(sent);
  });
  server.on('data', (answer) => {
    if (!swallowed) return client.write(answer);
    swallowed = Buffer.concat([swallowed, answer]);
    return protocol.isEnd(swallowed) ? cut() : undefined;
  });
}
