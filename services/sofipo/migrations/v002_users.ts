import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'Users live in a table: the earlier system had one in its code.',

  async up({ run }) {
    await run(`
      create table users (
        id integer generated always as identity primary key,
        username varchar(50) not null constraint uq_users_username unique,
        password_hash varchar(255) not null,
        role varchar(20) not null constraint ck_users_role check (role in ('admin', 'officer', 'cashier', 'auditor')),
        disabled_at timestamptz,
        created_at timestamptz not null default now()
      )`);
  },

  async down({ run }) {
    await run('drop table users');
  },
};
