import { grantLoan, usualLoan } from '../lending/loans.ts';
import { openTill, pay, type Till, tillFaults } from '../lending/pay.ts';
import { openLendingPlace } from '../lending/place.ts';
import { figureOf, resultNamed, runTurns, type Turn, type TurnResult } from '../members/rounds.ts';
import { medianText, shortNumber, spreadText } from '../figures/numbers.ts';
import { queryOne } from '../stage/sql.ts';
import type { Bench, Part, Section } from './part.ts';

const connections = 64;
/** So large that no run pays it off. */
const hotAmount = '900000000.00';
const placesOfTurns = ['hot', 'waiting'] as const;
const brokerAway = { RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:1/' };

export const lendingHotLoan: Part = {
  name: 'lending-hot-loan',
  suite: 'sofipo',
  about: 'everybody pays on one loan',
  run: async (bench) => {
    const opened: { close(): Promise<void> }[] = [];
    try {
      const tills: Till[] = [];
      for (const name of placesOfTurns) {
        const variables = name === 'waiting' ? brokerAway : {};
        const place = await openLendingPlace(bench.stage, { name: `lending_${name}_loan`, variables });
        opened.push(place);
        tills.push(openTill(place));
      }
      const [whole, waiting] = tills;
      if (!whole || !waiting) throw new Error('No place was opened');
      const results = await runTurns(bench, [
        hotTurn(bench, whole, { name: 'hot', title: 'SOFIPO' }),
        hotTurn(bench, waiting, { name: 'waiting', title: 'SOFIPO, broker away' }),
      ]);
      const faults = (await Promise.all(tills.map(tillFaults))).flat();
      return sectionOf(results, faults);
    } finally {
      for (const one of opened.toReversed()) await one.close();
    }
  },
};

/** Each measurement has a fresh loan, so that all of them have histories of about the same length. */
function hotTurn(bench: Bench, till: Till, { name, title }: { readonly name: string; readonly title: string }): Turn {
  return {
    name,
    title,
    measure: async (seconds) => {
      const id = await grantLoan(till.place, usualLoan({ amount: hotAmount }));
      const { figures, faults } = await pay(bench, till, { loanIds: [id], connections, seconds });
      const { events } = await queryOne<{ events: number }>(
        till.place.database.sql,
        'select count(*)::int as events from loan_events where loan_id = $1',
        [id],
      );
      return { figures: { ...figures, events }, faults };
    },
  };
}

function sectionOf(results: readonly TurnResult[], faults: readonly string[]): Section {
  const hot = resultNamed(results, 'hot');
  const events = figureOf(hot, 'events');
  return {
    title: 'Payments on one loan',
    text: [
      `${connections} connections pay 1,000.00 again and again on one loan, a fresh one for each measurement. The loan is ` +
        'kept from one set of payments to the next, and asked for what others did since; the table says how many events ' +
        'it had in the end.',
    ],
    tables: [
      {
        head: ['what', 'a second', 'p50 ms', 'p99 ms', 'events in the end', 'µs of Node', 'µs of PostgreSQL'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'perSecond')),
          medianText(figureOf(result, 'p50Ms')),
          medianText(figureOf(result, 'p99Ms')),
          medianText(figureOf(result, 'events')),
          medianText(figureOf(result, 'nodeUs')),
          medianText(figureOf(result, 'databaseUs')),
        ]),
      },
    ],
    readings: [
      {
        bar: 'hot-loan',
        measured: figureOf(hot, 'perSecond'),
        remark: `over the first ${shortNumber(events?.median ?? NaN)} events of a loan, ${connections} connections`,
      },
    ],
    leftOut: [],
    faults: [...results.flatMap((result) => result.faults), ...faults],
    data: results,
  };
}
