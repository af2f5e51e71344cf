import { queryBuilder, type Tx, writeLaterOn } from '../database/index.ts';
import type { Context } from '../kernel/index.ts';
import type { AuditValues } from './redact.ts';

/** One fact for the audit: what was done to which resource. The values are redacted already. */
export interface AuditEntry {
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string | number | null;
  readonly oldValues?: AuditValues;
  readonly newValues?: AuditValues;
  readonly details?: AuditValues;
  /** Who did it, where that is not the caller of the request: a sign-in that just succeeded. */
  readonly userId?: string | number;
}

/** A row of `audit_logs` without its key; `user_id` and `resource_id` are of the type that the service's table has. */
export interface AuditRow {
  readonly request_id: string;
  readonly user_id: string | number | null;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: string | number | null;
  readonly old_values: string | null;
  readonly new_values: string | null;
  readonly details: string | null;
  readonly endpoint: string;
  readonly method: string;
  readonly ip_address: string;
  readonly user_agent: string;
}

interface AuditTables {
  readonly audit_logs: AuditRow;
}

/** The row of one entry: the request's circumstances and what was done. */
export function auditRow(context: Context, entry: AuditEntry): AuditRow {
  return {
    request_id: context.requestId,
    user_id: entry.userId ?? context.actor?.id ?? null,
    action: entry.action,
    resource_type: entry.resourceType,
    resource_id: entry.resourceId,
    old_values: json(entry.oldValues),
    new_values: json(entry.newValues),
    details: json(entry.details),
    endpoint: context.endpoint,
    method: context.method,
    ip_address: context.client.address,
    user_agent: context.client.userAgent,
  };
}

function json(values: AuditValues | undefined): string | null {
  return values ? JSON.stringify(values) : null;
}

/** One row, which is what nearly every change writes: its statement is made once, not each time. */
const insertRow = writeLaterOn<AuditRow & Readonly<Record<string, unknown>>>(
  'audit.record',
  () => `
    insert into audit_logs (request_id, user_id, action, resource_type, resource_id, old_values, new_values, details,
        endpoint, method, ip_address, user_agent)
    values (:request_id, :user_id, :action, :resource_type, :resource_id, :old_values, :new_values, :details,
        :endpoint, :method, :ip_address, :user_agent)`,
);

/**
 * Writes audit rows in the transaction of what they tell of: both are kept, or neither. A single one is sent with what
 * follows it.
 */
export async function recordAudit(tx: Tx, context: Context, ...entries: readonly AuditEntry[]): Promise<void> {
  const [first, ...others] = entries;
  if (!first) return;
  if (others.length === 0) {
    insertRow(tx, { ...auditRow(context, first) });
    return;
  }
  await queryBuilder<AuditTables>(tx)
    .insertInto('audit_logs')
    .values(entries.map((entry) => auditRow(context, entry)))
    .execute();
}
