import { operatorContext } from '@quinta/platform/kernel';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeDays } from '../src/close/close-days.ts';
import { closeDaysAsJob } from '../src/close/close-job.ts';
import { closeLoan } from '../src/close/close-loan.ts';
import { addDays, type CalendarDate, formatCalendarDate, reserveTableOn } from '../src/engine/index.ts';
import { historyOf } from '../src/loan/event-store.ts';
import { findLoan } from '../src/loan/loan-store.ts';
import { PayingLoans } from '../src/payment/paying-loans.ts';
import { ledgerFaults, sofipo as sofipoService } from '../src/service.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
let today: CalendarDate;
beforeAll(async () => {
  world = await openSofipoWorld();
  today = world.sofipo.today();
});
afterAll(() => world.close());

/** Closes as it would be done on a day so many days from now, when that day is over. */
function close(days: number, options: Parameters<typeof closeDays>[2] = {}) {
  const later = { ...world.sofipo, today: () => addDays(today, days + 1) };
  return closeDays(later, operatorContext(world.sofipo, 'close_day'), options);
}

/** As if the loan had been paid out so many days ago. */
function aged(days: number, changes: Readonly<Record<string, unknown>> = {}) {
  return newLoan(world, { start_date: formatCalendarDate(addDays(today, -days)), ...changes });
}

const pay = (id: string, amount: unknown) =>
  world.api(`/loans/${id}/payments`, { token: world.tokens.cashier, body: { amount } });
const loanRow = async (id: string) => {
  const [row] = await world.sql<{ status: string; receivable: string; reserve: string }>(
    `select status, interest_receivable::text as receivable, reserve::text as reserve from loans where id = '${id}'`,
  );
  return row;
};
const accountsOf = async (id: string): Promise<Readonly<Record<string, string>>> => {
  const rows = await world.sql<{ account: string; sum: string }>(
    `select p.account, sum(p.amount)::text as sum from postings p join entries e on e.id = p.entry_id
      where e.loan_id = '${id}' group by p.account having sum(p.amount) <> 0 order by 1`,
  );
  return Object.fromEntries(rows.map(({ account, sum }) => [account, sum]));
};

describe('the close of a day', () => {
  test('of a day that is not over is refused', async () => {
    await expect(close(-1, { through: today })).rejects.toMatchObject({ code: 'day_not_over', status: 422 });
  });

  test('puts interest of each day on the books, and payments take it off again', async () => {
    // 1,000 at 36 % a year by actual days over 360 is 1.00 a day.
    const loan = await aged(10, { amount: 1_000, interest_rate: 0.36, day_count: 'actual/360', term_months: 12 });
    await close(-2);
    expect(await loanRow(loan.id)).toMatchObject({ receivable: '8.00' });
    await close(-1);
    expect(await loanRow(loan.id)).toMatchObject({ receivable: '9.00' });
    expect(await accountsOf(loan.id)).toMatchObject({ 1303: '9.00', 5101: '-9.00' });
    expect((await pay(loan.id, 110)).json()).toMatchObject({ split: { interest: '10.00', principal: '100.00' } });
    expect(await accountsOf(loan.id)).toMatchObject({ 1301: '900.00', 5101: '-10.00' });
    expect(await loanRow(loan.id)).toMatchObject({ receivable: '0.00' });
  });

  test('is done once: the same days again change nothing', async () => {
    const before = await world.sql('select count(*) from entries');
    expect(await close(-1)).toEqual([]);
    expect(await world.sql('select count(*) from entries')).toEqual(before);
  });

  test('catches up days that were missed, each for itself, and joins payments of later days', async () => {
    const loan = await aged(0, { amount: 1_000, interest_rate: 0.36, day_count: 'actual/360', term_months: 12 });
    const late = { ...world.sofipo, payingLoans: new PayingLoans(), today: () => addDays(today, 4) };
    const { registerSet } = await import('../src/payment/register-payments.ts');
    const command = {
      id: '00000000-0000-4000-8000-0000000000aa',
      isKeyed: false,
      loanId: loan.id,
      amount: 3_00n,
      actorId: 1,
      requestId: '00000000-0000-4000-8000-0000000000ab',
      endpoint: '/',
      method: 'POST',
      address: '127.0.0.1',
      userAgent: 'test',
    };
    expect(await registerSet(late, [command])).toMatchObject([
      { kind: 'registered', payment: { split: { interest: '3.00' } } },
    ]);
    const days = await close(4);
    expect(days.map(({ day }) => day)).toEqual([0, 1, 2, 3, 4].map((plus) => formatCalendarDate(addDays(today, plus))));
    const perDay = await world.sql<{ interest: string }>(
      `select coalesce(sum(p.amount) filter (where p.account = '1303'), 0)::text as interest from entries e
         join postings p on p.entry_id = e.id where e.loan_id = '${loan.id}' and e.closed_on is not null
        group by e.closed_on order by e.closed_on`,
    );
    // What was paid on the fifth day was income then; the days before it put nothing but reserves on the books.
    expect(perDay.map(({ interest }) => interest)).toEqual(['0', '0', '0', '0', '1.00']);
    expect(await accountsOf(loan.id)).toMatchObject({ 1101: '-997.00', 1301: '1000.00', 5101: '-4.00' });
  });
});

describe('what is late', () => {
  test('is set aside by the table, put in default after ninety days, and told by its range', async () => {
    const loan = await aged(125, { amount: 12_000, interest_rate: 0.24, term_months: 12 });
    await close(5);
    const [position] = await world.sql(
      `select days_past_due, is_non_performing, reserve::text, balance::text from loan_positions where loan_id = '${loan.id}'`,
    );
    expect(position).toMatchObject({ is_non_performing: true, reserve: '9000.00', balance: '12000.00' });
    expect(await loanRow(loan.id)).toMatchObject({ status: 'DEFAULTED', receivable: '0.00' });
    const told = await world.sql<{ event_type: string }>(
      `select event_type from outbox where order_key = '${loan.id}' order by position`,
    );
    expect(told.map(({ event_type: type }) => type)).toEqual([
      'loan_created',
      'loan_delinquency_changed',
      'loan_status_changed',
    ]);
    expect((await pay(loan.id, 12_000)).status).toBe(201);
  });

  test('and then written off costs what was set aside first', async () => {
    const loan = await aged(80, { amount: 12_000, interest_rate: 0, term_months: 12 });
    await close(6);
    expect(await loanRow(loan.id)).toMatchObject({ reserve: '3600.00' });
    const body = { reason: 'incobrable' };
    await world.api(`/loans/${loan.id}/write-off`, { token: world.tokens.admin, body });
    expect(await accountsOf(loan.id)).toEqual({ 1101: '-12000.00', 6101: '8400.00', 6105: '3600.00' });
    await close(7);
    expect(await loanRow(loan.id)).toMatchObject({ status: 'WRITTEN_OFF', reserve: '0.00' });
  });

  test('and paid off releases what was set aside, at the next close', async () => {
    const loan = await aged(40, { amount: 1_200, interest_rate: 0, term_months: 12 });
    await close(8);
    expect(Number((await loanRow(loan.id))?.reserve)).toBeGreaterThan(0);
    await pay(loan.id, 1_200);
    await close(9);
    expect(await loanRow(loan.id)).toMatchObject({ status: 'PAID_OFF', reserve: '0.00', receivable: '0.00' });
    expect(await accountsOf(loan.id)).toEqual({});
  });
});

test('a reversal gives back the interest that was paid, and the next close puts it where it belongs', async () => {
  const changes = { amount: 1_000, interest_rate: 0.36, day_count: 'actual/360', term_months: 12 };
  const [loan, twin] = [await aged(20, changes), await aged(20, changes)];
  await close(10);
  const { id } = (await pay(loan.id, 500)).json<{ id: string }>();
  await world.api(`/loans/${loan.id}/payments/${id}/reverse`, { method: 'POST', token: world.tokens.admin });
  await close(11);
  await close(12);
  expect(await accountsOf(loan.id)).toEqual(await accountsOf(twin.id));
  expect(await loanRow(loan.id)).toEqual(await loanRow(twin.id));
});

test('a day that is stopped again and again, and closed by several at once beside payments, posts what one run would', async () => {
  const kinds = [
    {},
    { method: 'bullet' },
    { accrual: 'daily' },
    { method: 'flat', vat_rate: 0.16 },
    { frequency: 'weekly' },
  ];
  const loans: { readonly id: string }[] = [];
  for (let place = 0; place < 30; place += 1) {
    const changes = { amount: 1_000 + 97 * place, interest_rate: 0.4, term_months: 6, ...kinds[place % kinds.length] };
    loans.push(await aged(place * 7, changes));
  }
  const payments = loans.filter((_, place) => place % 3 === 0).map(({ id }) => pay(id, 150));
  let stops = 0;
  for (let last = 12; last < 18;) {
    const runs = Array.from({ length: 3 }, async (_, run) => {
      const controller = new AbortController();
      const limit = 1 + ((stops * 7 + run * 5) % 11);
      const onProgress = ({ loans: done }: { loans: number }) => {
        if (done >= limit) controller.abort(new Error('stopped'));
      };
      return close(18, { chunk: 4, signal: controller.signal, onProgress });
    });
    for (const { status } of await Promise.allSettled(runs)) stops += status === 'rejected' ? 1 : 0;
    const [row] = await world.sql<{ days: number }>(
      `select count(*)::int as days from close_days where finished_at is not null
        and day > '${formatCalendarDate(addDays(today, 12))}'`,
    );
    last = 12 + (row?.days ?? 0);
  }
  await Promise.all(payments);
  expect(stops).toBeGreaterThan(10);
  expect(await ledgerFaults(world.application, 10)).toEqual([]);
  const [paid, unpaid] = [0, 1].map((kind) => loans.filter((_, place) => Math.min(place % 3, 1) === kind));
  for (const { id } of unpaid ?? []) expect(await postedBy(id, 13, 18)).toEqual(await expectedOf(id, 13, 18));
  // However payments and closes came to follow each other, once the last day is closed nothing is left to post.
  for (const { id } of paid ?? []) expect(await expectedOf(id, 18, 18, 19)).toEqual([]);
});

test('is done every hour by a job, unless that is switched off', async () => {
  expect(sofipoService.messaging?.schedules).toContainEqual(
    expect.objectContaining({ kind: 'close_day', timing: { everyMs: 3_600_000 } }),
  );
  const day = formatCalendarDate(addDays(today, 21));
  const finished = () =>
    world.sql(`select day::text from close_days where finished_at is not null and day >= '${day}'`);
  const later = { ...world.sofipo, today: () => addDays(today, 22) };
  const { signal } = new AbortController();
  await closeDaysAsJob({ ...later, config: { ...later.config, SOFIPO_DAY_CLOSE: 'off' } }, { signal });
  expect(await finished()).toEqual([]);
  await closeDaysAsJob({ ...later, config: { ...later.config, SOFIPO_DAY_CLOSE: 'on' } }, { signal });
  expect(await finished()).toEqual([{ day }]);
});

test('whatever was closed here, every entry balances, and each loan has what its accounts say', async () => {
  expect(await ledgerFaults(world.application, 10)).toEqual([]);
});

interface Posted {
  readonly day: string;
  readonly postings: Readonly<Record<string, string>>;
}

/** What the closes of some days have posted for a loan. */
async function postedBy(id: string, from: number, to: number): Promise<readonly Posted[]> {
  const days = [from, to].map((plus) => `'${formatCalendarDate(addDays(today, plus))}'`);
  return world.sql<Posted & Record<string, unknown>>(
    `select e.closed_on::text as day, jsonb_object_agg(p.account, (p.amount * 100)::bigint::text) as postings
       from entries e join postings p on p.entry_id = e.id
      where e.loan_id = '${id}' and e.closed_on between ${days.join(' and ')} group by e.closed_on order by 1`,
  );
}

/** The same, reckoned in one go from where the loan stood before them. */
async function expectedOf(id: string, from: number, to: number, since = from): Promise<readonly Posted[]> {
  const row = await findLoan(world.application, id);
  if (!row) throw new Error(`Loan ${id} is not there`);
  const history = await historyOf(world.application, id);
  const [before] = await world.sql<{ receivable: string; reserve: string }>(
    `select coalesce(sum(p.amount) filter (where p.account = '1303'), 0)::numeric(15, 2)::text as receivable,
            (-coalesce(sum(p.amount) filter (where p.account = '1391'), 0))::numeric(15, 2)::text as reserve
       from entries e join postings p on p.entry_id = e.id
      where e.loan_id = '${id}' and coalesce(e.closed_on, '-infinity') < '${formatCalendarDate(addDays(today, since))}'`,
  );
  if (!before) throw new Error('No sums');
  let amounts = { interest_receivable: before.receivable, reserve: before.reserve };
  const posted: Posted[] = [];
  for (let plus = from; plus <= to; plus += 1) {
    const day = addDays(today, plus);
    const loan = { ...row, status: 'ACTIVE' as const, ...amounts };
    const closed = closeLoan({ loan, history, daysBefore: 0 }, day, reserveTableOn(day, 'type_1'));
    const postings = Object.fromEntries(closed.postings.map(({ account, amount }) => [account, String(amount)]));
    if (closed.postings.length > 0) posted.push({ day: formatCalendarDate(day), postings });
    const decimal = (minor: bigint): string => (Number(minor) / 100).toFixed(2);
    amounts = { interest_receivable: decimal(closed.receivable), reserve: decimal(closed.reserve) };
  }
  return posted;
}
