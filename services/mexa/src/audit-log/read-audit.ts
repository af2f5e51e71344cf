import { type AuditFilter, auditLogNotFound, type AuditValues, recordAudit, searchAudit } from '@quinta/platform/audit';
import { type Context, encodeCursor } from '@quinta/platform/kernel';
import type { Mexa } from '../app.ts';
import { type AuditLog, auditLogOf } from './audit-log.ts';

/** Reading the audit is a fact for the audit: who looked at what, written before anything is shown. */
export async function recordReading(
  app: Mexa,
  context: Context,
  action: 'read' | 'export',
  asked: object,
): Promise<void> {
  await app.database.transact((tx) =>
    recordAudit(tx, context, {
      action,
      resourceType: 'audit_log',
      resourceId: null,
      details: asked as AuditValues,
    }),
  );
}

/**
 * A row that is read with its proof.
 * @throws Problem audit_log_not_found
 */
export async function recordProofReading(app: Mexa, context: Context, id: number): Promise<void> {
  await findAuditLog(app, id);
  await recordReading(app, context, 'read', { id, proof: true });
}

/** One page of audit rows, newest first. */
export async function auditPage(
  app: Mexa,
  filter: AuditFilter,
  page: { readonly cursor: readonly (string | number)[] | undefined; readonly limit: number },
): Promise<{ readonly rows: AuditLog[]; readonly next: string | null }> {
  const beforeId = page.cursor === undefined ? undefined : Number(page.cursor[0]);
  const { rows, next } = await searchAudit(app.database, filter, { beforeId, limit: page.limit });
  return { rows: rows.map(auditLogOf), next: next === undefined ? null : encodeCursor([next]) };
}

/** @throws Problem audit_log_not_found */
export async function findAuditLog(app: Mexa, id: number): Promise<AuditLog> {
  const [row] = (await searchAudit(app.database, { id }, { limit: 1 })).rows;
  if (!row) throw auditLogNotFound({ id });
  return auditLogOf(row);
}
