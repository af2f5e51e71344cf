import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ledgerFaults } from '../src/service.ts';
import { newClient, newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
});
afterAll(() => world.close());

interface Row {
  readonly principal: string;
  readonly interest: string;
  readonly total: string;
  readonly balance: string;
}

const simulate = (body: unknown) => world.api('/loans/simulate', { body });

describe('a simulation', () => {
  test('of the README’s loan closes at zero with the cents that were derived by hand', async () => {
    const body = { amount: 50_000, interest_rate: 0.15, term: 24, start_date: '2026-01-01' };
    const answer = await simulate(body);
    expect(answer.status).toBe(200);
    const { installments, totals, cat } = answer.json<{ installments: Row[]; totals: Row; cat: number }>();
    expect(installments).toHaveLength(24);
    expect(installments[0]).toMatchObject({ interest: '625.00', principal: '1799.33', balance: '48200.67' });
    expect(installments[23]).toMatchObject({ interest: '29.93', principal: '2394.47', balance: '0.00' });
    expect(totals).toMatchObject({ principal: '50000.00', interest: '8183.99', total: '58183.99' });
    expect(cat).toBe(16.1);
    expect((await simulate({ ...body, term: undefined, term_months: 24 })).json()).toEqual(answer.json());
  });

  test('has VAT on interest, and fees that are withheld', async () => {
    const body = { amount: '50000.00', interest_rate: '0.15', term: 24, vat_rate: 0.16, fees: { opening_rate: 0.02 } };
    const { installments, opening } = (await simulate(body)).json<{
      installments: (Row & { vat: string })[];
      opening: { fees: string; vat: string };
    }>();
    expect(installments[0]).toMatchObject({ interest: '625.00', vat: '100.00', total: '2524.33' });
    expect(opening).toEqual({ fees: '1000.00', vat: '0.00' });
  });

  test.each([
    ['a rate above one', { interest_rate: 1.5 }],
    ['an amount with three decimals', { amount: 0.001 }],
    ['an amount beyond the column', { amount: '99999999999999.00' }],
    ['a term of nothing', { term: 0 }],
    ['both names of the term', { term_months: 24 }],
    ['a method that nobody knows', { method: 'german' }],
    ['a first instalment before the start', { start_date: '2026-02-01', first_due_date: '2026-01-01' }],
  ])('with %s is a 422', async (_, changes) => {
    const answer = await simulate({ amount: 1_000, interest_rate: 0.15, term: 12, ...changes });
    expect(answer.status).toBe(422);
    expect(answer.json<{ errors: unknown[] }>().errors.length).toBeGreaterThan(0);
  });
});

describe('a loan', () => {
  test('is granted with the README’s body, and told to others', async () => {
    const loan = await newLoan(world);
    expect(loan).toMatchObject({ status: 'ACTIVE', current_balance: '50000.00', interest_rate: '0.1500' });
    expect((await world.api(`/loans/${loan.id}/`)).json()).toEqual(loan);
    const [event] = await world.sql(
      `select event_type, routing_key, order_key, payload::json as payload from outbox where entity_id = '${loan.id}'`,
    );
    expect(event).toEqual({
      event_type: 'loan_created',
      routing_key: 'sofipo.loan.created',
      order_key: loan.id,
      payload: { ...loan },
    });
  });

  test('keeps its terms, whatever becomes of the defaults', async () => {
    const loan = await newLoan(world, { method: 'bullet', frequency: 'weekly', day_count: 'actual/360' });
    const [row] = await world.sql<{ terms: Record<string, unknown> }>(
      `select terms from loans where id = '${loan.id}'`,
    );
    expect(row?.terms).toMatchObject({
      kind: 'standard',
      method: 'bullet',
      frequency: 'weekly',
      day_count: 'actual/360',
      rounding: 'half_even',
      prepayment: 'reduce_term',
      accrual: 'schedule',
      amount: '50000.00',
    });
    const { installments } = (await world.api(`/loans/${loan.id}/schedule`)).json<{ installments: Row[] }>();
    expect(installments.at(-1)).toMatchObject({ principal: '50000.00', balance: '0.00' });
  });

  test('of nobody is a 404, and of terms that allow none a 422', async () => {
    const token = world.tokens.officer;
    const body = { amount: 1, interest_rate: 0.1, term_months: 2, client_id: '00000000-0000-4000-8000-000000000000' };
    expect((await world.api('/loans/', { token, body })).json()).toMatchObject({ detail: 'Client not found' });
    const client = (await world.api('/clients/', { token, body: newClient() })).json<{ id: string }>();
    const odd = { ...body, client_id: client.id, installment_multiple: '1000.00' };
    expect((await world.api('/loans/', { token, body: odd })).json()).toMatchObject({ code: 'lending_refused' });
  });

  test('is cancelled while it has no payments, with its entry taken back', async () => {
    const token = world.tokens.admin;
    const loan = await newLoan(world);
    const remove = () => world.api(`/loans/${loan.id}`, { method: 'DELETE', token });
    expect((await remove()).status).toBe(204);
    expect((await world.api(`/loans/${loan.id}`)).json()).toMatchObject({
      status: 'CANCELLED',
      current_balance: '0.00',
    });
    const schedule = (await world.api(`/loans/${loan.id}/schedule`)).json();
    expect(schedule).toMatchObject({ installments: [], current_balance: '0.00', days_past_due: 0 });
    expect((await remove()).json()).toMatchObject({ code: 'loan_cannot_move', status: 409 });
    const paid = await newLoan(world);
    await world.api(`/loans/${paid.id}/payments`, { token, body: { amount: 1 } });
    const refused = await world.api(`/loans/${paid.id}`, { method: 'DELETE', token });
    expect(refused.json()).toMatchObject({ code: 'loan_has_payments', status: 409 });
  });

  test('goes into default and back, and nowhere else by hand', async () => {
    const token = world.tokens.admin;
    const loan = await newLoan(world);
    const put = (status: string, by = token) =>
      world.api(`/loans/${loan.id}/status`, { method: 'PUT', token: by, body: { status } });
    expect((await put('DEFAULTED', world.tokens.officer)).status).toBe(403);
    expect((await put('DEFAULTED')).json()).toMatchObject({ status: 'DEFAULTED' });
    expect((await put('PAID_OFF')).status).toBe(422);
    expect((await put('ACTIVE')).json()).toMatchObject({ status: 'ACTIVE' });
    await put('DEFAULTED');
    // What is in default is still owed, and may be paid.
    const paid = await world.api(`/loans/${loan.id}/payments`, { token, body: { amount: 50_000 } });
    expect(paid.status).toBe(201);
    expect((await put('ACTIVE')).json()).toMatchObject({ code: 'loan_cannot_move' });
  });

  test('of the earlier system is served as it was: without interest', async () => {
    const client = (await world.api('/clients/', { token: world.tokens.officer, body: newClient() })).json<{
      id: string;
    }>();
    const [row] = await world.sql<{ id: string }>(`
      insert into loans (client_id, amount, interest_rate, term_months, current_balance, terms, disbursed_on)
      values ('${client.id}', 1200, 0.15, 12, 1200, '{"kind": "earlier", "amount": "1200.00", "term": 12}', '2024-01-01')
      returning id`);
    const id = row?.id ?? '';
    await world.sql(`insert into loan_events (id, loan_id, kind, happened_on)
      values (gen_random_uuid(), '${id}', 'disbursed', '2024-01-01')`);
    await world.sql(`with e as (insert into entries (loan_id, event_id, happened_on)
        select loan_id, id, happened_on from loan_events where loan_id = '${id}' returning id)
      insert into postings select e.id, a.account, a.amount from e, (values ('1301', 1200), ('1302', -1200)) a (account, amount)`);
    expect((await world.api(`/loans/${id}/payoff`)).json()).toMatchObject({ total: '1200.00', interest: '0.00' });
    const token = world.tokens.cashier;
    const paid = await world.api(`/loans/${id}/payments`, { token, body: { amount: '200.00' } });
    expect(paid.json()).toMatchObject({ split: { principal: '200.00', interest: '0.00' } });
  });
});

test('whatever was done here, every entry balances, and each loan is owed what its account says', async () => {
  expect(await ledgerFaults(world.application, 10)).toEqual([]);
});
