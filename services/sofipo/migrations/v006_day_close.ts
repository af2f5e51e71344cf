import type { Migration } from '@quinta/platform/database';

/** Accounts by code, name and on which side they grow. */
const accounts = [
  ['1303', 'Interest receivable', 'debit'],
  ['1391', 'Allowance for credit losses', 'credit'],
  ['6105', 'Charge for credit losses', 'debit'],
] as const;

/**
 * Each day is closed once for each loan: in one transaction its interest and reserve of the day are posted, where it
 * stands is written down, and `loans.closed_on` goes on. So a close that dies is taken up where it was, and what it
 * posted is posted once, which the unique key of a loan's entries of a day holds by itself.
 */
export const migration: Migration = {
  why: 'A day is closed: interest accrues, reserves are set aside, and what is late is known each morning.',

  async up({ run }) {
    for (const [code, name, side] of accounts) {
      await run(`insert into accounts (code, name, grows_on) values ('${code}', '${name}', '${side}')`);
    }
    await run(`
      alter table loans
        add column interest_receivable numeric(15, 2) not null default 0
          constraint ck_loans_receivable check (interest_receivable >= 0),
        add column reserve numeric(15, 2) not null default 0 constraint ck_loans_reserve check (reserve >= 0),
        add column closed_on date,
        add column needs_close boolean not null generated always as
          (status in ('ACTIVE', 'DEFAULTED') or interest_receivable <> 0 or reserve <> 0) stored`);
    await run('create index ix_loans_needs_close on loans (id) where needs_close');
    await run(`
      alter table entries
        alter column event_id drop not null,
        add column closed_on date,
        add constraint ck_entries_cause check ((event_id is null) <> (closed_on is null)),
        add constraint uq_entries_close unique (loan_id, closed_on)`);
    await run(`
      create table close_days (
        day date primary key,
        loans integer not null default 0,
        started_at timestamptz not null default now(),
        finished_at timestamptz,
        constraint ck_close_days_times check (finished_at >= started_at)
      )`);
    await run('create unique index ux_close_days_open on close_days ((finished_at is null)) where finished_at is null');
    await run(`
      create table loan_positions (
        loan_id uuid primary key constraint fk_loan_positions_loan references loans (id),
        closed_on date not null,
        days_past_due integer not null constraint ck_loan_positions_days check (days_past_due >= 0),
        is_non_performing boolean not null,
        balance numeric(15, 2) not null,
        past_due numeric(15, 2) not null,
        past_due_principal numeric(15, 2) not null,
        penalty numeric(15, 2) not null,
        interest_receivable numeric(15, 2) not null,
        reserve numeric(15, 2) not null,
        next_due_on date,
        next_due numeric(15, 2)
      )`);
    await run(
      'create index ix_loan_positions_late on loan_positions (days_past_due desc, loan_id) where days_past_due > 0',
    );
    await run('create index ix_loan_positions_due on loan_positions (next_due_on)');
    await run(`
      create table portfolio_days (
        day date not null constraint fk_portfolio_days_day references close_days (day),
        days_from integer not null,
        loans integer not null,
        balance numeric(17, 2) not null,
        past_due numeric(17, 2) not null,
        non_performing numeric(17, 2) not null,
        interest_receivable numeric(17, 2) not null,
        reserve numeric(17, 2) not null,
        constraint pk_portfolio_days primary key (day, days_from)
      )`);
  },

  async down({ run }) {
    for (const table of ['portfolio_days', 'loan_positions', 'close_days']) await run(`drop table ${table}`);
    // Where a day was closed the database refuses this: what was posted stays posted.
    await run(`
      alter table entries drop constraint uq_entries_close, drop constraint ck_entries_cause, drop column closed_on,
        alter column event_id set not null`);
    for (const [code] of accounts) await run(`delete from accounts where code = '${code}'`);
    await run(
      `alter table loans drop column needs_close, drop column closed_on, drop column reserve, drop column interest_receivable`,
    );
  },
};
