import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addDays, formatCalendarDate } from '../src/engine/index.ts';
import { PayingLoans } from '../src/payment/paying-loans.ts';
import { registerSet } from '../src/payment/register-payments.ts';
import { ledgerFaults } from '../src/service.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
});
afterAll(() => world.close());

interface PaymentAnswer {
  readonly id: string;
  readonly split: Readonly<Record<string, string>>;
}

const pay = (loanId: string, amount: unknown, key?: string) =>
  world.api(`/loans/${loanId}/payments`, {
    token: world.tokens.cashier,
    body: { amount },
    ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
  });
const balanceOf = async (loanId: string): Promise<string> =>
  (await world.api(`/loans/${loanId}`)).json<{ current_balance: string }>().current_balance;
const trialSum = async (): Promise<number> => {
  const { accounts } = (await world.api('/ledger/trial-balance', { token: world.tokens.auditor })).json<{
    accounts: { balance: string }[];
  }>();
  return accounts.reduce((sum, { balance }) => sum + Math.round(Number(balance) * 100), 0);
};

/** As if the loan had been paid out so many months ago. */
async function aged(months: number, changes: Readonly<Record<string, unknown>> = {}) {
  const day = new Date();
  day.setUTCMonth(day.getUTCMonth() - months, 1);
  return newLoan(world, { start_date: day.toISOString().slice(0, 10), ...changes });
}

describe('a payment', () => {
  test('lowers what is owed, and tells what it settled', async () => {
    const loan = await newLoan(world);
    const answer = await pay(loan.id, 2500);
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({ amount: '2500.00', loan_id: loan.id, split: { principal: '2500.00' } });
    expect(await balanceOf(loan.id)).toBe('47500.00');
    const [event] = await world.sql(
      `select event_type, routing_key, order_key from outbox where entity_id = '${answer.json<PaymentAnswer>().id}'`,
    );
    expect(event).toEqual({
      event_type: 'payment_registered',
      routing_key: 'sofipo.payment.registered',
      order_key: loan.id,
    });
  });

  test('settles interest before principal where interest is due', async () => {
    const loan = await aged(3, { vat_rate: 0.16 });
    const { split } = (await pay(loan.id, 800)).json<PaymentAnswer>();
    expect(Number(split['interest']) + Number(split['vat'])).toBeGreaterThan(700);
    expect(Object.values(split).reduce((sum, part) => sum + Math.round(Number(part) * 100), 0)).toBe(80_000);
    expect(await trialSum()).toBe(0);
  });

  test('may not be more than what pays the loan off, and to the cent that is taken', async () => {
    const loan = await newLoan(world, { amount: 100, term_months: 3 });
    expect((await pay(loan.id, '100.01')).json()).toMatchObject({
      status: 400,
      detail: 'Payment amount cannot be greater than the current balance',
      payoff: '100.00',
    });
    expect((await pay(loan.id, '100.00')).status).toBe(201);
    expect((await world.api(`/loans/${loan.id}`)).json()).toMatchObject({
      status: 'PAID_OFF',
      current_balance: '0.00',
    });
    expect((await pay(loan.id, 1)).json()).toMatchObject({
      status: 400,
      detail: 'Loan is not active. Status: PAID_OFF',
    });
    const types = await world.sql(`select event_type from outbox where order_key = '${loan.id}' order by position`);
    expect(types.map((row) => row['event_type'])).toEqual(['loan_created', 'payment_registered', 'loan_paid_off']);
  });

  test.each([0, -1, 0.001, '1.005', 'x', null, '1e3', 10_000_000_000_000])('of %s is a 422', async (amount) => {
    const loan = await newLoan(world);
    expect((await pay(loan.id, amount)).status).toBe(422);
    expect(await balanceOf(loan.id)).toBe('50000.00');
  });

  test('of a loan that is not there is a 404 in the promised words', async () => {
    const answer = await pay('00000000-0000-4000-8000-000000000000', 1);
    expect(answer.json()).toMatchObject({ status: 404, detail: 'Loan not found' });
  });

  test('V51 with a key is taken once, however often and at once it comes, and refused with another amount', async () => {
    const loan = await newLoan(world);
    const answers = await Promise.all(Array.from({ length: 40 }, () => pay(loan.id, 100, 'one-payment')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => answer.json<PaymentAnswer>().id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(39);
    expect(await balanceOf(loan.id)).toBe('49900.00');
    expect((await pay(loan.id, 200, 'one-payment')).json()).toMatchObject({ code: 'payment_key_reused' });
  });
});

describe('where the clock of another process is a day ahead', () => {
  test('payments follow what was recorded there, and never come before it', async () => {
    const loan = await newLoan(world, { amount: 1_000, term_months: 6, interest_rate: 0 });
    const tomorrow = addDays(world.sofipo.today(), 1);
    const command = {
      id: randomUUID(),
      isKeyed: false,
      loanId: loan.id,
      amount: 60_000n,
      actorId: 1,
      requestId: randomUUID(),
      endpoint: '/loans/:loan_id/payments',
      method: 'POST',
      address: '127.0.0.1',
      userAgent: 'test',
    };
    const [ahead] = await registerSet({ ...world.sofipo, payingLoans: new PayingLoans(), today: () => tomorrow }, [
      command,
    ]);
    expect(ahead).toMatchObject({ kind: 'registered' });
    expect((await pay(loan.id, 500)).json()).toMatchObject({ code: 'payment_too_large' });
    expect((await world.api(`/loans/${loan.id}/payoff`)).json()).toMatchObject({ date: formatCalendarDate(tomorrow) });
    const { id } = (await pay(loan.id, 100)).json<PaymentAnswer>();
    const reverse = (payment: string) =>
      world.api(`/loans/${loan.id}/payments/${payment}/reverse`, { method: 'POST', token: world.tokens.admin });
    expect((await reverse(command.id)).status).toBe(200);
    expect(await balanceOf(loan.id)).toBe('900.00');
    expect((await reverse(id)).status).toBe(200);
    const schedule = (await world.api(`/loans/${loan.id}/schedule`)).json();
    expect(schedule).toMatchObject({ as_of: formatCalendarDate(tomorrow), current_balance: '1000.00' });
    const days = await world.sql<{ kind: string; isAhead: boolean }>(`
      select kind, happened_on = '${formatCalendarDate(tomorrow)}' as "isAhead" from loan_events
       where loan_id = '${loan.id}' order by position`);
    expect(days.map(({ kind, isAhead }) => [kind, isAhead])).toEqual([
      ['disbursed', false],
      ['payment', true],
      ['payment', true],
      ['reversal', true],
      ['reversal', true],
    ]);
  });
});

/** 10,000 by `QUINTA_TEST_PAYMENTS=10000 npm test -- sofipo/test/payments`. */
const paymentsWanted = Number(process.env['QUINTA_TEST_PAYMENTS'] ?? '144');
const cashiers = 64;

describe('many at once', () => {
  test('sixty-four on one loan leave the balance right, and never below nothing', async () => {
    const loan = await newLoan(world, { amount: 3_000, term_months: 6 });
    const answers = await Promise.all(Array.from({ length: 64 }, () => pay(loan.id, 100)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(30);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(34);
    expect((await world.api(`/loans/${loan.id}`)).json()).toMatchObject({
      status: 'PAID_OFF',
      current_balance: '0.00',
    });
    const [sums] = await world.sql<{ paid: string; events: string; told: string }>(`
      select (select sum(amount) from payments where loan_id = '${loan.id}') as paid,
             (select count(*) from loan_events where loan_id = '${loan.id}' and kind = 'payment') as events,
             (select count(*) from outbox where order_key = '${loan.id}' and event_type = 'payment_registered') as told`);
    expect(sums).toEqual({ paid: '3000.00', events: '30', told: '30' });
  });

  test(`${paymentsWanted} of many loans, with other amounts and reversals between them, keep every balance and the ledger’s sum`, async () => {
    const side = Math.ceil(Math.sqrt(paymentsWanted));
    const loans: { readonly id: string }[] = [];
    for (let place = 0; place < side; place += 1) loans.push(await aged(place % 4, { amount: 5_000 }));
    const wanted = Array.from({ length: paymentsWanted }, (_, place) => ({
      id: loans[place % side]?.id ?? '',
      amount: `${10 + (place % side) / 4}`,
      isReversed: place % 7 === 3,
    }));
    let next = 0;
    const cashier = async (): Promise<void> => {
      for (let one = wanted[next]; one; one = wanted[next]) {
        next += 1;
        const answer = await pay(one.id, one.amount);
        if (!one.isReversed) continue;
        const path = `/loans/${one.id}/payments/${answer.json<PaymentAnswer>().id}/reverse`;
        await world.api(path, { method: 'POST', token: world.tokens.admin });
      }
    };
    await Promise.all(Array.from({ length: cashiers }, cashier));
    const [sums] = await world.sql(`select count(*)::int as payments, count(reversed_at)::int as reversed from payments
      where loan_id in (${loans.map(({ id }) => `'${id}'`).join(', ')})`);
    expect(sums).toEqual({ payments: paymentsWanted, reversed: wanted.filter(({ isReversed }) => isReversed).length });
    expect(await ledgerFaults(world.application, 10)).toEqual([]);
    expect(await trialSum()).toBe(0);
    const wrong = await world.sql(`
      select l.id from loans l
       where l.current_balance <> l.amount - (select coalesce(sum(p.principal), 0) from payments p
               where p.loan_id = l.id and p.reversed_at is null)
         and l.status <> 'CANCELLED'`);
    expect(wrong).toEqual([]);
  });
});

describe('a reversal', () => {
  test('leaves the loan as if the payment had never been, also what later ones settled', async () => {
    const [loan, other] = [await aged(3), await aged(3)];
    const first = (await pay(loan.id, 3_000)).json<PaymentAnswer>();
    await pay(loan.id, 1_000);
    await pay(other.id, 1_000);
    const path = `/loans/${loan.id}/payments/${first.id}/reverse`;
    const reverse = (token = world.tokens.admin) => world.api(path, { method: 'POST', token });
    expect((await reverse(world.tokens.cashier)).status).toBe(403);
    expect((await reverse()).json()).toMatchObject({ id: first.id, reversed_at: expect.any(String) as string });
    expect((await reverse()).json()).toMatchObject({ code: 'payment_reversed', status: 409 });
    expect(await balanceOf(loan.id)).toBe(await balanceOf(other.id));
    const splits = async (id: string) =>
      (await world.api(`/loans/${id}/payments`))
        .json<(PaymentAnswer & { reversed_at: string | null })[]>()
        .filter(({ reversed_at: at }) => at === null)
        .map(({ split }) => split);
    expect(await splits(loan.id)).toEqual(await splits(other.id));
    const schedule = async (id: string) => (await world.api(`/loans/${id}/schedule`)).json<{ installments: unknown }>();
    expect((await schedule(loan.id)).installments).toEqual((await schedule(other.id)).installments);
    expect(await trialSum()).toBe(0);
  });

  test('of what paid a loan off opens it again', async () => {
    const loan = await newLoan(world, { amount: 100, term_months: 3 });
    const { id } = (await pay(loan.id, 100)).json<PaymentAnswer>();
    await world.api(`/loans/${loan.id}/payments/${id}/reverse`, { method: 'POST', token: world.tokens.admin });
    expect((await world.api(`/loans/${loan.id}`)).json()).toMatchObject({
      status: 'ACTIVE',
      current_balance: '100.00',
    });
    expect((await pay(loan.id, 40)).status).toBe(201);
  });

  test('of a payment of another loan is a 404', async () => {
    const [loan, other] = [await newLoan(world), await newLoan(world)];
    const { id } = (await pay(loan.id, 100)).json<PaymentAnswer>();
    const answer = await world.api(`/loans/${other.id}/payments/${id}/reverse`, {
      method: 'POST',
      token: world.tokens.admin,
    });
    expect(answer.json()).toMatchObject({ code: 'payment_not_found' });
  });
});

test('the statement has the active loans and every payment, newest first, and is never older than what was written', async () => {
  const loan = await newLoan(world);
  const statement = () => world.api(`/loans/clients/${loan.client_id}/account-statement`);
  const caches: (string | null)[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await pay(loan.id, 100 + turn);
    const fresh = await statement();
    caches.push(fresh.headers.get('x-cache'), (await statement()).headers.get('x-cache'));
    const { active_loans: loans, payment_history: history } = fresh.json<{
      active_loans: { current_balance: string }[];
      payment_history: { amount: string }[];
    }>();
    expect(loans[0]?.current_balance).toBe(await balanceOf(loan.id));
    expect(history[0]?.amount).toBe(`${100 + turn}.00`);
    expect(history).toHaveLength(turn + 1);
  }
  expect(caches).toEqual(['MISS', 'HIT', 'MISS', 'HIT', 'MISS', 'HIT']);
});

test('whatever was done here, every entry balances, and each loan is owed what its account says', async () => {
  expect(await ledgerFaults(world.application, 10)).toEqual([]);
});
