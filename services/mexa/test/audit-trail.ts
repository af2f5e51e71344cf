import type { AuditLog } from '../src/audit-log/audit-log.ts';
import type { MexaWorld } from './mexa-world.ts';
import { sql } from './sql.ts';

/** The audit rows of one request as the table holds them, oldest first. */
export function auditOf({ owner }: MexaWorld, requestId: string): Promise<readonly AuditLog[]> {
  return sql<AuditLog>(owner, 'select * from audit_logs where request_id = $1 order by id', [requestId]);
}

/** The audit rows of one resource, oldest first. */
export function auditOfResource({ owner }: MexaWorld, type: string, id: number): Promise<readonly AuditLog[]> {
  return sql<AuditLog>(owner, 'select * from audit_logs where resource_type = $1 and resource_id = $2 order by id', [
    type,
    id,
  ]);
}
