import type { Migration } from '../src/database/index.ts';

/** For services whose own promise does not already make this table; keys are text, because not all are integers. */
export const migration: Migration = {
  why: 'Every change can be explained later, by rows that nobody changes.',

  async up({ dialect, run }) {
    const { ascii, autoId, instant, json, uuid } = dialect.types;
    await run(`
      create table audit_logs (
        id ${autoId},
        request_id ${uuid} not null,
        user_id varchar(191) null,
        action varchar(50) not null,
        resource_type varchar(50) not null,
        resource_id varchar(191) null,
        old_values ${json} null,
        new_values ${json} null,
        details ${json} null,
        endpoint varchar(255) null,
        method ${ascii(10)} null,
        ip_address ${ascii(50)} null,
        user_agent varchar(255) null,
        created_at ${instant} not null default ${dialect.now}
      )`);
    for (const columns of ['request_id', 'user_id', 'action', 'resource_type, resource_id', 'created_at']) {
      const name = columns.replaceAll(', ', '_');
      await run(`create index ix_audit_logs_${name} on audit_logs (${columns})`);
    }
    for (const statement of appendOnly[dialect.name]) await run(statement);
  },

  async down({ dialect, run }) {
    await run('drop table audit_logs');
    if (dialect.name === 'postgresql') await run('drop function audit_logs_append_only()');
  },
};

const refusal = 'audit_logs is append-only';

/** MySQL has no trigger on TRUNCATE: there the application's role must not have the right to it. */
const appendOnly = {
  postgresql: [
    `create function audit_logs_append_only() returns trigger language plpgsql as $$
     begin
       raise exception '${refusal}' using errcode = '23514', constraint = 'tr_audit_logs_append_only';
     end $$`,
    `create trigger tr_audit_logs_append_only before update or delete on audit_logs
       for each row execute function audit_logs_append_only()`,
    `create trigger tr_audit_logs_no_truncate before truncate on audit_logs
       for each statement execute function audit_logs_append_only()`,
  ],
  mysql: ['update', 'delete'].map(
    (verb) => `create trigger tr_audit_logs_no_${verb} before ${verb} on audit_logs
      for each row signal sqlstate '45000' set message_text = '${refusal}'`,
  ),
} as const;
