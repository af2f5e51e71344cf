import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPdf, type ReadPdf } from '../src/testing/read-pdf.ts';
import { type LoanAnswer, newClient, newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
});
afterAll(() => world.close());

type Texts = Readonly<Record<string, string>>;

interface Schedule {
  readonly as_of: string;
  readonly current_balance: string;
  readonly days_past_due: number;
  readonly installments: readonly Readonly<Record<string, string | number>>[];
}

interface File {
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

const schedulePath = ({ id }: LoanAnswer, format = 'json'): string => `/loans/${id}/schedule?format=${format}`;
const statementPath = (clientId: string, format = 'json'): string =>
  `/loans/clients/${clientId}/account-statement?format=${format}`;

async function download(path: string): Promise<File> {
  const answer = await fetch(`${world.baseUrl}/api/v1${path}`);
  expect(answer.status).toBe(200);
  return { headers: answer.headers, bytes: new Uint8Array(await answer.arrayBuffer()) };
}

const pdfAt = async (path: string): Promise<ReadPdf> => readPdf((await download(path)).bytes);
const factsOf = ({ facts }: ReadPdf): Texts => Object.fromEntries(facts);
/** `1234.5` as `1,234.50`, by other means than the product's. */
const figure = (value: unknown): string => Number(value).toLocaleString('en-US', { minimumFractionDigits: 2 });
const pesos = (value: unknown): string => `${figure(value)} MXN`;
const day = (value: unknown): string => String(value).split('-').toReversed().join('/');

/** A loan that is late, with VAT and a fee, and somewhat paid. */
async function lateLoan(changes: Readonly<Record<string, unknown>> = {}): Promise<LoanAnswer> {
  const body = { start_date: '2026-01-31', vat_rate: 0.16, fees: { opening_rate: 0.02, per_installment: 25 } };
  const loan = await newLoan(world, { ...body, ...changes });
  await pay(loan, '3000.10');
  return loan;
}

async function pay({ id }: { readonly id: string }, amount: string): Promise<string> {
  const paid = await world.api(`/loans/${id}/payments`, { token: world.tokens.cashier, body: { amount } });
  expect(paid.status).toBe(201);
  return paid.json<{ id: string }>().id;
}

/** Somebody with any name and a loan. */
async function loanOfNamed(name: string, changes: Readonly<Record<string, unknown>> = {}): Promise<LoanAnswer> {
  const token = world.tokens.officer;
  const client = await world.api('/clients/', { token, body: newClient() });
  const { id } = client.json<{ id: string }>();
  // A text that the service itself would not let in can stand there since the earlier system.
  await world.sql(`update clients set full_name = '${name.replaceAll("'", "''")}' where id = '${id}'`);
  const body = { client_id: id, amount: 50_000, interest_rate: 0.15, term_months: 24, ...changes };
  return (await world.api('/loans/', { token, body })).json<LoanAnswer>();
}

describe('a schedule', () => {
  test('as CSV is, read back, that of JSON', async () => {
    const loan = await lateLoan();
    const { headers, bytes } = await download(schedulePath(loan, 'csv'));
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(headers.get('content-disposition')).toBe(`attachment; filename="tabla-de-amortizacion-${loan.id}.csv"`);
    const [names = '', ...lines] = Buffer.from(bytes).toString('utf8').split('\r\n').slice(0, -1);
    const { installments } = (await world.api(schedulePath(loan))).json<Schedule>();
    expect(installments.length).toBeGreaterThan(20);
    expect(names).toBe(Object.keys(installments[0] ?? {}).join(','));
    const rows = lines.map((line) => {
      const cells = line.split(',');
      return Object.fromEntries(names.split(',').map((name, place) => [name, cells[place]]));
    });
    expect(rows).toEqual(
      installments.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, String(cell)]))),
    );
  });

  test('as PDF has the figures of JSON, and their sums', async () => {
    const loan = await lateLoan();
    const { headers, bytes } = await download(schedulePath(loan, 'pdf'));
    expect(headers.get('content-type')).toBe('application/pdf');
    const pdf = await readPdf(bytes);
    const json = (await world.api(schedulePath(loan))).json<Schedule>();
    expect(pdf).toMatchObject({ title: 'Tabla de amortización', language: 'es-MX', isTagged: true });
    expect(pdf.rows[0]).toEqual([
      'No.',
      'Vencimiento',
      'Capital',
      'Interés',
      'IVA',
      'Comisiones',
      'Pago total',
      'Saldo insoluto',
      'Pagado',
      'Pendiente',
      'Días de atraso',
    ]);
    const amounts = ['principal', 'interest', 'vat', 'fees', 'total', 'balance', 'paid', 'unpaid'];
    expect(pdf.rows.slice(1, -1)).toEqual(
      json.installments.map((row) => [
        String(row['number']),
        day(row['due_date']),
        ...amounts.map((name) => figure(row[name])),
        String(row['days_past_due']),
      ]),
    );
    const cents = (name: string): number =>
      json.installments.reduce((sum, row) => sum + Math.round(Number(row[name]) * 100), 0) / 100;
    const sums = amounts.map((name) => (name === 'balance' ? '' : figure(cents(name))));
    expect(pdf.rows.at(-1)).toEqual(['Total', '', ...sums, '']);
    expect(factsOf(pdf)).toMatchObject({
      'Saldo insoluto': pesos(json.current_balance),
      'Fecha de corte': day(json.as_of),
      'Días de atraso': String(json.days_past_due),
      'IVA sobre interés': '16.00 %',
    });
    expect(json.days_past_due).toBeGreaterThan(200);
  });

  test('tells the terms, with the CAT that a simulation gives', async () => {
    const terms = { amount: '50000.00', interest_rate: 0.15, start_date: '2026-01-01', fees: { opening_rate: 0.02 } };
    const loan = await newLoan(world, { ...terms, term_months: 24 });
    const { cat } = (await world.api('/loans/simulate', { body: { ...terms, term: 24 } })).json<{ cat: number }>();
    expect(cat).toBeGreaterThan(16.1);
    expect(factsOf(await pdfAt(schedulePath(loan, 'pdf')))).toMatchObject({
      Crédito: loan.id,
      Estado: 'Activo',
      Importe: '50,000.00 MXN',
      'Fecha de disposición': '01/01/2026',
      Plazo: '24 pagos mensuales',
      'Sistema de pago': 'Pagos iguales',
      'Tasa de interés anual': '15.00 %',
      'IVA sobre interés': 'Sin IVA',
      'CAT sin IVA': `${cat} %`,
    });
  });

  test('of thirty years goes over pages, each with its head and its number', async () => {
    const loan = await newLoan(world, { term_months: 360, amount: '2500000.00' });
    const { pages, rows } = await pdfAt(schedulePath(loan, 'pdf'));
    expect(rows).toHaveLength(362);
    expect(rows.slice(1, -1).map(([number]) => Number(number))).toEqual(Array.from({ length: 360 }, (_, at) => at + 1));
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.map(({ artifacts }) => artifacts.at(-1))).toEqual(
      pages.map((_, at) => `SOFIPO · Tabla de amortización ${at + 1} / ${pages.length}`),
    );
    expect(pages.every(({ spans }) => spans.some(({ text }) => text === 'Vencimiento'))).toBe(true);
  });

  test('of a loan that was cancelled has no rows, in any form', async () => {
    const loan = await newLoan(world);
    await world.api(`/loans/${loan.id}`, { method: 'DELETE', token: world.tokens.admin });
    const { rows, paragraphs, facts } = await pdfAt(schedulePath(loan, 'pdf'));
    expect(rows).toEqual([]);
    expect(paragraphs).toContain('Sin registros.');
    expect(Object.fromEntries(facts)).toMatchObject({ Estado: 'Cancelado', 'Saldo insoluto': '0.00 MXN' });
    expect(Buffer.from((await download(schedulePath(loan, 'csv'))).bytes).toString()).toMatch(
      /^number,.*past_due\r\n$/,
    );
  });

  test('of nobody is a problem, not half a file, and an unknown form a 422', async () => {
    const unknown = { id: '00000000-0000-4000-8000-000000000000' } as LoanAnswer;
    for (const format of ['csv', 'pdf']) {
      const answer = await world.api(schedulePath(unknown, format));
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.json()).toMatchObject({ status: 404, code: 'loan_not_found' });
    }
    expect((await world.api(schedulePath(unknown, 'xlsx'))).status).toBe(422);
  });
});

describe('an account statement', () => {
  test('as PDF has every loan that is owed, how it stands, and each payment with its split', async () => {
    const loan = await lateLoan();
    const token = world.tokens.officer;
    const body = { client_id: loan.client_id, amount: 7_000, interest_rate: 0.4, term_months: 6, method: 'bullet' };
    const other = (await world.api('/loans/', { token, body })).json<LoanAnswer>();
    const reversed = await pay(other, '500.00');
    const admin = { token: world.tokens.admin };
    await world.api(`/loans/${other.id}/payments/${reversed}/reverse`, { ...admin, method: 'POST' });
    const inDefault = (await world.api('/loans/', { token, body })).json<LoanAnswer>();
    await world.api(`/loans/${inDefault.id}/status`, { ...admin, method: 'PUT', body: { status: 'DEFAULTED' } });

    const pdf = await pdfAt(statementPath(loan.client_id, 'pdf'));
    const json = (await world.api(statementPath(loan.client_id))).json<{
      full_name: string;
      rfc: string;
      active_loans: { id: string; current_balance: string }[];
      payment_history: { amount: string; loan_id: string; split: Texts; reversed_at: string | null }[];
    }>();
    expect(pdf).toMatchObject({ title: 'Estado de cuenta', isTagged: true });
    expect(factsOf(pdf)).toMatchObject({ Cliente: json.full_name, RFC: json.rfc });
    expect(pdf.paragraphs.filter((text) => text.startsWith('Crédito '))).toEqual(
      [...json.active_loans, inDefault].map(({ id }) => `Crédito ${id}`),
    );
    const values = (label: string): string[] => pdf.facts.flatMap(([name, value]) => (name === label ? [value] : []));
    expect(values('Saldo insoluto')).toEqual(
      [...json.active_loans, inDefault].map((one) => pesos(one.current_balance)),
    );
    expect(values('Estado')).toEqual(['Activo', 'Activo', 'Vencido']);
    expect(values('Para liquidar')).toEqual(
      await Promise.all([...json.active_loans, inDefault].map(({ id }) => payoffText(id))),
    );
    const parts = ['principal', 'interest', 'vat', 'fee', 'penalty'];
    expect(pdf.rows.slice(1).map((row) => row.slice(1, -1))).toEqual(
      json.payment_history.map(({ loan_id: id, split, amount }) => [
        id.slice(-12),
        ...parts.map((part) => figure(split[part])),
        figure(amount),
      ]),
    );
    expect(pdf.rows.slice(1).map((row) => row.at(-1) !== '')).toEqual(
      json.payment_history.map(({ reversed_at: at }) => at !== null),
    );
    expect(pdf.paragraphs).toContain('Un pago reversado no cuenta.');
  });

  test('names what is late and what comes next', async () => {
    const loan = await lateLoan();
    const { installments, as_of: today } = (await world.api(schedulePath(loan))).json<Schedule>();
    const late = installments.filter((row) => Number(row['days_past_due']) > 0);
    const next = installments.find((row) => String(row['due_date']) >= today && row['unpaid'] !== '0.00');
    const overdue = late.reduce((sum, row) => sum + Math.round(Number(row['unpaid']) * 100), 0) / 100;
    expect(late.length).toBeGreaterThan(5);
    expect(factsOf(await pdfAt(statementPath(loan.client_id, 'pdf')))).toMatchObject({
      'Importe vencido': pesos(overdue),
      'Próximo pago': `${pesos(next?.['unpaid'])} el ${day(next?.['due_date'])}`,
      'Días de atraso': String(late[0]?.['days_past_due']),
    });
  });

  test.each([
    ['=cmd|"/C calc"!A0', '=cmd|"/C calc"!A0'],
    ['Nuñez\nde la\tPeña', 'Nuñez de la Peña'],
    ['\u202eאברהם Ruiz 😀', '?????? Ruiz ?'],
    ['O’Brien, "Pepe" \\ (x) ET', 'O’Brien, "Pepe" \\ (x) ET'],
  ])('shows the name %j', async (name, shown) => {
    const loan = await loanOfNamed(name);
    expect(factsOf(await pdfAt(statementPath(loan.client_id, 'pdf')))['Cliente']).toBe(shown);
    expect(factsOf(await pdfAt(schedulePath(loan, 'pdf')))['Cliente']).toBe(shown);
  });

  test('of somebody without loans says so, and of nobody is a problem', async () => {
    const client = await world.api('/clients/', { token: world.tokens.officer, body: newClient() });
    const { id } = client.json<{ id: string }>();
    const { paragraphs } = await pdfAt(statementPath(id, 'pdf'));
    expect(paragraphs).toEqual(expect.arrayContaining(['Sin créditos por pagar.', 'Sin pagos.']));
    const unknown = await world.api(statementPath('00000000-0000-4000-8000-000000000000', 'pdf'));
    expect(unknown.headers.get('content-type')).toBe('application/problem+json');
    expect(unknown.json()).toMatchObject({ code: 'client_not_found' });
    expect((await world.api(statementPath(id, 'csv'))).status).toBe(422);
  });
});

async function payoffText(id: string): Promise<string> {
  const { total, date } = (await world.api(`/loans/${id}/payoff`)).json<Texts>();
  return `${pesos(total)} al ${day(date)}`;
}
