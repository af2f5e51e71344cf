import { mexaContestant } from '../contestants/mexa.ts';
import { medianText, spreadText } from '../figures/numbers.ts';
import { faultsOf, figureOf, rateRatio, runRounds, type SlotResult } from '../rounds/rounds.ts';
import type { Slot } from '../rounds/measure.ts';
import { knowsSetting } from '../stage/quinta.ts';
import type { Part, Section } from './part.ts';
import { percentLost } from './percent-lost.ts';
import { connections } from './throughput.ts';
import { type Ready, withContestants } from './with-contestants.ts';

const title = 'Sealing the audit';

export const sealing: Part = {
  name: 'sealing',
  suite: 'mexa',
  about: 'what sealing the audit costs while vouchers are drawn',
  run: (bench) => {
    if (!knowsSetting('AUDIT_SEALING')) return Promise.resolve(withoutSealing);
    const mexas = [
      mexaContestant({ name: 'mexa-sealed', title: 'sealing on' }),
      mexaContestant({ name: 'mexa-unsealed', title: 'sealing off', isSealing: false }),
    ];
    return withContestants(bench, mexas, async ({ ready, faults, leftOut }) => {
      const results = await runRounds(bench.stage, ready.map(slotOf), bench.options);
      return { ...sectionOf(results), leftOut, faults: [...faults, ...faultsOf(results)] };
    });
  },
};

const withoutSealing: Section = {
  title,
  text: ['Not measured: this MEXA has no setting AUDIT_SEALING.'],
  tables: [],
  readings: [{ bar: 'sealing', measured: undefined, remark: 'this MEXA does not seal' }],
  leftOut: ['Sealing: this MEXA has no setting AUDIT_SEALING'],
  faults: [],
  data: [],
};

function slotOf({ contestant, running, database }: Ready): Slot {
  return {
    name: contestant.name,
    title: contestant.title,
    running,
    database,
    order: { connections, seconds: 1, stream: { kind: 'draws', isMixed: false } },
  };
}

function sectionOf(results: readonly SlotResult[]): Omit<Section, 'leftOut' | 'faults'> {
  const named = (name: string): SlotResult | undefined => results.find((result) => result.name === name);
  const [sealed, unsealed] = [named('mexa-sealed'), named('mexa-unsealed')];
  return {
    title,
    text: [
      'MEXA with its defaults, which seal, and with `AUDIT_SEALING=false`. CPU and WAL are read when everything is ' +
        'sealed; `at rest after` says how long that took once the last voucher was answered.',
    ],
    tables: [
      {
        head: [
          'MEXA',
          'a second',
          'times off',
          'p99 ms',
          'application µs',
          'PostgreSQL µs',
          'WAL bytes',
          'at rest after s',
        ],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'requestsPerSecond')),
          spreadText(rateRatio(result, unsealed)),
          medianText(figureOf(result, 'p99Ms')),
          medianText(figureOf(result, 'applicationCpuUs')),
          medianText(figureOf(result, 'databaseCpuUs')),
          medianText(figureOf(result, 'walBytes')),
          medianText(figureOf(result, 'restedAfterSeconds')),
        ]),
      },
    ],
    readings: [{ bar: 'sealing', measured: percentLost(sealed, unsealed) }],
    data: results,
  };
}
