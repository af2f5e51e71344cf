import path from 'node:path';
import { peersFolder, reasonAgainstPeers } from '../stage/peers.ts';
import { peerVariables } from './peer-variables.ts';
import type { Contestant } from './contestant.ts';
import { startServers } from './http-server.ts';

/** Peers that run on the Node that runs the bench, their packages installed on demand. */
export const nodePeers: readonly Contestant[] = [
  nodePeer({ name: 'express', title: 'Express 5, pg', statements: 4 }),
  nodePeer({ name: 'nest', title: 'NestJS 12 on Fastify, pg', statements: 4 }),
];

/** JSON in, JSON out and nothing else: what HTTP itself costs here. */
export const bareHttp: Contestant = nodePeer({ name: 'bare', title: 'node:http alone, no database' });

function nodePeer(peer: { readonly name: string; readonly title: string; readonly statements?: number }): Contestant {
  return {
    ...peer,
    reasonAgainst: reasonAgainstPeers,
    start: (surroundings) => {
      const command = {
        name: peer.name,
        command: process.execPath,
        argumentsFor: () => [path.join(peersFolder, `${peer.name}.mjs`)],
        env: { ...peerVariables(surroundings), NODE_ENV: 'production' },
      };
      return startServers(surroundings, [command], { isDurable: peer.statements !== undefined });
    },
  };
}
