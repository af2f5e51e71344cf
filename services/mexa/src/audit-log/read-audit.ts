import { type AuditFilter, type AuditValues, recordAudit, searchAudit } from '@quinta/platform/audit';
import { type Context, pageOf } from '@quinta/platform/kernel';
import type { Mexa } from '../app.ts';
import { auditLogNotFound } from '../problems.ts';
import { type AuditLog, auditLogOf } from './audit-log.ts';

const exportPageSize = 1_000;

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

/** One page of audit rows, newest first. */
export async function auditPage(
  app: Mexa,
  filter: AuditFilter,
  page: { readonly cursor: readonly (string | number)[] | undefined; readonly limit: number },
): Promise<{ readonly rows: AuditLog[]; readonly next: string | null }> {
  const beforeId = page.cursor === undefined ? undefined : Number(page.cursor[0]);
  const found = await searchAudit(app.database, filter, { beforeId, limit: page.limit + 1 });
  const { items, next } = pageOf(found, page.limit, (row) => [row.id]);
  return { rows: items.map(auditLogOf), next };
}

/** @throws Problem audit_log_not_found */
export async function findAuditLog(app: Mexa, id: number): Promise<AuditLog> {
  const [row] = await searchAudit(app.database, { id }, { limit: 1 });
  if (!row) throw auditLogNotFound({ id });
  return auditLogOf(row);
}

/** All rows of a filter, read page by page while they are sent. */
export async function* everyAuditLog(app: Mexa, filter: AuditFilter): AsyncGenerator<AuditLog[]> {
  for (let beforeId: number | undefined; ;) {
    const found = await searchAudit(app.database, filter, { beforeId, limit: exportPageSize });
    if (found.length > 0) yield found.map(auditLogOf);
    beforeId = found.at(-1)?.id;
    if (found.length < exportPageSize) return;
  }
}
