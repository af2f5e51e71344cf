import { createHash } from 'node:crypto';
import { type Database, openDatabase, readStatement, writeStatement } from '@quinta/platform/database';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { assertEnded, openPlace, patience, type Place } from './place.ts';

/** 100,000 by `QUINTA_TEST_LOANS=100000 npm test -- close-day`; some thousand tell whether it holds at all. */
const loans = Number(process.env['QUINTA_TEST_LOANS'] ?? '3000');
const timeoutMs = 120_000 + loans * 20;
const killsWanted = 4;

let place: Place;
let owner: Database;
beforeAll(async () => {
  place = openPlace({ SOFIPO_TIME_ZONE: 'UTC' });
  // Serves meanwhile, and so keeps the embedded database up between the commands.
  await place.start(['start', 'sofipo']);
  const { stdout: url } = await place.run(['database', 'url', 'sofipo', '--admin']);
  owner = openDatabase({ url: url.trim(), connectionsMax: 2 });
  for (const text of portfolio) await run(text);
}, timeoutMs);
afterAll(async () => {
  await owner.close();
  await place.close();
});

const run = (text: string) => owner.runAlone(writeStatement<[], never>('test.run', text), []);
async function ask<Row>(text: string): Promise<Row> {
  const { rows } = await owner.run(readStatement<[], Row>('test.ask', text), []);
  if (rows[0] === undefined) throw new Error('Nothing was found');
  return rows[0];
}

const methods = `(array['french', 'equal_principal', 'flat', 'bullet'])[1 + n % 4]`;
const terms = `jsonb_build_object('kind', 'standard', 'amount', amount::text, 'interest_rate', rate::text, 'term', term,
    'start_date', start::text, 'method', ${methods}, 'frequency', (array['monthly', 'weekly', 'biweekly'])[1 + n % 3],
    'day_count', (array['30/360', 'actual/360', 'actual/365'])[1 + n % 3], 'business_days', 'none',
    'rounding', 'half_even', 'prepayment', 'reduce_term', 'accrual', (array['schedule', 'daily'])[1 + n / 3 % 2],
    'vat_rate', '0.16')`;

/** Beside the demo's, which are paid out today. */
const ours = "loans.client_id = 'c0000000-0000-4000-8000-000000000001'";

/** Loans of every kind, up to seven months old, with the events and entries of their disbursement. */
const portfolio = [
  `insert into clients (id, full_name, email, rfc)
   values ('c0000000-0000-4000-8000-000000000001', 'Cartera Demo', 'cartera@demo.example', 'DECA800101AB1')`,
  `insert into loans (id, client_id, amount, interest_rate, term_months, current_balance, terms, disbursed_on,
       product_code, product_version)
   select md5('loan' || n)::uuid, 'c0000000-0000-4000-8000-000000000001', amount, rate, term, amount, ${terms}, start,
       'personal', 1
     from (select n, round(1000 + n % 9000 + (n % 100)::numeric / 100, 2) as amount, round(0.12 + (n % 50)::numeric / 100, 4) as rate,
                  6 + n % 30 as term, current_date - 5 - n % 210 as start from generate_series(1, ${loans}) n) l`,
  `insert into loan_events (id, loan_id, kind, happened_on, amount)
   select md5('event' || id::text)::uuid, id, 'disbursed', disbursed_on, amount from loans where ${ours} order by id`,
  `insert into entries (loan_id, event_id, happened_on)
   select e.loan_id, e.id, e.happened_on from loan_events e join loans on loans.id = e.loan_id
    where ${ours} order by e.position`,
  `insert into postings (entry_id, account, amount)
   select e.id, side.account, side.sign * loans.amount from entries e join loans on loans.id = e.loan_id
    cross join (values ('1301', 1), ('1101', -1)) as side (account, sign)
    where ${ours}`,
  'analyze',
];

/** As if no day had ever been closed. */
const unclose = [
  'alter table postings disable trigger user',
  'alter table entries disable trigger user',
  'delete from postings where entry_id in (select id from entries where closed_on is not null)',
  'delete from entries where closed_on is not null',
  'alter table postings enable trigger user',
  'alter table entries enable trigger user',
  ...['portfolio_days', 'close_days', 'loan_positions'].map((table) => `delete from ${table}`),
  "update loans set closed_on = null, reserve = 0, interest_receivable = 0, status = 'ACTIVE'",
];

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** Everything that closes have written, but for the numbers that a sequence gave: one digest of it. */
async function written(): Promise<{ readonly entries: number; readonly digest: string }> {
  const { rows } = await owner.run(
    readStatement<[], { line: string }>(
      'test.written',
      `select concat_ws('|', e.loan_id, e.closed_on, e.happened_on, p.account, p.amount) as line
         from entries e join postings p on p.entry_id = e.id where e.closed_on is not null
       union all select concat_ws('|', to_jsonb(p)) from loan_positions p
       union all select concat_ws('|', to_jsonb(p)) from portfolio_days p
       union all select concat_ws('|', id, status, reserve, interest_receivable, closed_on) from loans
       order by 1`,
    ),
    [],
  );
  const digest = createHash('sha256').update(rows.map(({ line }) => line).join('\n'));
  return { entries: rows.length, digest: digest.digest('hex') };
}

const closedBy = async (): Promise<number> =>
  (
    await ask<{ count: number }>(
      `select ((select count(*) from entries where closed_on is not null) + (select count(*) from close_days))::int as count`,
    )
  ).count;

describe('quinta sofipo close-day', () => {
  test(
    `killed at random points over ${loans} loans and three days, by one process or two, writes what one run writes`,
    async () => {
      const chance = chanceFrom(20_261_122);
      let kills = 0;
      for (;;) {
        const from = await closedBy();
        const runs = Array.from({ length: 1 + (kills % 2) }, () =>
          place.launch(['sofipo', 'close-day', '--date', daysAgo(2)]),
        );
        let ended = 0;
        for (const { ended: end } of runs) void end.then(() => (ended += 1));
        if (kills < killsWanted) {
          const target = from + 1 + Math.floor((chance() * loans) / 8);
          await vi.waitFor(async () => {
            if (ended < runs.length && (await closedBy()) < target) throw new Error('Not there yet');
          }, patience);
          for (const one of runs) one.signal('SIGKILL');
        }
        const outcomes = await Promise.all(runs.map(({ ended: end }) => end));
        kills += outcomes.filter(({ signal }) => signal === 'SIGKILL').length;
        const whole = outcomes.filter(({ signal }) => signal !== 'SIGKILL');
        for (const outcome of whole) assertEnded(outcome, 0);
        if (whole.length > 0) break;
      }
      // A few thousand loans may be closed before the last of them are due.
      expect(kills).toBeGreaterThan(0);
      const more = await place.run(['sofipo', 'close-day', '--json']);
      assertEnded(more, 0);
      expect(JSON.parse(more.stdout)).toMatchObject({ days: [{ day: daysAgo(1), loans }] });
      assertEnded(await place.run(['sofipo', 'ledger', 'verify']), 0);
      const killed = await written();
      expect(killed.entries).toBeGreaterThan(2 * loans);

      for (const text of unclose) await run(text);
      assertEnded(await place.run(['sofipo', 'close-day', '--date', daysAgo(2)]), 0);
      assertEnded(await place.run(['sofipo', 'close-day']), 0);
      expect(await written()).toEqual(killed);
      expect(await place.run(['sofipo', 'close-day'])).toMatchObject({ stdout: 'Every day that is over is closed\n' });
    },
    timeoutMs,
  );

  test.each([
    [['--date', 'yesterday'], 'expected YYYY-MM-DD'],
    [['--date', '2099-01-01'], 'it is not over'],
  ])('%j is refused, and closes nothing', async (options, said) => {
    const before = await closedBy();
    const outcome = await place.run(['sofipo', 'close-day', ...options]);
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toContain(said);
    expect(await closedBy()).toBe(before);
  });
});

/** Numbers from 0 to 1, the same ones for a seed: an xorshift of 32 bits. */
function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
