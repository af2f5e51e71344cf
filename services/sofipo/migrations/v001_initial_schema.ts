import type { Migration } from '@quinta/platform/database';

/** As the earlier system's script made them; its own tables stay as they are, with their rows. */
export const migration: Migration = {
  why: 'Clients, loans and payments, as they were promised.',

  async up({ run }) {
    await run(`
      create table if not exists clients (
        id uuid primary key default gen_random_uuid(),
        full_name varchar(255) not null,
        email varchar(255) not null unique,
        rfc varchar(13) not null unique,
        created_at timestamptz default now()
      )`);
    await run(`
      create table if not exists loans (
        id uuid primary key default gen_random_uuid(),
        client_id uuid not null references clients (id) on delete cascade,
        amount numeric(15, 2) not null check (amount > 0),
        interest_rate numeric(5, 4) not null check (interest_rate >= 0),
        term_months integer not null check (term_months > 0),
        status varchar(20) not null default 'ACTIVE',
        granted_at timestamptz default now(),
        current_balance numeric(15, 2) not null
      )`);
    await run(`
      create table if not exists payments (
        id uuid primary key default gen_random_uuid(),
        loan_id uuid not null references loans (id) on delete cascade,
        amount numeric(15, 2) not null check (amount > 0),
        payment_date timestamptz default now()
      )`);
    await run('create index if not exists idx_loans_client_id on loans (client_id)');
    await run('create index if not exists idx_loans_status on loans (status)');
    await run('create index if not exists idx_payments_loan_id on payments (loan_id)');
  },

  async down({ run }) {
    for (const table of ['payments', 'loans', 'clients']) await run(`drop table ${table}`);
  },
};
