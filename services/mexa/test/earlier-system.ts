import { scryptSync } from 'node:crypto';
import type { Database } from '@quinta/platform/database';
import { sql } from './sql.ts';

export type Revision = '001' | '002' | '003' | '004';

/** How its tool said that a column is unique: both were written at some time. */
export type Uniqueness = 'constraint' | 'index';

export const earlierPassword = 'almacén de la obra 7';

/** What werkzeug's generate_password_hash makes of a password. */
function werkzeugHash(password: string): string {
  const salt = 'Qz8fKx2mPw4tRv6y';
  const key = scryptSync(password, salt, 64, { N: 32_768, r: 8, p: 1, maxmem: 2 ** 27 });
  return `scrypt:32768:8:1$${salt}$${key.toString('hex')}`;
}

/** A database as the earlier system left it at one of its revisions, with rows; plain SQL, nothing of ours. */
export async function buildEarlierSystem(owner: Database, revision: Revision, uniqueness: Uniqueness): Promise<void> {
  const statements = [
    'create table alembic_version (version_num varchar(32) not null constraint alembic_version_pkc primary key)',
    ...revision001(uniqueness),
    ...(revision >= '002' ? revision002(uniqueness) : []),
    ...(revision >= '003' ? ['create index ix_usuarios_created_at on usuarios (created_at)'] : []),
    ...(revision >= '004' ? revision004 : []),
    `insert into alembic_version values ('${revision}')`,
  ];
  for (const statement of statements) await sql(owner, statement);
}

function revision001(uniqueness: Uniqueness): string[] {
  const unique = uniqueness === 'constraint' ? 'unique' : '';
  const index = uniqueness === 'constraint' ? 'index' : 'unique index';
  return [
    `create table usuarios (
       id serial not null primary key,
       username varchar(50) not null ${unique},
       email varchar(100) not null ${unique},
       password_hash varchar(255) not null,
       created_at timestamp without time zone not null default now(),
       updated_at timestamp without time zone not null default now())`,
    `create ${index} ix_usuarios_username on usuarios (username)`,
    `create ${index} ix_usuarios_email on usuarios (email)`,
    `create table vales (
       id serial not null primary key,
       user_id integer not null references usuarios (id),
       amount numeric(10, 2) not null,
       description varchar(255),
       created_at timestamp without time zone not null default now())`,
    'create index ix_vales_user_id on vales (user_id)',
    `insert into usuarios (username, email, password_hash, created_at, updated_at) values
       ('rosa', 'rosa@obra.example', '${werkzeugHash(earlierPassword)}', '2024-05-01 07:30:00', '2024-05-01 07:30:00'),
       ('Iván Peña', 'Ivan@Obra.example', '${werkzeugHash(earlierPassword)}', '2024-05-02 00:00:00', '2024-06-02 00:00:00')`,
    `insert into vales (user_id, amount, description, created_at) values
       (1, 125.50, 'Guantes', '2024-05-03 10:00:00'),
       (1, 0, null, '2024-05-03 11:00:00'),
       (2, -40.25, 'Devolución', '2024-05-03 12:00:00'),
       (2, 99999999.99, '', '2024-05-03 13:00:00.123456'),
       (2, -99999999.99, 'Ajuste', '2024-05-03 14:00:00')`,
  ];
}

function revision002(uniqueness: Uniqueness): string[] {
  return [
    'create extension if not exists pgcrypto',
    'alter table vales add column request_id uuid',
    'update vales set request_id = gen_random_uuid()',
    'alter table vales alter column request_id set not null',
    uniqueness === 'constraint'
      ? 'alter table vales add constraint uq_vales_request_id unique (request_id)'
      : 'create unique index uq_vales_request_id on vales (request_id)',
  ];
}

const revision004 = [
  `create table audit_logs (
     id serial not null primary key,
     request_id uuid not null,
     user_id integer references usuarios (id),
     action varchar(50) not null,
     resource_type varchar(50) not null,
     resource_id integer,
     old_values json,
     new_values json,
     endpoint varchar(255),
     method varchar(10),
     ip_address varchar(50),
     created_at timestamp without time zone not null default now())`,
  ...['request_id', 'user_id', 'action', 'resource_type', 'resource_id', 'created_at'].map(
    (column) => `create index ix_audit_logs_${column} on audit_logs (${column})`,
  ),
  `insert into audit_logs (request_id, user_id, action, resource_type, resource_id, old_values, new_values, endpoint, method,
     ip_address, created_at) values
     ('5f0c7f0e-7a55-4f1d-9c3e-1a2b3c4d5e6f', 1, 'create', 'vale', 1, null, '{"amount": 125.50, "b": [1]}', '/api/vales',
       'POST', '10.1.1.1', '2024-05-03 10:00:00'),
     ('5f0c7f0e-7a55-4f1d-9c3e-1a2b3c4d5e6f', null, 'adjust_stock', 'epp', null, '{"stock": 5}', '{"stock": 4}', null, null,
       null, '2024-05-03 10:00:01')`,
];
