import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLendingGround } from '../lending/place.ts';
import { figureOf, figureRatio, resultNamed, runTurns, type Turn, type TurnResult } from '../members/rounds.ts';
import { spreadText } from '../figures/numbers.ts';
import { peersFolder, reasonAgainstPeers } from '../stage/peers.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Bench, Part, Section } from './part.ts';

const lap = { full: 10_000, quick: 1_000 };
const program = fileURLToPath(new URL('../lending/deliver-events.ts', import.meta.url));

export const lendingOutbox: Part = {
  name: 'lending-outbox',
  suite: 'sofipo',
  about: 'events from the outbox to whoever listens, beside jobs of pg-boss',
  run: async (bench) => {
    const { stage } = bench;
    const reason = await reasonAgainstPeers();
    const ground = await openLendingGround(stage, { name: 'lending_outbox' });
    const peerDatabase = await stage.makeEmptyDatabase('pg_boss');
    try {
      const peer = programTurn(bench, {
        name: 'pg-boss',
        title: 'pg-boss, jobs written and completed',
        script: path.join(peersFolder, 'pg-boss.mjs'),
        databaseUrl: peerDatabase.ownerUrl,
      });
      const own = programTurn(bench, {
        name: 'embedded',
        title: 'SOFIPO, queue in the database',
        script: program,
        databaseUrl: ground.database.applicationUrl,
      });
      const results = await runTurns(bench, [own, ...(reason === undefined ? [peer] : [])]);
      return sectionOf(results, reason === undefined ? [] : [`pg-boss: ${reason}`]);
    } finally {
      await peerDatabase.drop();
      await ground.close();
    }
  },
};

function programTurn(
  { stage, options }: Bench,
  run: { readonly name: string; readonly title: string; readonly script: string; readonly databaseUrl: string },
): Turn {
  const { name, title, script, databaseUrl } = run;
  return {
    name,
    title,
    measure: async (seconds) => {
      const args = [script, seconds, options.isQuick ? lap.quick : lap.full].map(String);
      const said = await stage.children.run(process.execPath, args, {
        env: { ...surroundings(), DATABASE_URL: databaseUrl },
        timeoutMs: seconds * 1_000 + 180_000,
      });
      return { figures: JSON.parse(said) as Record<string, number> };
    },
  };
}

function sectionOf(results: readonly TurnResult[], leftOut: readonly string[]): Section {
  const peer = resultNamed(results, 'pg-boss');
  return {
    title: 'Events on their way',
    text: [
      'Events are written to the outbox, a hundred a commit; then one process relays them and a listener that does ' +
        'nothing takes them, until nothing waits. pg-boss writes as many jobs, a hundred a commit, and fetches and ' +
        'completes them by the hundred. An event goes two ways, from the outbox to the queue of each listener and from ' +
        'there, in order for each loan; a job goes one, in no order. No bar.',
    ],
    tables: [
      {
        head: ['what', 'a second', 'times pg-boss', 'written a second', 'delivered a second', 'times pg-boss'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'perSecond')),
          result === peer ? '' : spreadText(figureRatio(result, peer, 'perSecond')),
          spreadText(figureOf(result, 'written')),
          spreadText(figureOf(result, 'delivered')),
          result === peer ? '' : spreadText(figureRatio(result, peer, 'delivered')),
        ]),
      },
    ],
    readings: [],
    leftOut,
    faults: results.flatMap(({ faults }) => faults),
    data: results,
  };
}
