import { auditChunks, type AuditEntry, type AuditShape, recordAudit } from '@quinta/platform/audit';
import { operatorContext } from '@quinta/platform/kernel';
import type { AuditChunk, AuditExport } from '@quinta/platform/service';
import type { Mexa } from '../app.ts';
import { type AuditLog, auditLogOf, auditLogOutput } from './audit-log.ts';
import { recordReading } from './read-audit.ts';

/** An exported row is what the API shows of it. */
export const auditShape: AuditShape<AuditLog> = {
  columns: Object.keys(auditLogOutput.shape) as (keyof AuditLog)[],
  rowOf: auditLogOf,
};

/** `quinta audit export mexa` */
export async function* exportMexaAudit(app: Mexa, wanted: AuditExport): AsyncGenerator<AuditChunk> {
  await recordReading(app, operatorContext(app, 'audit_log.export'), 'export', wanted);
  yield* auditChunks(app.database, wanted, auditShape);
}

/** What `quinta audit` does is audited as well. */
export async function recordMexaDeed(app: Mexa, operation: string, entry: AuditEntry): Promise<void> {
  await app.database.transact((tx) => recordAudit(tx, operatorContext(app, operation), entry));
}
