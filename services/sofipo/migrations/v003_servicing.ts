import type { Migration } from '@quinta/platform/database';

/**
 * What happens to a loan is a row of `loan_events`, never changed; how the loan stands is replayed from them, and the
 * columns of `loans` and `payments` that the earlier system had say the outcome.
 */
export const migration: Migration = {
  why: 'Loans bear interest: each keeps its terms, and everything that happens to it.',

  async up({ run }) {
    await run(`
      alter table clients alter column created_at set not null, alter column created_at set default now()`);
    await run(`
      alter table loans
        alter column granted_at set not null,
        add column terms jsonb,
        add column disbursed_on date,
        add column updated_at timestamptz not null default now(),
        add constraint ck_loans_balance check (current_balance >= 0),
        add constraint ck_loans_status check (status in
          ('REQUESTED', 'APPROVED', 'ACTIVE', 'PAID_OFF', 'DEFAULTED', 'WRITTEN_OFF', 'CANCELLED'))`);
    // Loans of the earlier system bear no interest there: theirs are served as they were.
    await run(`
      update loans set disbursed_on = (granted_at at time zone 'UTC')::date,
        terms = jsonb_build_object('kind', 'earlier', 'amount', amount::text, 'term', term_months)`);
    await run('alter table loans alter column terms set not null, alter column disbursed_on set not null');
    await run(`
      alter table payments
        alter column payment_date set not null,
        add column principal numeric(15, 2),
        add column interest numeric(15, 2),
        add column vat numeric(15, 2),
        add column fee numeric(15, 2),
        add column penalty numeric(15, 2),
        add column reversed_at timestamptz,
        add constraint ck_payments_split
          check (principal is null or principal + interest + vat + fee + penalty = amount)`);
    await run(`
      create table loan_events (
        position bigint generated always as identity primary key,
        id uuid not null constraint uq_loan_events_id unique,
        loan_id uuid not null constraint fk_loan_events_loan references loans (id),
        kind varchar(20) not null constraint ck_loan_events_kind check (kind in
          ('disbursed', 'payment', 'charge', 'waiver', 'reschedule', 'write_off', 'recovery', 'reversal')),
        happened_on date not null,
        amount numeric(15, 2) constraint ck_loan_events_amount check (amount > 0),
        details jsonb,
        reverses uuid constraint uq_loan_events_reverses unique
          constraint fk_loan_events_reverses references loan_events (id),
        recorded_by integer constraint fk_loan_events_user references users (id),
        recorded_at timestamptz not null default now(),
        constraint ck_loan_events_reversal check ((kind = 'reversal') = (reverses is not null))
      )`);
    await run('create index ix_loan_events_loan on loan_events (loan_id, position)');
    await run(`
      insert into loan_events (id, loan_id, kind, happened_on)
      select gen_random_uuid(), id, 'disbursed', disbursed_on from loans order by granted_at, id`);
    await run(`
      insert into loan_events (id, loan_id, kind, happened_on, amount, recorded_at)
      select id, loan_id, 'payment', (payment_date at time zone 'UTC')::date, amount, payment_date
        from payments order by payment_date, id`);
    await run(`
      update payments set principal = amount, interest = 0, vat = 0, fee = 0, penalty = 0`);
    for (const statement of appendOnly('loan_events')) await run(statement);
  },

  async down({ run }) {
    await run('drop table loan_events');
    await run('drop function loan_events_append_only()');
    await run(`
      alter table payments drop constraint ck_payments_split, drop column principal, drop column interest,
        drop column vat, drop column fee, drop column penalty, drop column reversed_at,
        alter column payment_date drop not null`);
    await run(`
      alter table loans drop constraint ck_loans_balance, drop constraint ck_loans_status, drop column terms,
        drop column disbursed_on, drop column updated_at, alter column granted_at drop not null`);
    await run('alter table clients alter column created_at drop not null');
  },
};

/** A row that has been written stays as it is. */
function appendOnly(table: string): readonly string[] {
  return [
    `create function ${table}_append_only() returns trigger language plpgsql as $$
     begin
       raise exception '${table} is append-only' using errcode = '23514', constraint = 'tr_${table}_append_only';
     end $$`,
    `create trigger tr_${table}_append_only before update or delete on ${table}
       for each row execute function ${table}_append_only()`,
    `create trigger tr_${table}_no_truncate before truncate on ${table}
       for each statement execute function ${table}_append_only()`,
  ];
}
