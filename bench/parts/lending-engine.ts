import { fileURLToPath } from 'node:url';
import { figureOf, figureRatio, runTurns, type TurnResult } from '../members/rounds.ts';
import { spreadText } from '../figures/numbers.ts';
import { surroundings } from '../stage/quinta.ts';
import type { Part, Section } from './part.ts';

const program = fileURLToPath(new URL('../lending/schedules.ts', import.meta.url));

export const lendingEngine: Part = {
  name: 'lending-engine',
  suite: 'sofipo',
  about: 'schedules of 24 instalments on one core, beside the same sums in doubles',
  run: async (bench) => {
    const measure = async (seconds: number) => {
      const said = await bench.stage.children.run(process.execPath, [program, String(seconds)], {
        env: surroundings(),
        timeoutMs: seconds * 4_000 + 60_000,
      });
      return { figures: JSON.parse(said) as Record<string, number> };
    };
    return sectionOf(await runTurns(bench, [{ name: 'schedules', title: 'one process, one core', measure }]));
  },
};

function sectionOf(results: readonly TurnResult[]): Section {
  const [schedules] = results;
  const only = (figure: string): TurnResult => {
    const rounds = (schedules?.rounds ?? []).map((round) => ({ rate: round[figure] ?? NaN }));
    return { name: figure, title: figure, rounds, faults: [] };
  };
  const titles = {
    french: 'level instalments, 30/360',
    following: 'the same, due dates moved off holidays',
    taxed: 'level principal, actual/360, with VAT',
    bare: 'level instalments in doubles and nothing else',
  } as const;
  return {
    title: 'Schedules',
    text: [
      'Schedules of 24 monthly instalments in one process, for each second of its CPU time; every loan has an amount, a rate and a start of ' +
        'its own. A schedule has dates, exact centavos, totals, and its terms are checked. The last line is what the ' +
        'bare sums cost: doubles, without dates, checks and totals.',
    ],
    tables: [
      {
        head: ['what', 'a second and core', 'times the bare sums'],
        rows: Object.entries(titles).map(([figure, title]) => [
          title,
          spreadText(figureOf(schedules, figure)),
          spreadText(figureRatio(only(figure), only('bare'), 'rate')),
        ]),
      },
    ],
    readings: [{ bar: 'schedules', measured: figureOf(schedules, 'french'), remark: 'level instalments, 30/360' }],
    leftOut: [],
    faults: results.flatMap(({ faults }) => faults),
    data: results,
  };
}
