import { z } from 'zod';
import type { Database } from '../database/index.ts';
import { cursorParameter, idParameter, instantParameter, limitParameter, plainText } from '../http/index.ts';
import { type Clock, type Context, encodeCursor, type Log, operatorContext } from '../kernel/index.ts';
import { auditChunks, type AuditShape } from './export-rows.ts';
import { auditLogNotFound } from './prove.ts';
import { type AuditEntry, recordAudit } from './record.ts';
import type { AuditValues } from './redact.ts';
import { type AuditFilter, searchAudit } from './search.ts';
import { type AuditLog, auditLogOf, auditLogOutput } from './shown.ts';

/** What reading an audit stands on; each service's app is such. */
export interface AuditedApp {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

const word = (max: number) => plainText({ min: 1, max }).optional();

/** How a search of the audit is asked for. */
export const auditSearchQuery = z.strictObject({
  user_id: idParameter.optional(),
  action: word(50),
  resource_type: word(50),
  resource_id: word(191),
  ip_address: z
    .string()
    .regex(/^[0-9A-Fa-f:.]{1,50}$/, { error: 'Expected an IP address' })
    .optional(),
  request_id: z.guid().optional(),
  from: instantParameter.optional(),
  to: instantParameter.optional(),
  limit: limitParameter(100, 1_000),
  cursor: cursorParameter('id'),
});

/** A page of it, newest first. */
export const auditPageOutput = z.object({
  audit_logs: z.array(auditLogOutput),
  count: z.int(),
  next: z.string().nullable(),
});

/** A page of audit rows; that they were read is audited before they are shown. */
export async function auditPage(
  app: AuditedApp,
  context: Context,
  { limit, cursor, ...query }: z.output<typeof auditSearchQuery>,
): Promise<z.output<typeof auditPageOutput>> {
  const filter: AuditFilter = {
    userId: query.user_id === undefined ? undefined : String(query.user_id),
    action: query.action,
    resourceType: query.resource_type,
    resourceId: query.resource_id,
    address: query.ip_address,
    requestId: query.request_id,
    from: query.from,
    to: query.to,
  };
  await recordReading(app, context, 'read', filter as AuditValues);
  const beforeId = cursor === undefined ? undefined : Number(cursor[0]);
  const { rows, next } = await searchAudit(app.database, filter, { beforeId, limit });
  return {
    audit_logs: rows.map(auditLogOf),
    count: rows.length,
    next: next === undefined ? null : encodeCursor([next]),
  };
}

/**
 * A row that is read with its proof.
 * @throws Problem audit_log_not_found
 */
export async function recordProofReading(app: AuditedApp, context: Context, id: number): Promise<void> {
  const found = await searchAudit(app.database, { id }, { limit: 1 });
  if (found.rows.length === 0) throw auditLogNotFound({ id });
  await recordReading(app, context, 'read', { id, proof: true });
}

/** `quinta audit export`: rows as text, once it is audited that they are read. */
export async function* exportAuditRows(
  app: AuditedApp,
  wanted: AuditFilter & { readonly format: 'csv' | 'jsonl' },
): AsyncGenerator<{ readonly rows: number; readonly text: string }> {
  await recordReading(app, operatorContext(app, 'audit_log.export'), 'export', { ...wanted });
  yield* auditChunks(app.database, wanted, shape);
}

/** What `quinta audit` does is audited as well. */
export async function recordAuditDeed(app: AuditedApp, operation: string, entry: AuditEntry): Promise<void> {
  await app.database.transact((tx) => recordAudit(tx, operatorContext(app, operation), entry));
}

/** Who asked for what they may not have is a fact for the audit, written before they hear of it. */
export async function recordRefusal(app: AuditedApp, context: Context, permission: string): Promise<void> {
  await app.database.transact((tx) =>
    recordAudit(tx, context, {
      action: 'refused',
      resourceType: 'permission',
      resourceId: null,
      details: { permission },
    }),
  );
}

const shape: AuditShape<AuditLog> = {
  columns: Object.keys(auditLogOutput.shape) as (keyof AuditLog)[],
  rowOf: auditLogOf,
};

async function recordReading(
  app: AuditedApp,
  context: Context,
  action: 'read' | 'export',
  details: AuditValues,
): Promise<void> {
  await app.database.transact((tx) =>
    recordAudit(tx, context, { action, resourceType: 'audit_log', resourceId: null, details }),
  );
}
