import { type AuditRecord, auditLogOf as auditLogWithTextKeys, auditLogOutput as shown } from '@quinta/platform/audit';
import { z } from 'zod';

/** An audit row as clients read it: the keys of MEXA's resources are integers. */
export const auditLogOutput = shown.extend({ resource_id: z.int().nullable() });

export type AuditLog = z.output<typeof auditLogOutput>;

export function auditLogOf(record: AuditRecord): AuditLog {
  const { resource_id: id } = record;
  return { ...auditLogWithTextKeys(record), resource_id: id === null ? null : Number(id) };
}
