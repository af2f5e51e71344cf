import type { Migration } from '@quinta/platform/database';
import { missingColumns } from '../src/earlier-schema.ts';

const indexed = ['request_id', 'user_id', 'action', 'resource_type', 'resource_id', 'created_at'];

export const migration: Migration = {
  why: 'Every change can be explained later: who did what to which resource, when and from where.',

  async up({ run }) {
    await run(`
      create table audit_logs (
        id serial primary key,
        request_id uuid not null,
        user_id integer constraint audit_logs_user_id_fkey references usuarios (id),
        action varchar(50) not null,
        resource_type varchar(50) not null,
        resource_id integer,
        old_values json,
        new_values json,
        endpoint varchar(255),
        method varchar(10),
        ip_address varchar(50),
        created_at timestamp not null default now()
      )`);
    for (const column of indexed) await run(`create index ix_audit_logs_${column} on audit_logs (${column})`);
  },

  async down({ run }) {
    await run('drop table audit_logs');
  },

  async verify(runner) {
    return missingColumns(runner, 'audit_logs', {
      id: 'integer',
      request_id: 'uuid',
      user_id: 'integer',
      action: 'character varying(50)',
      resource_type: 'character varying(50)',
      resource_id: 'integer',
      old_values: 'json',
      new_values: 'json',
      endpoint: 'character varying(255)',
      method: 'character varying(10)',
      ip_address: 'character varying(50)',
      created_at: 'timestamp without time zone',
    });
  },
};
