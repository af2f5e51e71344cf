import type { BarReading } from '../figures/bars.ts';
import { medianText, shortNumber, spreadText } from '../figures/numbers.ts';
import { contestants } from '../contestants/list.ts';
import { pgbenchClients } from '../contestants/pgbench.ts';
import type { Table } from '../report/table.ts';
import type { Slot } from '../rounds/measure.ts';
import { faultsOf, figureOf, rateRatio, runRounds, type SlotResult } from '../rounds/rounds.ts';
import type { Part, Section } from './part.ts';
import { type Ready, withContestants } from './with-contestants.ts';

/** Connections of every contestant; MEXA is also measured at those beside it. */
export const connections = 64;
const otherConnections = [16, 256];

export const throughput: Part = {
  name: 'throughput',
  suite: 'mexa',
  about: 'a voucher with its audit row, durable, over HTTP: MEXA, pgbench and the peers',
  run: (bench) => {
    const chosen = contestants.filter(({ name }) => bench.options.contestants.includes(name));
    return withContestants(bench, chosen, async ({ ready, leftOut, faults, furtherColumns }) => {
      const slots = ready.flatMap((one) => slotsOf(one, bench.options.isQuick));
      const results = await runRounds(bench.stage, slots, bench.options);
      return sectionOf(results, { leftOut, faults: [...faults, ...faultsOf(results)], furtherColumns });
    });
  },
};

function slotsOf({ contestant, running, database }: Ready, isQuick: boolean): readonly Slot[] {
  const base = { title: contestant.title, running, database, statements: contestant.statements };
  const slotAt = (count: number): Slot => ({
    ...base,
    name: count === connections ? contestant.name : `${contestant.name}-${count}`,
    order: {
      connections: running.addresses.length === 0 ? pgbenchClients : count,
      seconds: 1,
      stream: { kind: 'draws', isMixed: false },
    },
  });
  const others = contestant.name === 'mexa' && !isQuick ? otherConnections : [];
  return [slotAt(connections), ...others.map(slotAt)];
}

/** What was found beside the figures. */
export interface Findings {
  readonly leftOut: readonly string[];
  readonly faults: readonly string[];
  readonly furtherColumns: readonly string[];
}

export function sectionOf(results: readonly SlotResult[], found: Findings): Section {
  return {
    title: 'A voucher with its audit row, over HTTP',
    text: [
      'Each contestant draws the same vouchers on the same PostgreSQL: bearer token checked, body validated, key unique, ' +
        'voucher and audit row durable before the answer, one log line a request. Each request has a key of its own, one ' +
        'of 64 clerks and one of 899 users. `times` is the median of the rounds’ ratios to the transaction of pgbench.',
      ...(found.furtherColumns.length === 0
        ? []
        : [`MEXA's audit rows fill more columns than the peers' do: ${found.furtherColumns.join(', ')}.`]),
    ],
    tables: [rateTable(results), costTable(results)],
    readings: readingsOf(results),
    leftOut: found.leftOut,
    faults: found.faults,
    data: results,
  };
}

function rateTable(results: readonly SlotResult[]): Table {
  const reference = results.find(({ name }) => name === 'pgbench');
  return {
    head: ['contestant', 'connections', 'a second', 'times pgbench', 'p50 ms', 'p99 ms'],
    rows: results.map((result) => [
      result.title,
      String(result.connections),
      spreadText(figureOf(result, 'requestsPerSecond')),
      spreadText(rateRatio(result, reference)),
      medianText(figureOf(result, 'p50Ms')),
      spreadText(figureOf(result, 'p99Ms')),
    ]),
  };
}

function costTable(results: readonly SlotResult[]): Table {
  return {
    head: [
      'a voucher costs',
      'connections',
      'application µs',
      'PostgreSQL µs',
      'WAL bytes',
      'statements',
      'at rest after s',
      'vouchers counted',
    ],
    rows: results.map((result) => [
      result.title,
      String(result.connections),
      medianText(figureOf(result, 'applicationCpuUs')),
      medianText(figureOf(result, 'databaseCpuUs')),
      medianText(figureOf(result, 'walBytes')),
      medianText(figureOf(result, 'statements')),
      medianText(figureOf(result, 'restedAfterSeconds')),
      shortNumber(result.rounds.reduce((sum, { rows }) => sum + rows, 0)),
    ]),
  };
}

function readingsOf(results: readonly SlotResult[]): readonly BarReading[] {
  const named = (name: string): SlotResult | undefined => results.find((result) => result.name === name);
  const mexa = named('mexa');
  if (!mexa) return [];
  return [
    { bar: 'voucher-rate', measured: rateRatio(mexa, named('pgbench')) },
    { bar: 'fastapi-rate', measured: rateRatio(mexa, named('fastapi')) },
    { bar: 'voucher-p99', measured: figureOf(mexa, 'p99Ms') },
  ];
}
