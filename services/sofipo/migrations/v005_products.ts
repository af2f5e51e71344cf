import type { Migration } from '@quinta/platform/database';

/**
 * A product is a row for each of its versions, never changed: a loan names the version that it was granted under. Above
 * the product's limit a loan is requested by one person, approved by another, and paid out by a third step; the balance
 * of a loan that is not paid out is nothing.
 */
export const migration: Migration = {
  why: 'Loans are granted under products, and large ones by two people.',

  async up({ run }) {
    await run(`
      create table products (
        code varchar(30) not null,
        version integer not null constraint ck_products_version check (version >= 1),
        name varchar(100) not null,
        terms jsonb not null,
        limits jsonb not null,
        is_open boolean not null default true,
        created_by integer constraint fk_products_user references users (id),
        created_at timestamptz not null default now(),
        constraint pk_products primary key (code, version)
      )`);
    for (const statement of appendOnly('products')) await run(statement);
    await run(`
      insert into products (code, version, name, terms, limits)
      values ('personal', 1, 'Préstamo personal', '{"is_negotiable": true}', '{}')`);
    await run(`
      alter table loans
        alter column disbursed_on drop not null,
        add column product_code varchar(30),
        add column product_version integer,
        add column requested_by integer constraint fk_loans_requested_by references users (id),
        add column approved_by integer constraint fk_loans_approved_by references users (id),
        add constraint fk_loans_product foreign key (product_code, product_version) references products (code, version),
        add constraint ck_loans_two_people check (approved_by <> requested_by),
        add constraint ck_loans_paid_out check
          (disbursed_on is not null or (status in ('REQUESTED', 'APPROVED', 'CANCELLED') and current_balance = 0))`);
  },

  async down({ run }) {
    await run(`
      alter table loans drop constraint ck_loans_paid_out, drop constraint ck_loans_two_people,
        drop constraint fk_loans_product, drop column approved_by, drop column requested_by,
        drop column product_version, drop column product_code, alter column disbursed_on set not null`);
    await run('drop table products');
    await run('drop function products_append_only()');
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
