import { mexaContestant } from '../contestants/mexa.ts';
import { medianText, spreadText } from '../figures/numbers.ts';
import { faultsOf, figureOf, rateRatio, runRounds, type SlotResult } from '../rounds/rounds.ts';
import type { Slot } from '../rounds/measure.ts';
import type { Part, Section } from './part.ts';
import { type Ready, withContestants } from './with-contestants.ts';

const processCounts = [1, 2, 4];
const connectionCounts = [64, 256];

export const processes: Part = {
  name: 'processes',
  suite: 'mexa',
  about: 'MEXA on 1, 2 and 4 processes',
  run: (bench) => {
    const { isQuick } = bench.options;
    const counts = isQuick ? processCounts.slice(0, 2) : processCounts;
    const mexas = counts.map((workers) => mexaContestant({ workers, name: `mexa-on-${workers}` }));
    return withContestants(bench, mexas, async ({ ready, faults, leftOut }) => {
      const slots = ready.flatMap((one) => slotsOf(one, isQuick ? connectionCounts.slice(0, 1) : connectionCounts));
      const results = await runRounds(bench.stage, slots, bench.options);
      return { ...sectionOf(results), leftOut, faults: [...faults, ...faultsOf(results)] };
    });
  },
};

function slotsOf({ contestant, running, database }: Ready, counts: readonly number[]): readonly Slot[] {
  return counts.map((connections) => ({
    name: `${contestant.name}-${connections}`,
    title: contestant.title,
    running,
    database,
    order: { connections, seconds: 1, stream: { kind: 'draws', isMixed: false } },
  }));
}

function sectionOf(results: readonly SlotResult[]): Omit<Section, 'leftOut' | 'faults'> {
  const referenceOf = ({ connections }: SlotResult): SlotResult | undefined =>
    results.find(({ name }) => name === `mexa-on-1-${connections}`);
  return {
    title: 'Processes',
    text: ['`quinta start mexa --workers N`. The processes share the cores with PostgreSQL and with the load.'],
    tables: [
      {
        head: [
          'processes',
          'connections',
          'a second',
          'times one process',
          'p99 ms',
          'application µs',
          'PostgreSQL µs',
        ],
        rows: results.map((result) => [
          result.title,
          String(result.connections),
          spreadText(figureOf(result, 'requestsPerSecond')),
          spreadText(rateRatio(result, referenceOf(result))),
          medianText(figureOf(result, 'p99Ms')),
          medianText(figureOf(result, 'applicationCpuUs')),
          medianText(figureOf(result, 'databaseCpuUs')),
        ]),
      },
    ],
    readings: [],
    data: results,
  };
}
