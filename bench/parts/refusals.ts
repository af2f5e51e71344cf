import { mexaContestant } from '../contestants/mexa.ts';
import { medianText, spreadText } from '../figures/numbers.ts';
import { faultsOf, figureOf, rateRatio, runRounds, type SlotResult } from '../rounds/rounds.ts';
import type { Slot } from '../rounds/measure.ts';
import { queryOne } from '../stage/sql.ts';
import type { Part, Section } from './part.ts';
import { percentLost } from './percent-lost.ts';
import { connections } from './throughput.ts';
import { type Ready, withContestants } from './with-contestants.ts';

/** Of the mixed requests 1 % are refused; by chance a little more. */
const refusedShareMax = 0.03;

export const refusals: Part = {
  name: 'refusals',
  suite: 'mexa',
  about: 'what 1 % refused and 5 % repeated requests cost the others',
  run: (bench) =>
    withContestants(bench, [mexaContestant()], async ({ ready, faults, leftOut }) => {
      const slots = ready.flatMap((one) => [slotOf(one, false), slotOf(one, true)]);
      const results = await runRounds(bench.stage, slots, bench.options);
      const underWayMax = slots.length * (bench.options.rounds + 1) * connections;
      const statusFaults = await Promise.all(ready.map((one) => faultsInStatuses(one, underWayMax)));
      return {
        ...sectionOf(results, await statusesOf(ready)),
        leftOut,
        faults: [...faults, ...faultsOf(results), ...statusFaults.flat()],
      };
    }),
};

function slotOf({ running, database }: Ready, isMixed: boolean): Slot {
  return {
    name: isMixed ? 'mixed' : 'clean',
    title: isMixed ? '1 % refused, 5 % repeated' : 'every request good',
    running,
    database,
    order: { connections, seconds: 1, stream: { kind: 'draws', isMixed } },
    ...(isMixed ? { refusedShareMax } : {}),
  };
}

/** No client input may fail a request (5xx), and a voucher is there for each 201 and for nothing else. */
async function faultsInStatuses({ running, database }: Ready, underWayMax: number): Promise<string[]> {
  const statuses = await running.readStatuses?.();
  if (!statuses) return [];
  const failed = [...statuses].filter(([status, count]) => status.startsWith('5') && count > 0);
  const { vales } = await queryOne<{ vales: number }>(database.sql, 'select count(*)::int as vales from vales');
  const drawn = statuses.get('201') ?? 0;
  return [
    ...failed.map(([status, count]) => `MEXA answered ${count} times with ${status}`),
    ...(Math.abs(vales - drawn) > underWayMax ? [`MEXA answered ${drawn} times with 201 and drew ${vales}`] : []),
  ];
}

async function statusesOf(ready: readonly Ready[]): Promise<string> {
  const lines: string[] = [];
  for (const { running } of ready) {
    const statuses = (await running.readStatuses?.()) ?? new Map<string, number>();
    for (const [status, count] of statuses) lines.push(`${status} ${count.toLocaleString('en-US')} times`);
  }
  return lines.toSorted((a, b) => (a < b ? -1 : 1)).join(', ');
}

function sectionOf(results: readonly SlotResult[], statuses: string): Omit<Section, 'leftOut' | 'faults'> {
  const [clean, mixed] = results;
  return {
    title: 'Refused and repeated requests',
    text: [
      'Half of the refused requests name an unknown user, half a used key with another amount (both 422); the repeated ' +
        `ones get the same voucher again (200). MEXA's own count of its answers: ${statuses}.`,
    ],
    tables: [
      {
        head: ['requests', 'a second', 'times clean', 'p99 ms'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'requestsPerSecond')),
          spreadText(rateRatio(result, clean)),
          medianText(figureOf(result, 'p99Ms')),
        ]),
      },
    ],
    readings: [{ bar: 'refused-and-repeated', measured: percentLost(mixed, clean) }],
    data: results,
  };
}
