import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ledgerFaults } from '../src/service.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
});
afterAll(() => world.close());

const post = (
  id: string,
  what: string,
  body: Readonly<Record<string, unknown>>,
  more: { token?: string; key?: string } = {},
) =>
  world.api(`/loans/${id}/${what}`, {
    token: more.token ?? world.tokens.admin,
    body,
    ...(more.key === undefined ? {} : { headers: { 'idempotency-key': more.key } }),
  });
const payoff = async (id: string) => (await world.api(`/loans/${id}/payoff`)).json<Record<string, string>>();
const schedule = async (id: string) =>
  (await world.api(`/loans/${id}/schedule`)).json<{
    installments: { total: string; due_date: string; interest: string; number: number }[];
    current_balance: string;
    days_past_due: number;
  }>();

/** As if the loan had been paid out so many months ago. */
function aged(months: number, changes: Readonly<Record<string, unknown>> = {}) {
  const day = new Date();
  day.setUTCMonth(day.getUTCMonth() - months, 1);
  return newLoan(world, { start_date: day.toISOString().slice(0, 10), ...changes });
}

describe('a charge', () => {
  test('is owed at once, paid before interest and principal, and is made once for a key', async () => {
    const loan = await newLoan(world);
    const charge = { component: 'fee', amount: 150, vat: 24, reason: 'gastos de cobranza' };
    const first = await post(loan.id, 'charges', charge, { key: 'one-charge' });
    expect(first.json()).toMatchObject({ current_balance: '50000.00', status: 'ACTIVE' });
    const again = await post(loan.id, 'charges', charge, { key: 'one-charge' });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect((await post(loan.id, 'charges', { ...charge, amount: 1 }, { key: 'one-charge' })).json()).toMatchObject({
      code: 'idempotency_key_reused',
    });
    expect(await payoff(loan.id)).toMatchObject({ fee: '150.00', vat: '24.00', total: '50174.00' });
    const paid = await world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body: { amount: 200 } });
    expect(paid.json()).toMatchObject({ split: { fee: '150.00', vat: '24.00', principal: '26.00' } });
  });

  test('after a payment of the same day does not change what that settled', async () => {
    const loan = await newLoan(world);
    const paid = await world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body: { amount: 200 } });
    await post(loan.id, 'charges', { component: 'penalty', amount: 90, reason: 'mora' });
    const payments = (await world.api(`/loans/${loan.id}/payments`)).json();
    expect(payments).toMatchObject([{ split: paid.json<{ split: object }>().split }]);
    expect(await payoff(loan.id)).toMatchObject({ penalty: '90.00', total: '49890.00' });
  });
});

describe('a late instalment', () => {
  test('bears a fee once, after its days of grace', async () => {
    const loan = await aged(3, { late_fee: { amount: 250, grace_days: 5 } });
    const late = (await schedule(loan.id)).installments.filter(
      ({ due_date: day }) => Date.parse(day) < Date.now() - 7 * 86_400_000,
    );
    expect(await payoff(loan.id)).toMatchObject({ fee: `${250 * late.length}.00` });
  });

  test('bears moratory interest a day', async () => {
    const loan = await aged(3, { penalty: { annual_rate: 0.9, days_per_year: 360 } });
    expect(Number((await payoff(loan.id))['penalty'])).toBeGreaterThan(50);
  });

  test('never both', async () => {
    await expect(aged(1, { late_fee: { amount: 1 }, penalty: { annual_rate: 1 } })).rejects.toThrow('late_fee');
  });
});

describe('a waiver', () => {
  test('forgives what is owed and no more', async () => {
    const loan = await newLoan(world);
    await post(loan.id, 'charges', { component: 'penalty', amount: 90, reason: 'mora' });
    const more = await post(loan.id, 'waivers', { component: 'penalty', amount: '90.01', reason: 'x' });
    expect(more.json()).toMatchObject({ status: 422, code: 'lending_refused' });
    expect((await post(loan.id, 'waivers', { component: 'penalty', amount: 90, reason: 'acuerdo' })).status).toBe(201);
    expect(await payoff(loan.id)).toMatchObject({ penalty: '0.00', total: '50000.00' });
    expect(
      (await post(loan.id, 'waivers', { component: 'principal', amount: 10_000, reason: 'quita' })).json(),
    ).toMatchObject({
      current_balance: '40000.00',
    });
    const [posted] = await world.sql<{ waived: string }>(
      `select sum(p.amount)::text as waived from postings p join entries e on e.id = p.entry_id
        where e.loan_id = '${loan.id}' and p.account = '6103'`,
    );
    expect(posted?.waived).toBe('10000.00');
  });

  test('of everything pays the loan off, and payments of that day before it stay', async () => {
    const loan = await newLoan(world, { amount: 1_000, term_months: 3 });
    await world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body: { amount: 400 } });
    const answer = await post(loan.id, 'waivers', { component: 'principal', amount: 600, reason: 'quita' });
    expect(answer.json()).toMatchObject({ status: 'PAID_OFF', current_balance: '0.00' });
  });

  test('then a payment on the same day settles what is left', async () => {
    const loan = await newLoan(world, { amount: 1_000, term_months: 3 });
    await post(loan.id, 'charges', { component: 'fee', amount: 100, reason: 'x' });
    await post(loan.id, 'waivers', { component: 'fee', amount: 100, reason: 'x' });
    const paid = await world.api(`/loans/${loan.id}/payments`, {
      token: world.tokens.cashier,
      body: { amount: 1_000 },
    });
    expect(paid.json()).toMatchObject({ split: { fee: '0.00', principal: '1000.00' } });
    expect((await world.api(`/loans/${loan.id}`)).json()).toMatchObject({ status: 'PAID_OFF' });
  });

  test('is no matter for an officer', async () => {
    const loan = await newLoan(world);
    const waiver = { component: 'principal', amount: 1, reason: 'x' };
    expect((await post(loan.id, 'waivers', waiver, { token: world.tokens.officer })).status).toBe(403);
  });
});

describe('a reschedule', () => {
  test('gives what is owed a new schedule, with its interest carried', async () => {
    const loan = await aged(3);
    const before = await payoff(loan.id);
    const body = { term: 36, interest_rate: 0.12, reason: 'convenio' };
    expect((await post(loan.id, 'reschedule', body)).json()).toMatchObject({ current_balance: '50000.00' });
    const { installments, days_past_due: late } = await schedule(loan.id);
    expect(installments).toHaveLength(36);
    expect(late).toBe(0);
    expect(await payoff(loan.id)).toMatchObject({ total: before['total'] });
    expect(Number(installments[0]?.interest)).toBeGreaterThan(Number(before['interest']));
  });

  test('may make unpaid interest principal, which the ledger then has', async () => {
    const loan = await aged(3);
    const { interest = '', principal = '' } = await payoff(loan.id);
    const body = { term: 12, unpaid_interest: 'capitalize', reason: 'convenio' };
    const { current_balance: balance } = (await post(loan.id, 'reschedule', body)).json<{ current_balance: string }>();
    expect(Number(balance)).toBeCloseTo(Number(principal) + Number(interest), 2);
    expect(await ledgerFaults(world.application, 10)).toEqual([]);
  });

  test('to terms that allow no schedule is refused, and nothing is recorded', async () => {
    const loan = await newLoan(world);
    const answer = await post(loan.id, 'reschedule', { term: 12, first_due_date: '2000-01-01', reason: 'x' });
    expect(answer.json()).toMatchObject({ status: 422, code: 'lending_refused' });
    const [count] = await world.sql(`select count(*)::int as events from loan_events where loan_id = '${loan.id}'`);
    expect(count).toEqual({ events: 1 });
  });
});

describe('a write-off', () => {
  test('takes the loan off the books, and then only recoveries are taken, up to what was lost', async () => {
    const loan = await aged(4);
    const { total = '' } = await payoff(loan.id);
    expect((await post(loan.id, 'recoveries', { amount: 1 })).json()).toMatchObject({ code: 'loan_cannot_move' });
    expect((await post(loan.id, 'write-off', {})).status).toBe(422);
    const answer = await post(loan.id, 'write-off', { reason: 'incobrable' });
    expect(answer.json()).toMatchObject({ status: 'WRITTEN_OFF', current_balance: '0.00' });
    const pay = await world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body: { amount: 1 } });
    expect(pay.json()).toMatchObject({ detail: 'Loan is not active. Status: WRITTEN_OFF' });
    expect((await post(loan.id, 'recoveries', { amount: 500 }, { token: world.tokens.cashier })).status).toBe(201);
    const rest = (Number(total) - 500).toFixed(2);
    const more = await post(loan.id, 'recoveries', { amount: (Number(rest) + 0.01).toFixed(2) });
    expect(more.json()).toMatchObject({ code: 'lending_refused' });
    expect((await post(loan.id, 'recoveries', { amount: rest })).status).toBe(201);
    const accounts = await world.sql<{ account: string; sum: string }>(
      `select p.account, sum(p.amount)::text as sum from postings p join entries e on e.id = p.entry_id
        where e.loan_id = '${loan.id}' group by p.account order by 1`,
    );
    expect(Object.fromEntries(accounts.map(({ account, sum }) => [account, sum]))).toEqual({
      1101: (Number(total) - 50_000).toFixed(2),
      1301: '0.00',
      5201: (-Number(total)).toFixed(2),
      6101: '50000.00',
    });
  });

  test('happens once, however many try, and is told', async () => {
    const loan = await newLoan(world);
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(loan.id, 'write-off', { reason: 'x' })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409]);
    const told = await world.sql<{ event_type: string }>(
      `select event_type from outbox where order_key = '${loan.id}' order by position`,
    );
    expect(told.map(({ event_type: type }) => type)).toEqual(['loan_created', 'loan_written_off']);
  });

  test('bars the reversal of what was paid before it', async () => {
    const loan = await newLoan(world);
    const body = { amount: 100 };
    const paid = (await world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body })).json<{
      id: string;
    }>();
    await post(loan.id, 'write-off', { reason: 'x' });
    const path = `/loans/${loan.id}/payments/${paid.id}/reverse`;
    const answer = await world.api(path, { method: 'POST', token: world.tokens.admin });
    expect(answer.json()).toMatchObject({ status: 422, code: 'lending_refused' });
  });
});

test('whatever was changed here, every entry balances, and each loan is owed what its accounts say', async () => {
  expect(await ledgerFaults(world.application, 10)).toEqual([]);
});
