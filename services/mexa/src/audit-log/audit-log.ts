import type { AuditRecord } from '@quinta/platform/audit';
import { z } from 'zod';

const valuesOutput = z.record(z.string(), z.unknown()).nullable();

/** An audit row as clients read it. */
export const auditLogOutput = z.object({
  id: z.int(),
  request_id: z.guid(),
  user_id: z.int().nullable(),
  action: z.string(),
  resource_type: z.string(),
  resource_id: z.int().nullable(),
  old_values: valuesOutput,
  new_values: valuesOutput,
  details: valuesOutput,
  endpoint: z.string().nullable(),
  method: z.string().nullable(),
  ip_address: z.string().nullable(),
  user_agent: z.string().nullable(),
  created_at: z.iso.datetime(),
});

export type AuditLog = z.output<typeof auditLogOutput>;

export function auditLogOf(row: AuditRecord): AuditLog {
  const { created_at: createdAt, user_id: userId, resource_id: resourceId, ...rest } = row;
  return {
    ...rest,
    user_id: userId === null ? null : Number(userId),
    resource_id: resourceId === null ? null : Number(resourceId),
    created_at: createdAt.toISOString(),
  };
}
