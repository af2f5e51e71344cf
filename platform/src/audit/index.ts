export { auditRow, type AuditEntry, type AuditRow, recordAudit } from './record.ts';
export { type AuditValues, changesOf, diffOf, type FieldChange, redact, type RedactionRules } from './redact.ts';
export {
  type AuditCount,
  type AuditFilter,
  type AuditRecord,
  type AuditStats,
  auditStats,
  resourceTimeline,
  searchAudit,
} from './search.ts';
