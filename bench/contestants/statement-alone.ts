import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { WriteStatement } from '../../platform/src/database/index.ts';
import { insertVales } from '../../services/mexa/src/vale/vale-store.ts';
import { parseLoad } from '../load/http-load.ts';
import { peersFolder, reasonAgainstPeers } from '../stage/peers.ts';
import { users } from '../stage/stage.ts';
import type { Contestant, Running, Surroundings } from './contestant.ts';
import { peerVariables } from './peer-variables.ts';

type ParamsOf<Statement> = Statement extends WriteStatement<infer Params, unknown> ? Params : never;

const graceMs = 30_000;

/** A set of one. `$uuid` stands for a new key each time. */
const oneCommand: ParamsOf<typeof insertVales> = [
  [users.firstClerk],
  ['$uuid'],
  ['/api/v1/vales'],
  ['POST'],
  ['127.0.0.1'],
  ['bench'],
  ['$uuid'],
  [users.firstDrawer],
  ['125.50'],
  ['Safety gloves'],
];

/** The statement with which MEXA draws, sent one at a time by a Node program with `pg` and nothing else. */
export const statementAlone: Contestant = {
  name: 'statement',
  title: 'the same statement, sent alone',
  statements: 1,
  reasonAgainst: reasonAgainstPeers,
  start: (given) => Promise.resolve(running(given)),
};

function running(given: Surroundings): Running {
  const { stage } = given;
  const file = path.join(stage.folder, 'statement.json');
  writeFileSync(file, JSON.stringify({ text: insertVales.text, params: oneCommand }));
  return {
    pids: [],
    addresses: [],
    isDurable: true,
    load: async ({ seconds }) => {
      const script = path.join(peersFolder, 'single-statement.mjs');
      const output = await stage.children.run(process.execPath, [script, file, String(seconds)], {
        env: peerVariables(given),
        timeoutMs: seconds * 1_000 + graceMs,
      });
      return parseLoad(output);
    },
    complaints: () => '',
    rest: () => undefined,
    stop: () => Promise.resolve(),
  };
}
