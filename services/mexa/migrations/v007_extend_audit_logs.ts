import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'An audit row is never changed, and says what program asked and what else there is to know.',

  async up({ run }) {
    await run('alter table audit_logs add column user_agent varchar(255), add column details jsonb');
    await run(`
      create function audit_logs_append_only() returns trigger language plpgsql as $$
      begin
        raise exception 'audit_logs is append-only' using errcode = '23514', constraint = 'tr_audit_logs_append_only';
      end $$`);
    await run(`
      create trigger tr_audit_logs_append_only before update or delete on audit_logs
        for each row execute function audit_logs_append_only()`);
    await run(`
      create trigger tr_audit_logs_no_truncate before truncate on audit_logs
        for each statement execute function audit_logs_append_only()`);
  },

  async down({ run }) {
    await run('drop trigger tr_audit_logs_no_truncate on audit_logs');
    await run('drop trigger tr_audit_logs_append_only on audit_logs');
    await run('drop function audit_logs_append_only()');
    await run('alter table audit_logs drop column user_agent, drop column details');
  },
};
