import { fileURLToPath } from 'node:url';
import { openMembersPlace } from '../members/place.ts';
import { figureOf, figureRatio, runTurns, type Turn, type TurnResult } from '../members/rounds.ts';
import { spreadText } from '../figures/numbers.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Part, Section } from './part.ts';

const program = fileURLToPath(new URL('../members/token-checks.ts', import.meta.url));

export const membersTokens: Part = {
  name: 'members-tokens',
  suite: 'move-acces',
  about: 'checks of access tokens with revocation, beside the bare HMAC',
  run: async (bench) => {
    const place = await openMembersPlace(bench.stage, { name: 'members_tokens', members: 1 });
    const turn: Turn = {
      name: 'checks',
      title: 'one process, one core',
      measure: async (seconds) => {
        const said = await bench.stage.children.run(process.execPath, [program, String(seconds)], {
          env: { ...surroundings(), DATABASE_URL: place.database.applicationUrl, APP_SECRET: place.secret },
          timeoutMs: seconds * 3_000 + 60_000,
        });
        return { figures: JSON.parse(said) as Record<string, number> };
      },
    };
    try {
      return sectionOf(await runTurns(bench, [turn]));
    } finally {
      await place.close();
    }
  },
};

function sectionOf(results: readonly TurnResult[]): Section {
  const [checks] = results;
  const only = (figure: string): TurnResult => {
    const rounds = (checks?.rounds ?? []).map((round) => ({ rate: round[figure] ?? NaN }));
    return { name: figure, title: figure, rounds, faults: [] };
  };
  const titles = {
    remembered: 'a token that was seen before',
    firstSight: 'a token that was never seen',
    bare: 'HMAC-SHA-256 of the same bytes, compared',
  } as const;
  return {
    title: 'Token checks',
    text: [
      'Signature, claims and whether the session has ended, as every request asks; in one process, on one core. The list ' +
        'of ended sessions is kept up to date from the database meanwhile.',
    ],
    tables: [
      {
        head: ['what', 'a second', 'times the HMAC'],
        rows: Object.entries(titles).map(([figure, title]) => [
          title,
          spreadText(figureOf(checks, figure)),
          spreadText(figureRatio(only(figure), only('bare'), 'rate')),
        ]),
      },
    ],
    readings: [{ bar: 'token-check', measured: figureOf(checks, 'firstSight'), remark: 'of tokens never seen before' }],
    leftOut: [],
    faults: results.flatMap(({ faults }) => faults),
    data: results,
  };
}
