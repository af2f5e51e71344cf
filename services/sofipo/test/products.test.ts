import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newClient, newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
});
afterAll(() => world.close());

const make = (body: Readonly<Record<string, unknown>>, token = world.tokens.admin) =>
  world.api('/products', { token, body });
const change = (code: string, body: Readonly<Record<string, unknown>>) =>
  world.api(`/products/${code}`, { method: 'PUT', token: world.tokens.admin, body });
async function ask(changes: Readonly<Record<string, unknown>>, token = world.tokens.officer) {
  const client = (await world.api('/clients/', { token, body: newClient() })).json<{ id: string }>();
  const body = { client_id: client.id, amount: 50_000, interest_rate: 0.15, term_months: 24, ...changes };
  return world.api('/loans/', { token, body });
}

describe('a product', () => {
  test('pins terms that its loans keep, whatever becomes of it', async () => {
    const content = { name: 'Crédito semanal', terms: { frequency: 'weekly', day_count: '364', vat_rate: '0.16' } };
    expect((await make({ code: 'semanal', ...content })).json()).toMatchObject({ code: 'semanal', version: 1 });
    const loan = (await ask({ product: 'semanal' })).json<{ id: string; product: string; product_version: number }>();
    expect(loan).toMatchObject({ product: 'semanal', product_version: 1 });
    const dates = async (): Promise<string[]> =>
      (await world.api(`/loans/${loan.id}/schedule`))
        .json<{ installments: { due_date: string }[] }>()
        .installments.map(({ due_date: day }) => day);
    const before = await dates();
    expect((Date.parse(before[1] ?? '') - Date.parse(before[0] ?? '')) / 86_400_000).toBe(7);
    const changed = await change('semanal', { ...content, terms: { frequency: 'biweekly' } });
    expect(changed.json()).toMatchObject({ version: 2, terms: { frequency: 'biweekly' } });
    expect(await dates()).toEqual(before);
    const versions = await world.api('/products/semanal/versions', { token: world.tokens.auditor });
    expect(versions.json<{ version: number }[]>().map(({ version }) => version)).toEqual([2, 1]);
    const list = (await world.api('/products', { token: world.tokens.cashier })).json<
      { code: string; version: number }[]
    >();
    expect(list.filter(({ code }) => code === 'semanal')).toMatchObject([{ version: 2 }]);
  });

  test('says what it does not allow, by field', async () => {
    const limits = { amount_min: 1_000, amount_max: 20_000, term_max: 12, rate_min: 0.2, rate_max: 0.6 };
    await make({ code: 'chico', name: 'Chico', limits });
    const answer = await ask({ product: 'chico', method: 'flat' });
    expect(answer.json()).toMatchObject({ status: 422, code: 'product_refuses' });
    const { errors } = answer.json<{ errors: { loc: string[] }[] }>();
    expect(errors.map(({ loc }) => loc.at(-1))).toEqual(['method', 'amount', 'term_months', 'interest_rate']);
    const fits = { product: 'chico', amount: 20_000, term_months: 12, interest_rate: 0.2 };
    expect((await ask(fits)).status).toBe(201);
    expect((await ask({ ...fits, amount: '20000.01' })).status).toBe(422);
  });

  test('that is closed, or is not there, grants nothing', async () => {
    await make({ code: 'viejo', name: 'Viejo', is_open: false });
    expect((await ask({ product: 'viejo' })).json()).toMatchObject({ code: 'product_refuses' });
    expect((await ask({ product: 'nadie' })).json()).toMatchObject({ status: 404, code: 'product_not_found' });
    expect((await change('nadie', { name: 'x' })).json()).toMatchObject({ code: 'product_not_found' });
  });

  test.each([
    [{ terms: { late_fee: { amount: 100 }, penalty: { annual_rate: 0.4 } } }, 'lending_refused'],
    [{ terms: { allocation: ['due_principal'] } }, 'lending_refused'],
    [{ terms: { allocation: ['due_everything'] } }, 'validation_failed'],
    [{ terms: { grace_days: 1 } }, 'validation_failed'],
    [{ limits: { amount_min: 10, amount_max: 9 } }, 'validation_failed'],
    [{ limits: { approval_above: -1 } }, 'validation_failed'],
  ])('of %j is refused, and nothing is written', async (content, code) => {
    const answer = await make({ code: 'malo', name: 'Malo', ...content });
    expect(answer.json()).toMatchObject({ status: 422, code });
    expect((await world.api('/products/malo', { token: world.tokens.admin })).status).toBe(404);
  });

  test('is made once, also by two at once, and changed in versions without gaps', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => make({ code: 'uno', name: 'Uno' })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array.from({ length: 7 }, () => 409),
    ]);
    await Promise.all(Array.from({ length: 8 }, (_, turn) => change('uno', { name: `Uno ${turn}` })));
    const rows = await world.sql<{ version: number }>(
      "select version from products where code = 'uno' order by version",
    );
    expect(rows.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('is changed by an admin alone', async () => {
    expect((await make({ code: 'mio', name: 'Mío' }, world.tokens.officer)).status).toBe(403);
  });
});

describe('a loan above the limit of its product', () => {
  const large = { product: 'grande', amount: 100_000.01 };
  const decide = (id: string, verb: string, token: string, body?: Readonly<Record<string, unknown>>) =>
    world.api(`/loans/${id}/${verb}`, { method: 'POST', token, ...(body ? { body } : {}) });
  const requested = async () => (await ask(large)).json<{ id: string; status: string; current_balance: string }>();

  beforeAll(async () => {
    await make({ code: 'grande', name: 'Grande', limits: { approval_above: 100_000 } });
  });

  test('at the limit is granted at once', async () => {
    expect((await ask({ ...large, amount: 100_000 })).json()).toMatchObject({ status: 'ACTIVE' });
  });

  test('is requested, approved by somebody else, and paid out', async () => {
    const loan = await requested();
    expect(loan).toMatchObject({ status: 'REQUESTED', current_balance: '0.00' });
    const pay = () => world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body: { amount: 1 } });
    expect((await pay()).json()).toMatchObject({ status: 400, detail: 'Loan is not active. Status: REQUESTED' });
    expect((await decide(loan.id, 'disburse', world.tokens.admin)).json()).toMatchObject({ code: 'loan_cannot_move' });
    expect((await decide(loan.id, 'approve', world.tokens.officer)).json()).toMatchObject({
      status: 403,
      code: 'same_person',
    });
    expect((await decide(loan.id, 'approve', world.tokens.cashier)).json()).toMatchObject({ status: 403 });
    expect((await decide(loan.id, 'approve', world.tokens.admin)).json()).toMatchObject({ status: 'APPROVED' });
    expect((await decide(loan.id, 'approve', world.tokens.admin)).json()).toMatchObject({ code: 'loan_cannot_move' });
    const put = { method: 'PUT', token: world.tokens.admin, body: { status: 'ACTIVE' } };
    expect((await world.api(`/loans/${loan.id}/status`, put)).json()).toMatchObject({ code: 'loan_cannot_move' });
    expect((await decide(loan.id, 'disburse', world.tokens.officer)).json()).toMatchObject({
      status: 'ACTIVE',
      current_balance: '100000.01',
    });
    expect((await pay()).status).toBe(201);
    const told = await world.sql<{ event_type: string }>(
      `select event_type from outbox where order_key = '${loan.id}' order by position`,
    );
    expect(told.map(({ event_type: type }) => type)).toEqual([
      'loan_requested',
      'loan_approved',
      'loan_created',
      'payment_registered',
    ]);
  });

  test('is paid out once, however many try at once', async () => {
    const { id } = await requested();
    await decide(id, 'approve', world.tokens.admin);
    const answers = await Promise.all(Array.from({ length: 8 }, () => decide(id, 'disburse', world.tokens.admin)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 7 }, () => 409),
    ]);
    const [sums] = await world.sql(`select count(*)::int as entries from entries where loan_id = '${id}'`);
    expect(sums).toEqual({ entries: 1 });
  });

  test('is rejected with a reason, and stays to be seen', async () => {
    const { id } = await requested();
    expect((await decide(id, 'reject', world.tokens.admin)).status).toBe(422);
    expect((await decide(id, 'reject', world.tokens.officer, { reason: 'x' })).json()).toMatchObject({
      code: 'same_person',
    });
    const answer = await decide(id, 'reject', world.tokens.admin, { reason: 'sin comprobante de ingresos' });
    expect(answer.json()).toMatchObject({ status: 'CANCELLED' });
    expect((await decide(id, 'disburse', world.tokens.admin)).status).toBe(409);
    const schedule = (await world.api(`/loans/${id}/schedule`)).json<{ installments: unknown[] }>();
    expect(schedule.installments).toEqual([]);
  });

  test('is withdrawn before it is paid out', async () => {
    const { id } = await requested();
    const answer = await world.api(`/loans/${id}`, { method: 'DELETE', token: world.tokens.admin });
    expect(answer.status).toBe(204);
    expect((await world.api(`/loans/${id}`)).json()).toMatchObject({ status: 'CANCELLED' });
  });
});

test('the promised body grants under the product that everybody has', async () => {
  expect(await newLoan(world)).toMatchObject({ product: 'personal', product_version: 1, status: 'ACTIVE' });
});
