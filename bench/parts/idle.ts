import { mexaContestant } from '../contestants/mexa.ts';
import { bareHttp } from '../contestants/node-peers.ts';
import { statementAlone } from '../contestants/statement-alone.ts';
import { medianText, spreadText } from '../figures/numbers.ts';
import { faultsOf, figureOf, ratioBetween, runRounds, type SlotResult } from '../rounds/rounds.ts';
import type { Slot } from '../rounds/measure.ts';
import type { Part, Section } from './part.ts';
import { type Ready, withContestants } from './with-contestants.ts';

export const idle: Part = {
  name: 'idle',
  suite: 'mexa',
  about: 'one request at a time, beside the same statement sent alone',
  run: (bench) =>
    withContestants(bench, [mexaContestant(), statementAlone, bareHttp], async ({ ready, faults, leftOut }) => {
      const results = await runRounds(bench.stage, ready.map(slotOf), bench.options);
      return { ...sectionOf(results), leftOut, faults: [...faults, ...faultsOf(results)] };
    }),
};

function slotOf({ contestant, running, database }: Ready): Slot {
  return {
    name: contestant.name,
    title: contestant.title,
    running,
    database,
    order: { connections: 1, seconds: 1, stream: { kind: 'draws', isMixed: false } },
  };
}

function sectionOf(results: readonly SlotResult[]): Omit<Section, 'leftOut' | 'faults'> {
  const named = (name: string): SlotResult | undefined => results.find((result) => result.name === name);
  const reference = named('statement');
  return {
    title: 'An idle system: one request at a time',
    text: [
      'One connection that waits for each answer. The reference is the statement with which MEXA draws, with a set of ' +
        'one, sent from a Node program without HTTP over the same socket; node:http alone says what HTTP costs here.',
    ],
    tables: [
      {
        head: ['what', 'p50 ms', 'p99 ms', 'times the statement (p50)'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'p50Ms')),
          medianText(figureOf(result, 'p99Ms')),
          spreadText(ratioBetween(result, reference, 'p50Ms')),
        ]),
      },
    ],
    readings: [{ bar: 'idle-request', measured: ratioBetween(named('mexa'), reference, 'p50Ms') }],
    data: results,
  };
}
