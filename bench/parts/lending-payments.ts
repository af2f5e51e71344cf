import { copyLoans, grantLoan, loanId, usualLoan } from '../lending/loans.ts';
import { cpuMeter, figuresOf, openTill, pay, type Till, tillFaults } from '../lending/pay.ts';
import { openLendingPlace } from '../lending/place.ts';
import { figureOf, figureRatio, resultNamed, runTurns, type Turn, type TurnResult } from '../members/rounds.ts';
import { medianText, shortNumber, spreadText } from '../figures/numbers.ts';
import { runPgbench } from '../load/pgbench.ts';
import { query } from '../stage/sql.ts';
import type { Stage } from '../stage/stage.ts';
import type { Bench, Part, Section } from './part.ts';

const loans = { full: 10_000, quick: 500 };
const pgbenchClients = 16;
const [likePgbench, many] = [16, 64];
/** Nobody listens there: what is to be told waits in the outbox. */
const brokerAway = { RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:1/' };

export const lendingPayments: Part = {
  name: 'lending-payments',
  suite: 'sofipo',
  about: 'payments on many loans beside pgbench doing the same statements',
  run: async (bench) => {
    const count = bench.options.isQuick ? loans.quick : loans.full;
    const opened: { close(): Promise<void> }[] = [];
    const tillOf = async (name: string, variables = {}): Promise<Till> => {
      const place = await openLendingPlace(bench.stage, { name, variables });
      opened.push(place);
      await copyLoans(place.database, [await grantLoan(place, usualLoan())], count);
      return openTill(place);
    };
    try {
      const whole = await tillOf('lending_payments');
      const waiting = await tillOf('lending_waiting', brokerAway);
      const paying = (name: string, title: string, till: Till, connections: number): Turn => {
        const loanIds = Array.from({ length: count }, (_, place) => loanId(place + 1));
        return { name, title, measure: (seconds) => pay(bench, till, { loanIds, connections, seconds }) };
      };
      const turns = [
        await pgbenchTurn(bench, count, opened),
        paying('sofipo-16', 'SOFIPO, 16 connections', whole, likePgbench),
        paying('sofipo-64', 'SOFIPO, 64 connections', whole, many),
        paying('waiting-16', 'SOFIPO, 16 connections, broker away', waiting, likePgbench),
        paying('waiting-64', 'SOFIPO, 64 connections, broker away', waiting, many),
      ];
      const results = await runTurns(bench, turns);
      const faults = (await Promise.all([whole, waiting].map(tillFaults))).flat();
      return sectionOf(results, count, faults);
    } finally {
      for (const one of opened.toReversed()) await one.close();
    }
  },
};

/** On a database of its own, so that nobody reads a history that somebody else has made long. */
async function pgbenchTurn({ stage }: Bench, count: number, opened: { close(): Promise<void> }[]): Promise<Turn> {
  const place = await openLendingPlace(stage, { name: 'lending_pgbench' });
  opened.push(place);
  await copyLoans(place.database, [await grantLoan(place, usualLoan())], count);
  const { database } = place;
  await place.stop();
  return {
    name: 'pgbench',
    title: `pgbench, the same statements, ${pgbenchClients} clients`,
    measure: (seconds) => measurePgbench(stage, database, { count, seconds }),
  };
}

async function measurePgbench(
  stage: Stage,
  database: Parameters<typeof runPgbench>[1],
  { count, seconds }: { readonly count: number; readonly seconds: number },
) {
  await query(database.sql, 'checkpoint');
  const used = cpuMeter(stage);
  const load = await runPgbench(stage, database, {
    script: 'payment',
    clients: pgbenchClients,
    variables: { loans: count },
    until: { seconds },
  });
  const faults = load.notOk > 0 ? [`${load.notOk} transactions failed`] : [];
  return { figures: { ...figuresOf(load), databaseUs: used().databaseUs / load.completed }, faults };
}

function sectionOf(results: readonly TurnResult[], count: number, faults: readonly string[]): Section {
  const named = (name: string): TurnResult | undefined => resultNamed(results, name);
  const times = (name: string) => figureRatio(named(name), named('pgbench'), 'perSecond');
  return {
    title: 'Payments on many loans',
    text: [
      `POST /api/v1/loans/{id}/payments of 1,000.00 on ${shortNumber(count)} loans by chance, each of a client of its ` +
        'own, granted three months ago: token checked, loan locked and replayed, payment, event, entry, audit row and ' +
        'message in one durable commit before the answer. pgbench runs the statements of a single payment, prepared, ' +
        'over the Unix socket, and reckons nothing. SOFIPO relays its messages to the queue in the database and writes ' +
        'them down as documents meanwhile, in the same process; with the broker away they wait in the outbox, as ' +
        'pgbench’s do. Afterwards every payment that was answered is there with its event, entry, audit row and ' +
        'message, and the ledger holds, or the run has failed.',
    ],
    tables: [
      {
        head: ['what', 'a second', 'times pgbench', 'p50 ms', 'p99 ms', 'µs of Node', 'µs of PostgreSQL'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'perSecond')),
          result.name === 'pgbench' ? '' : spreadText(times(result.name)),
          medianText(figureOf(result, 'p50Ms')),
          medianText(figureOf(result, 'p99Ms')),
          medianText(figureOf(result, 'nodeUs')),
          medianText(figureOf(result, 'databaseUs')),
        ]),
      },
    ],
    readings: [
      {
        bar: 'payments',
        measured: times('sofipo-16'),
        remark:
          `with messages relayed and written down in the same process; ${spreadText(times('sofipo-64'))} at 64 ` +
          `connections, ${spreadText(times('waiting-16'))} and ${spreadText(times('waiting-64'))} with the broker away`,
      },
    ],
    leftOut: [],
    faults: [...results.flatMap((result) => result.faults), ...faults],
    data: results,
  };
}
