import {
  auditChunks,
  type AuditEntry,
  type AuditFilter,
  type AuditLog,
  auditLogNotFound,
  auditLogOf,
  auditLogOutput,
  type AuditShape,
  type AuditValues,
  recordAudit,
  searchAudit,
} from '@quinta/platform/audit';
import { type Context, operatorContext } from '@quinta/platform/kernel';
import type { AuditChunk, AuditExport } from '@quinta/platform/service';
import type { MoveAcces } from '../app.ts';

const shape: AuditShape<AuditLog> = {
  columns: Object.keys(auditLogOutput.shape) as (keyof AuditLog)[],
  rowOf: auditLogOf,
};

/** A page of audit rows, newest first; that they were read is audited before they are shown. */
export async function auditPage(
  app: MoveAcces,
  context: Context,
  asked: { readonly filter: AuditFilter; readonly beforeId: number | undefined; readonly limit: number },
): Promise<{ readonly rows: AuditLog[]; readonly next: number | undefined }> {
  await recordReading(app, context, 'read', asked.filter as AuditValues);
  const { rows, next } = await searchAudit(app.database, asked.filter, asked);
  return { rows: rows.map(auditLogOf), next };
}

/**
 * A row that is read with its proof.
 * @throws Problem audit_log_not_found
 */
export async function recordProofReading(app: MoveAcces, context: Context, id: number): Promise<void> {
  const found = await searchAudit(app.database, { id }, { limit: 1 });
  if (found.rows.length === 0) throw auditLogNotFound({ id });
  await recordReading(app, context, 'read', { id, proof: true });
}

/** `quinta audit export move-acces` */
export async function* exportMoveAccesAudit(app: MoveAcces, wanted: AuditExport): AsyncGenerator<AuditChunk> {
  await recordReading(app, operatorContext(app, 'audit_log.export'), 'export', { ...wanted });
  yield* auditChunks(app.database, wanted, shape);
}

/** What `quinta audit` does is audited as well. */
export async function recordMoveAccesDeed(app: MoveAcces, operation: string, entry: AuditEntry): Promise<void> {
  await app.database.transact((tx) => recordAudit(tx, operatorContext(app, operation), entry));
}

async function recordReading(
  app: MoveAcces,
  context: Context,
  action: 'read' | 'export',
  details: AuditValues,
): Promise<void> {
  await app.database.transact((tx) =>
    recordAudit(tx, context, { action, resourceType: 'audit_log', resourceId: null, details }),
  );
}
