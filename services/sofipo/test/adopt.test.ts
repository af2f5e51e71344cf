import { openDatabase, writeStatement } from '@quinta/platform/database';
import { openTestDatabase } from '@quinta/platform/testing';
import { afterEach, expect, test } from 'vitest';
import { ledgerFaults } from '../src/service.ts';
import { openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld | undefined;
afterEach(() => world?.close());

/** The earlier system's tables as its script made them, with invented people in them. */
const earlier = [
  `create table clients (
    id uuid primary key default gen_random_uuid(), full_name varchar(255) not null, email varchar(255) not null unique,
    rfc varchar(13) not null unique, created_at timestamptz default current_timestamp)`,
  `create table loans (
    id uuid primary key default gen_random_uuid(), client_id uuid not null references clients (id) on delete cascade,
    amount numeric(15, 2) not null check (amount > 0), interest_rate numeric(5, 4) not null check (interest_rate >= 0),
    term_months integer not null check (term_months > 0), status varchar(20) not null default 'ACTIVE',
    granted_at timestamptz default current_timestamp, current_balance numeric(15, 2) not null)`,
  `create table payments (
    id uuid primary key default gen_random_uuid(), loan_id uuid not null references loans (id) on delete cascade,
    amount numeric(15, 2) not null check (amount > 0), payment_date timestamptz default current_timestamp)`,
  `insert into clients (id, full_name, email, rfc) values
    ('00000000-0000-4000-8000-000000000001', 'Ana Antes', 'ana@demo.example', 'AEAA800101AB1'),
    ('00000000-0000-4000-8000-000000000002', 'Beto Antes', 'beto@demo.example', 'not an rfc')`,
  `insert into loans (id, client_id, amount, interest_rate, term_months, status, granted_at, current_balance) values
    ('00000000-0000-4000-8000-000000000011', '00000000-0000-4000-8000-000000000001', 1000, 0.15, 10, 'ACTIVE',
      '2024-01-15T12:00:00Z', 700),
    ('00000000-0000-4000-8000-000000000012', '00000000-0000-4000-8000-000000000001', 500, 0.20, 5, 'PAID_OFF',
      '2024-01-15T12:00:00Z', 0),
    ('00000000-0000-4000-8000-000000000013', '00000000-0000-4000-8000-000000000002', 300, 0.20, 3, 'ACTIVE',
      '2024-01-15T12:00:00Z', 300)`,
  `insert into payments (loan_id, amount, payment_date) values
    ('00000000-0000-4000-8000-000000000011', 200, '2024-02-15T12:00:00Z'),
    ('00000000-0000-4000-8000-000000000011', 100, '2024-03-15T12:00:00Z'),
    ('00000000-0000-4000-8000-000000000012', 500, '2024-02-01T12:00:00Z')`,
];

/** The earlier system's database on its own, opened by this one. */
async function adopted(): Promise<SofipoWorld> {
  const databases = await openTestDatabase('sofipo');
  const owner = openDatabase({ url: databases.urls.owner, connectionsMax: 1 });
  for (const text of earlier) await owner.runAlone(writeStatement<[], never>('test.earlier', text), []);
  await owner.close();
  world = await openSofipoWorld({ databases });
  return world;
}

test('a database of the earlier system is adopted with its rows, and its loans go on as they were', async () => {
  const opened = await adopted();
  const ana = await opened.api('/clients/AEAA800101AB1');
  expect(ana.json()).toMatchObject({ full_name: 'Ana Antes' });
  const id = '00000000-0000-4000-8000-000000000011';
  expect((await opened.api(`/loans/${id}`)).json()).toMatchObject({ current_balance: '700.00', status: 'ACTIVE' });
  expect((await opened.api(`/loans/${id}/payments`)).json<unknown[]>()).toHaveLength(2);
  expect((await opened.api(`/loans/${id}/payoff`)).json()).toMatchObject({ total: '700.00', interest: '0.00' });
  expect(await ledgerFaults(opened.application, 10)).toEqual([]);
  const pay = (amount: number) =>
    opened.api(`/loans/${id}/payments`, { token: opened.tokens.cashier, body: { amount } });
  expect((await pay(300)).json()).toMatchObject({ split: { principal: '300.00', interest: '0.00' } });
  expect((await pay(401)).status).toBe(400);
  expect((await pay(400)).status).toBe(201);
  expect((await opened.api(`/loans/${id}`)).json()).toMatchObject({ status: 'PAID_OFF', current_balance: '0.00' });
  expect(await ledgerFaults(opened.application, 10)).toEqual([]);
});

test('a loan of the earlier system is cancelled against its books: no cash that was paid out there comes back here', async () => {
  const opened = await adopted();
  const path = '/loans/00000000-0000-4000-8000-000000000013';
  const balances = async () => {
    const trial = await opened.api('/ledger/trial-balance', { token: opened.tokens.auditor });
    const { accounts } = trial.json<{ accounts: { account: string; balance: string }[] }>();
    return Object.fromEntries(accounts.map(({ account, balance }) => [account, balance]));
  };
  const before = await balances();
  expect(before['1302']).toBe('-1000.00');
  const answer = await opened.api(path, { method: 'DELETE', token: opened.tokens.admin });
  expect(answer.status).toBe(204);
  const portfolio = (Number(before['1301']) - 300).toFixed(2);
  expect(await balances()).toEqual({ ...before, '1301': portfolio, '1302': '-700.00' });
  expect(await ledgerFaults(opened.application, 10)).toEqual([]);
});
