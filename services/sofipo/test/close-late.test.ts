import { operatorContext } from '@quinta/platform/kernel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { closeDays } from '../src/close/close-days.ts';
import { addDays, type CalendarDate, formatCalendarDate } from '../src/engine/index.ts';
import { ledgerFaults } from '../src/service.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

/** A close comes after its day, by minutes or by days: what has ended meanwhile was still there on that day. */
let world: SofipoWorld;
let today: CalendarDate;
/** Loans that are there from the beginning, granted today, and what they owe. */
let others: { readonly loans: number; readonly balance: string };
beforeEach(async () => {
  world = await openSofipoWorld();
  today = world.sofipo.today();
  const [sum] = await world.sql<typeof others>(
    'select count(*)::int as loans, sum(current_balance)::text as balance from loans where disbursed_on is not null',
  );
  if (!sum) throw new Error('No sum');
  others = sum;
});
afterEach(() => world.close());

const day = (days: number): string => formatCalendarDate(addDays(today, days));

/** Closes all days up to so many days from now, as on the day after. */
const closeThrough = (days: number, options: Parameters<typeof closeDays>[2] = {}) =>
  closeDays({ ...world.sofipo, today: () => addDays(today, days + 1) }, operatorContext(world.sofipo, 'close_day'), {
    through: addDays(today, days),
    ...options,
  });

const aged = (days: number, amount: number) =>
  newLoan(world, { start_date: day(-days), amount, interest_rate: 0.36, day_count: 'actual/360', term_months: 12 });

const portfolioOf = (days: number) =>
  world.sql(
    `select sum(loans)::int as loans, sum(balance)::text as balance, sum(reserve)::text as reserve,
            sum(interest_receivable)::text as receivable
       from portfolio_days where day = '${day(days)}'`,
  );

const sumsOf = async (id: string): Promise<Readonly<Record<string, string>>> => {
  const rows = await world.sql<{ account: string; sum: string }>(
    `select p.account, sum(p.amount)::text as sum from postings p join entries e on e.id = p.entry_id
      where e.loan_id = '${id}' group by p.account having sum(p.amount) <> 0 order by 1`,
  );
  return Object.fromEntries(rows.map(({ account, sum }) => [account, sum]));
};

test.each([[false], [true]])(
  'a loan that was paid off since is in the portfolio of the day (closed before: %s)',
  async (isClosed) => {
    const [loan, other] = [await aged(10, 1_000), await aged(10, 5_000)];
    if (isClosed) await closeThrough(-3);
    const body = { amount: '1010.00' };
    const paid = await world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body });
    expect(paid.status).toBe(201);
    const days = await closeThrough(-1);
    expect(days.at(-1)).toEqual({ day: day(-1), loans: 2 });
    // 1 % is set aside of the principal and of 9 days' interest; what was paid of that is off the books already.
    expect(await portfolioOf(-1)).toEqual([{ loans: 2, balance: '6000.00', reserve: '60.54', receivable: '45.00' }]);
    expect(await closeThrough(0)).toEqual([{ day: day(0), loans: others.loans + 2 }]);
    const balance = (Number(others.balance) + 5_000).toFixed(2);
    expect(await portfolioOf(0)).toMatchObject([{ loans: others.loans + 1, balance }]);
    expect(await closeThrough(1)).toEqual([{ day: day(1), loans: others.loans + 1 }]);
    expect(await sumsOf(loan.id)).toEqual({ 1101: '10.00', 5101: '-10.00' });
    expect(await sumsOf(other.id)).toMatchObject({ 1301: '5000.00' });
    expect(await ledgerFaults(world.application, 10)).toEqual([]);
  },
);

test('a loan that was written off since is in the portfolio of the day, and nothing of it stays on the books', async () => {
  const loan = await aged(10, 1_000);
  await closeThrough(-3);
  const body = { reason: 'incobrable' };
  const answer = await world.api(`/loans/${loan.id}/write-off`, { token: world.tokens.admin, body });
  expect(answer.status).toBeLessThan(300);
  await closeThrough(-1, { chunk: 1 });
  expect(await portfolioOf(-1)).toMatchObject([{ loans: 1, balance: '1000.00' }]);
  await closeThrough(0);
  expect(await portfolioOf(0)).toMatchObject([others]);
  const { 1303: receivable, 1391: allowance } = await sumsOf(loan.id);
  expect([receivable, allowance]).toEqual([undefined, undefined]);
  expect(await ledgerFaults(world.application, 10)).toEqual([]);
});
