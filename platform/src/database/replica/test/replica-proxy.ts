import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { PairedServer } from '../../../testing/replicated-pair.ts';

/** A way to servers over TCP that may lead each connection elsewhere, or fall silent. */
export interface ReplicaProxy {
  readonly url: string;
  /** Connections that stand now carry nothing any more, without an end; later ones do. */
  silence(): void;
  close(): void;
}

/** @param serverOf where a connection leads, by its number from 0 */
export async function openReplicaProxy(serverOf: (connection: number) => PairedServer): Promise<ReplicaProxy> {
  const ends: Socket[] = [];
  let connections = 0;
  const proxy = createServer((socket) => {
    const server = connect(socketOf(serverOf(connections++)));
    socket.pipe(server).pipe(socket);
    for (const end of [socket, server]) end.on('error', () => socket.destroy());
    ends.push(socket, server);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  return {
    url: serverOf(0).url.replace(/@.*/, `@127.0.0.1:${port}/postgres`),
    silence: () => {
      for (const end of ends) end.unpipe().pause();
    },
    close: () => {
      for (const end of ends) end.destroy();
      proxy.close();
    },
  };
}

function socketOf({ url }: PairedServer): string {
  const { searchParams } = new URL(url.replace('@/', '@socket/'));
  return `${searchParams.get('host')}/.s.PGSQL.${searchParams.get('port')}`;
}
