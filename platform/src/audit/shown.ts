import { z } from 'zod';
import type { AuditRecord } from './search.ts';

const valuesOutput = z.record(z.string(), z.unknown()).nullable();

/** An audit row as clients read it. A service whose resources have integers for keys narrows `resource_id`. */
export const auditLogOutput = z.object({
  id: z.int(),
  request_id: z.guid(),
  user_id: z.int().nullable(),
  action: z.string(),
  resource_type: z.string(),
  resource_id: z.string().nullable(),
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

export function auditLogOf(record: AuditRecord): AuditLog {
  const { created_at: createdAt, user_id: userId, resource_id: resourceId, ...rest } = record;
  return {
    ...rest,
    user_id: userId === null ? null : Number(userId),
    resource_id: resourceId === null ? null : String(resourceId),
    created_at: createdAt.toISOString(),
  };
}
