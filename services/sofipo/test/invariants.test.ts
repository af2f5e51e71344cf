import { readFile } from 'node:fs/promises';
import { operatorContext } from '@quinta/platform/kernel';
import { brokenConstraint, writeStatement } from '@quinta/platform/database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeDays } from '../src/close/close-days.ts';
import { newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
  const start = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10);
  const loan = await newLoan(world, { start_date: start });
  await closeDays(world.sofipo, operatorContext(world.sofipo, 'close_day'));
  await world.api(`/loans/${loan.id}/payments`, { token: world.tokens.cashier, body: { amount: 100 } });
});
afterAll(() => world.close());

const broken = async (text: string): Promise<string | undefined> => {
  const error: unknown = await world.owner
    .runAlone(writeStatement<[], never>('test.break', text), [])
    .then(() => 'nothing was refused')
    .catch((caught: unknown) => caught);
  return brokenConstraint(error) ?? String(error);
};

const reversal = `insert into loan_events (id, loan_id, kind, happened_on, reverses)
  select gen_random_uuid(), loan_id, 'reversal', happened_on, id from loan_events where kind = 'payment'`;
const bareLoan = `insert into loans (client_id, amount, interest_rate, term_months, current_balance, terms, status)
  select client_id, amount, interest_rate, term_months,`;

/** Each numbered invariant of the README, what breaks it, and what refuses. */
const invariants: readonly (readonly [number: number, breach: string, refusal: string])[] = [
  [1, "insert into clients (full_name, email, rfc) select 'x', 'x@demo.example', rfc from clients", 'clients_rfc_key'],
  [2, "insert into clients (full_name, email, rfc) select 'x', email, 'X' from clients", 'clients_email_key'],
  [3, 'update loans set current_balance = -0.01', 'ck_loans_balance'],
  [3, 'update loans set interest_receivable = -0.01', 'ck_loans_receivable'],
  [3, 'update loans set reserve = -0.01', 'ck_loans_reserve'],
  [4, "update loans set status = 'LOST'", 'ck_loans_status'],
  [5, 'update payments set amount = 0, principal = 0, interest = 0', 'payments_amount_check'],
  [6, 'update payments set principal = principal + 1', 'ck_payments_split'],
  [7, "update loan_events set kind = 'charge'", 'tr_loan_events_append_only'],
  [7, 'delete from loan_events', 'tr_loan_events_append_only'],
  [8, `${reversal} union all ${reversal.slice(reversal.indexOf('select'))}`, 'uq_loan_events_reverses'],
  [9, 'update entries set happened_on = now()', 'tr_entries_append_only'],
  [9, 'delete from postings', 'tr_postings_append_only'],
  [10, "insert into postings select id, '6101', 0 from entries", 'ck_postings_amount'],
  [10, "insert into postings select max(id), '6101', 1 from entries", 'tr_postings_balance'],
  [11, "insert into users (username, password_hash, role) values ('x', 'x', 'x')", 'ck_users_role'],
  [12, "update products set name = 'another'", 'tr_products_append_only'],
  [12, 'delete from products', 'tr_products_append_only'],
  [13, 'update loans set approved_by = requested_by', 'ck_loans_two_people'],
  [14, `${bareLoan} 0, terms, 'ACTIVE' from loans`, 'ck_loans_paid_out'],
  [14, `${bareLoan} 1, terms, 'APPROVED' from loans`, 'ck_loans_paid_out'],
  [
    15,
    `insert into entries (loan_id, closed_on, happened_on)
     select loan_id, closed_on, closed_on from entries where closed_on is not null`,
    'uq_entries_close',
  ],
  [15, 'insert into entries (loan_id, happened_on) select loan_id, happened_on from entries', 'ck_entries_cause'],
  [16, "insert into close_days (day) values ('2001-01-01'), ('2001-01-02')", 'ux_close_days_open'],
];

describe('what the database holds by itself', () => {
  test.each(invariants)('%i: %s', async (_, breach, refusal) => {
    expect(await broken(breach)).toBe(refusal);
  });

  test('the application may add to what is append-only, and do nothing else with it', async () => {
    for (const table of ['products', 'loan_events', 'entries', 'postings', 'audit_logs']) {
      for (const verb of ['delete from', 'truncate']) {
        const run = world.application.runAlone(writeStatement<[], never>('test.break', `${verb} ${table}`), []);
        await expect(run).rejects.toMatchObject({ code: '42501' });
      }
    }
  });

  test('the README numbers what is broken here, and names what refuses it', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const [, section = ''] = /^## Invariants$(.*?)^## /ms.exec(readme) ?? [];
    const lines = new Map(
      section.split('\n').flatMap((line) => {
        const [, number] = /^(\d+)\. /.exec(line) ?? [];
        return number === undefined ? [] : [[Number(number), line] as const];
      }),
    );
    expect([...lines.keys()]).toEqual([...new Set(invariants.map(([number]) => number))]);
    for (const [number, , refusal] of invariants) expect(lines.get(number)).toContain(`\`${refusal}\``);
  });
});
