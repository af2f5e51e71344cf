import { copyLoans, grantLoan, usualLoan } from '../lending/loans.ts';
import { cpuMeter } from '../lending/pay.ts';
import { type LendingPlace, openLendingPlace } from '../lending/place.ts';
import { figureOf, figureRatio, resultNamed, runTurns, type Turn, type TurnResult } from '../members/rounds.ts';
import { medianText, shortNumber, spreadText } from '../figures/numbers.ts';
import { mainScript } from '../stage/quinta.ts';
import { query, queryOne } from '../stage/sql.ts';
import type { BenchDatabase, Stage } from '../stage/stage.ts';
import type { Part, Section } from './part.ts';

const loans = { full: 100_000, quick: 300 };
/** Loans that the database alone writes down: fewer, for it is quicker. */
const writtenLoans = { full: 20_000, quick: 300 };
/** As many as the close takes in one transaction. */
const loansPerCommit = 400;
const zone = 'America/Mexico_City';
/** One in five is late, by weeks or months, as in a portfolio that wants collecting. */
const ages = [20, 20, 20, 20, 22, 22, 22, 22, 45, 130];
/** Every measurement closes a day of its own, all of them after the youngest loan was paid out. */
const daysMax = 15;
const closeTimeoutMs = 1_800_000;

export const lendingDayClose: Part = {
  name: 'lending-day-close',
  suite: 'sofipo',
  about: 'closing a day of many loans, beside PostgreSQL writing as many rows alone',
  run: async (bench) => {
    const { stage, options } = bench;
    const [count, written] = options.isQuick ? [loans.quick, writtenLoans.quick] : [loans.full, writtenLoans.full];
    const opened: LendingPlace[] = [];
    const portfolio = async (name: string, size: number): Promise<LendingPlace> => {
      const place = await openLendingPlace(stage, { name });
      opened.push(place);
      const originals: string[] = [];
      for (const daysAgo of ages) originals.push(await grantLoan(place, usualLoan({ daysAgo })));
      await place.stop();
      await copyLoans(place.database, originals, size);
      return place;
    };
    try {
      const closing = await portfolio('lending_close', count);
      const writing = await portfolio('lending_written', written);
      const rounds = Math.min(options.rounds, daysMax - 1);
      const turns = [writingTurn(stage, writing.database, written), closingTurn(stage, closing, rounds)];
      const results = await runTurns({ ...bench, options: { ...options, rounds } }, turns);
      return sectionOf(results, count, written);
    } finally {
      for (const place of opened) await place.close();
    }
  },
};

/** The warm-up closes the first of these days, each round the next one, the last of them yesterday. */
function closingTurn(stage: Stage, place: LendingPlace, rounds: number): Turn {
  let daysAgo = rounds + 1;
  return {
    name: 'close',
    title: 'quinta sofipo close-day',
    measure: async () => {
      const day = dayOf(daysAgo);
      daysAgo -= 1;
      await query(place.database.sql, 'checkpoint');
      const used = cpuMeter(stage);
      const startedMs = performance.now();
      await stage.children.run(process.execPath, [mainScript, 'sofipo', 'close-day', '--date', day, '--json'], {
        env: place.env,
        timeoutMs: closeTimeoutMs,
      });
      const seconds = (performance.now() - startedMs) / 1_000;
      const { closed, all } = await queryOne<{ closed: number; all: number }>(
        place.database.sql,
        `select count(*) filter (where closed_on = $1::date)::int as closed, count(*)::int as "all" from loans`,
        [day],
      );
      const faults = closed === all ? [] : [`${closed} of ${all} loans were closed on ${day}`];
      return { figures: { perSecond: closed / seconds, seconds, databaseUs: used().databaseUs / closed }, faults };
    },
  };
}

/** What the rows of a close cost by themselves: an entry of two postings and the loan, so many a commit. */
function writingTurn(stage: Stage, { sql }: BenchDatabase, count: number): Turn {
  let lap = 0;
  return {
    name: 'written',
    title: `PostgreSQL alone, an entry of two postings and the loan, ${loansPerCommit} a commit`,
    measure: async () => {
      lap += 1;
      await query(sql, 'checkpoint');
      const used = cpuMeter(stage);
      const startedMs = performance.now();
      for (let first = 1; first <= count; first += loansPerCommit) {
        await query(sql, writing, [first, Math.min(first + loansPerCommit - 1, count), lap]);
      }
      const seconds = (performance.now() - startedMs) / 1_000;
      return { figures: { perSecond: count / seconds, seconds, databaseUs: used().databaseUs / count } };
    },
  };
}

const writing = `
  with these as (
    select l.id, date '2000-01-01' + $3::int as day, nextval(pg_get_serial_sequence('entries', 'id')) as entry
      from generate_series($1::int, $2::int) n
      join loans l on l.id = ('d0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid
  ), entered as (
    insert into entries (id, loan_id, closed_on, happened_on) select entry, id, day, day from these
  ), posted as (
    insert into postings (entry_id, account, amount)
    select t.entry, side.account, side.amount
      from these t cross join (values ('1303', 208.33), ('5101', -208.33)) as side (account, amount)
  )
  update loans l set interest_receivable = l.interest_receivable + 208.33, updated_at = now()
    from these t where l.id = t.id`;

/** So many days before today, where SOFIPO does business. */
function dayOf(daysAgo: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(new Date(Date.now() - daysAgo * 86_400_000));
}

function sectionOf(results: readonly TurnResult[], count: number, written: number): Section {
  const close = resultNamed(results, 'close');
  const reference = resultNamed(results, 'written');
  return {
    title: 'Closing a day',
    text: [
      `\`quinta sofipo close-day\` of ${shortNumber(count)} loans, one in five of them late, from the start of the command ` +
        'to its end, in one process; each round closes the next day, and every loan is closed on it or the run has ' +
        'failed. Beside it PostgreSQL writes what a close writes at least, an entry of two postings and the loan’s row, ' +
        `for ${shortNumber(written)} loans, without reckoning anything.`,
    ],
    tables: [
      {
        head: ['what', 'loans a second', 'times PostgreSQL alone', 'seconds', 'µs of PostgreSQL a loan'],
        rows: results.map((result) => [
          result.title,
          spreadText(figureOf(result, 'perSecond')),
          result === close ? spreadText(figureRatio(close, reference, 'perSecond')) : '',
          spreadText(figureOf(result, 'seconds')),
          medianText(figureOf(result, 'databaseUs')),
        ]),
      },
    ],
    readings: [{ bar: 'day-close', measured: figureOf(close, 'perSecond'), remark: `of ${shortNumber(count)} loans` }],
    leftOut: [],
    faults: results.flatMap(({ faults }) => faults),
    data: results,
  };
}
