import type { Migration } from '@quinta/platform/database';
import { missingColumns, missingUnique } from '../src/earlier-schema.ts';

export const migration: Migration = {
  why: 'Vouchers (vales) and the users who draw them.',

  async up({ run }) {
    await run(`
      create table usuarios (
        id serial primary key,
        username varchar(50) not null,
        email varchar(100) not null,
        password_hash varchar(255) not null,
        created_at timestamp not null default now(),
        updated_at timestamp not null default now()
      )`);
    await run('create unique index ix_usuarios_username on usuarios (username)');
    await run('create unique index ix_usuarios_email on usuarios (email)');
    await run(`
      create table vales (
        id serial primary key,
        user_id integer not null constraint vales_user_id_fkey references usuarios (id),
        amount numeric(10,2) not null,
        description varchar(255),
        created_at timestamp not null default now()
      )`);
    await run('create index ix_vales_user_id on vales (user_id)');
  },

  async down({ run }) {
    await run('drop table vales');
    await run('drop table usuarios');
  },

  async verify(runner) {
    return [
      ...(await missingColumns(runner, 'usuarios', {
        id: 'integer',
        username: 'character varying(50)',
        email: 'character varying(100)',
        password_hash: 'character varying(255)',
        created_at: 'timestamp without time zone',
        updated_at: 'timestamp without time zone',
      })),
      ...(await missingColumns(runner, 'vales', {
        id: 'integer',
        user_id: 'integer',
        amount: 'numeric(10,2)',
        description: 'character varying(255)',
        created_at: 'timestamp without time zone',
      })),
      ...(await missingUnique(runner, 'usuarios', 'username')),
      ...(await missingUnique(runner, 'usuarios', 'email')),
    ];
  },
};
