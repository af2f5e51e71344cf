import type { Contestant } from './contestant.ts';
import { mexaContestant } from './mexa.ts';
import { bareHttp, nodePeers } from './node-peers.ts';
import { pgbenches } from './pgbench.ts';
import { pythonPeers } from './python-peers.ts';

/** Everybody who takes part, MEXA first: the others' rows are compared with its own. */
export const contestants: readonly Contestant[] = [
  mexaContestant(),
  ...pgbenches,
  ...pythonPeers,
  ...nodePeers,
  bareHttp,
];
