import { type AuditEntry, type AuditFilter, recordAudit } from '@quinta/platform/audit';
import { csvLine } from '@quinta/platform/http';
import type { AuditChunk, AuditExport } from '@quinta/platform/service';
import type { Mexa } from '../app.ts';
import { operatorContext } from '../usuario/first-admin.ts';
import { type AuditLog, auditLogOutput } from './audit-log.ts';
import { everyAuditLog, recordReading } from './read-audit.ts';

const csvColumns = Object.keys(auditLogOutput.shape) as (keyof AuditLog)[];

/** `quinta audit export mexa` */
export async function* exportMexaAudit(app: Mexa, wanted: AuditExport): AsyncGenerator<AuditChunk> {
  const { format, ...filter } = wanted;
  await recordReading(app, operatorContext(app, 'audit_log.export'), 'export', wanted);
  yield* auditChunks(app, filter, format);
}

/** What `quinta audit` does is audited as well. */
export async function recordMexaDeed(app: Mexa, operation: string, entry: AuditEntry): Promise<void> {
  await app.database.transact((tx) => recordAudit(tx, operatorContext(app, operation), entry));
}

/** The rows of a filter as text, page by page while they are read. */
export async function* auditChunks(
  app: Mexa,
  filter: AuditFilter,
  format: AuditExport['format'],
): AsyncGenerator<AuditChunk> {
  if (format === 'csv') yield { rows: 0, text: csvLine(csvColumns) };
  for await (const rows of everyAuditLog(app, filter)) {
    const line = format === 'csv' ? csvRow : jsonRow;
    yield { rows: rows.length, text: rows.map(line).join('') };
  }
}

function csvRow(row: AuditLog): string {
  return csvLine(csvColumns.map((column) => row[column]));
}

function jsonRow(row: AuditLog): string {
  return `${JSON.stringify(row)}\n`;
}
