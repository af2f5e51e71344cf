export { auditRow, type AuditEntry, type AuditRow, recordAudit } from './record.ts';
export { type AuditValues, changesOf, diffOf, type FieldChange, redact, type RedactionRules } from './redact.ts';
