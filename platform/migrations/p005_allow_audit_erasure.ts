import type { Migration } from '../src/database/index.ts';

/** For the table of p003. */
export const migration: Migration = {
  why: 'Personal data of an audit row can be erased while its proof stays valid; nothing else of it can change.',

  async up({ dialect, run }) {
    for (const statement of allowing[dialect.name]) await run(statement);
  },

  async down({ dialect, run }) {
    for (const statement of refusing[dialect.name]) await run(statement);
  },
};

const lasting = [
  'id',
  'request_id',
  'user_id',
  'action',
  'resource_type',
  'resource_id',
  'endpoint',
  'method',
  'created_at',
];
const origin = ['ip_address', 'user_agent'];
const values = ['old_values', 'new_values', 'details'];
const refusal = 'audit_logs is append-only';

const allOf = (columns: readonly string[], say: (column: string) => string): string => columns.map(say).join(' and ');
const isNull = (column: string): string => `new.${column} is null`;
const wasErased = (part: string): string =>
  `exists (select 1 from audit_erasures e where e.audit_id = old.id and e.part = '${part}')`;

/** Whether an update does nothing but empty what has been erased; `same` says that a column stays as it is. */
function isErasure(same: (column: string) => string): string {
  return `${allOf(lasting, same)}
    and ((${allOf(origin, same)}) or (${allOf(origin, isNull)} and ${wasErased('origin')}))
    and ((${allOf(values, same)}) or (${allOf(values, isNull)} and ${wasErased('values')}))`;
}

const raising = `raise exception '${refusal}' using errcode = '23514', constraint = 'tr_audit_logs_append_only';`;
const signalling = `signal sqlstate '45000' set message_text = '${refusal}'`;
const postgresqlFunction = (body: string): string =>
  `create or replace function audit_logs_append_only() returns trigger language plpgsql as $$ begin ${body} end $$`;
const mysqlTrigger = (body: string): string =>
  `create trigger tr_audit_logs_no_update before update on audit_logs for each row ${body}`;

const allowing = {
  postgresql: [
    postgresqlFunction(`
      if tg_op = 'UPDATE' then
        if ${isErasure((column) => `new.${column} is not distinct from old.${column}`)} then return new; end if;
      end if;
      ${raising}`),
  ],
  mysql: [
    'drop trigger tr_audit_logs_no_update',
    mysqlTrigger(
      `begin if not (${isErasure((column) => `new.${column} <=> old.${column}`)}) then ${signalling}; end if; end`,
    ),
  ],
} as const;

const refusing = {
  postgresql: [postgresqlFunction(raising)],
  mysql: ['drop trigger tr_audit_logs_no_update', mysqlTrigger(signalling)],
} as const;
