export { auditBundle, type BundlePart } from './bundle.ts';
export { type Erasure, eraseFromAudit } from './erase.ts';
export { auditChunks, type AuditShape } from './export-rows.ts';
export { type AuditLedger, ledgerOrigin, openAuditLedger, type SealLag } from './ledger.ts';
export { auditProofRoutes, inclusionBody } from './proof-routes.ts';
export { auditLogNotFound, auditProofProblems } from './prove.ts';
export { currentHash, readSealed } from './sealed-rows.ts';
export {
  type AuditedApp,
  auditPage,
  auditPageOutput,
  auditSearchQuery,
  exportAuditRows,
  recordAuditDeed,
  recordProofReading,
  recordRefusal,
} from './reading.ts';
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
export { type AuditLog, auditLogOf, auditLogOutput } from './shown.ts';
export { fileSink, notesIn, type Sink, webhookSink } from './ship.ts';
export { type AuditFault, type AuditVerdict, verifyAudit } from './verify.ts';
export { erasureAction } from './verify-rest.ts';
