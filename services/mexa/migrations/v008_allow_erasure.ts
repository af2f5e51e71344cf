import type { Migration } from '@quinta/platform/database';

export const migration: Migration = {
  why: 'Personal data of an audit row can be erased while its proof stays valid; nothing else of it can change.',

  async up({ run }) {
    await run(`
      create or replace function audit_logs_append_only() returns trigger language plpgsql as $$
      begin
        if tg_op = 'UPDATE' then
          if (new.id, new.request_id, new.user_id, new.action, new.resource_type, new.resource_id, new.endpoint,
              new.method, new.created_at)
             is not distinct from
             (old.id, old.request_id, old.user_id, old.action, old.resource_type, old.resource_id, old.endpoint,
              old.method, old.created_at)
             and (
               (new.ip_address, new.user_agent) is not distinct from (old.ip_address, old.user_agent)
               or (new.ip_address is null and new.user_agent is null
                   and exists (select from audit_erasures e where e.audit_id = old.id and e.part = 'origin')))
             and (
               (new.old_values::text, new.new_values::text, new.details)
               is not distinct from (old.old_values::text, old.new_values::text, old.details)
               or (new.old_values is null and new.new_values is null and new.details is null
                   and exists (select from audit_erasures e where e.audit_id = old.id and e.part = 'values')))
          then
            return new;
          end if;
        end if;
        raise exception 'audit_logs is append-only' using errcode = '23514', constraint = 'tr_audit_logs_append_only';
      end $$`);
  },

  async down({ run }) {
    await run(`
      create or replace function audit_logs_append_only() returns trigger language plpgsql as $$
      begin
        raise exception 'audit_logs is append-only' using errcode = '23514', constraint = 'tr_audit_logs_append_only';
      end $$`);
  },
};
