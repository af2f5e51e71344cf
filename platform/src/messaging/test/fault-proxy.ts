import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to a server that can be cut, go dead without a word, or lead nowhere for a while. */
export class FaultProxy {
  readonly port: number;
  /** Told whenever something comes, before it is passed on. */
  onData: () => void = () => undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isRefusing = false;
  #isStalled = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const proxy = new FaultProxy(server, address.port);
    server.on('connection', (socket) => proxy.#join(socket, targetPort));
    return proxy;
  }

  /** Ends every connection; new ones are welcome. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends every connection, and new ones at once. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  /** Nothing passes any more, and nobody is told. */
  stall(): void {
    this.#isStalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was stalled goes on, and new connections get through. */
  heal(): void {
    this.#isRefusing = false;
    this.#isStalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(socket: Socket, targetPort: number): void {
    if (this.#isRefusing) {
      socket.destroy();
      return;
    }
    const target = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk) => {
        this.onData();
        to.write(chunk);
      });
      from.on('error', () => undefined); // the close that follows ends the other side
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isStalled) from.pause();
    }
  }
}
