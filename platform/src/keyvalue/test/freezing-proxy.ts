import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A wire to a server that can go dead without a word: nothing passes, nobody is told. */
export class FreezingProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isFrozen = false;
  #frozenArrivals = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(targetPort: number): Promise<FreezingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const proxy = new FreezingProxy(server, address.port);
    server.on('connection', (socket) => proxy.#join(socket, targetPort));
    return proxy;
  }

  /** How many connections came while it was frozen. */
  get frozenArrivals(): number {
    return this.#frozenArrivals;
  }

  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  /** For new connections; those that were frozen stay dead. */
  thaw(): void {
    this.#isFrozen = false;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #join(socket: Socket, targetPort: number): void {
    this.#keep(socket);
    if (this.#isFrozen) {
      this.#frozenArrivals += 1;
      return;
    }
    const target = connect(targetPort, '127.0.0.1');
    this.#keep(target);
    socket.pipe(target);
    target.pipe(socket);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
