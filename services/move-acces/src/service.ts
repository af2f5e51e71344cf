import { auditProofProblems, exportAuditRows, recordAuditDeed } from '@quinta/platform/audit';
import { platformProblems } from '@quinta/platform/http';
import { identityProblems } from '@quinta/platform/identity';
import { defineService } from '@quinta/platform/service';
import { abonnementRoutes } from './abonnement/abonnement-routes.ts';
import { accessRoutes } from './access/access-routes.ts';
import { adminRoutes } from './admin/admin-routes.ts';
import { authRoutes } from './auth/auth-routes.ts';
import { checkMoveAccesConfig } from './check-config.ts';
import { issueMoveAccesToken, seedMoveAcces } from './demo.ts';
import { legacyTables } from './legacy/columns.ts';
import { standInTables } from './legacy/stand-in.ts';
import { withApiLimit } from './limits.ts';
import { memberRoutes } from './member/member-routes.ts';
import { openMoveAcces } from './open-move-acces.ts';
import { moveAccesProblems } from './problems.ts';
import { moveAccesRoles } from './roles.ts';
import { rootRoutes } from './root-routes.ts';
import { moveAccesSettings } from './settings.ts';
import { socketRoutes, ticketRoutes } from './socket/socket-routes.ts';

export type { MoveAcces } from './app.ts';
export { giveRole } from './auth/give-role.ts';

/** Move Acces: members' access, on tables that belong to another system. */
export const moveAcces = defineService({
  face: {
    name: 'move-acces',
    title: 'Move Acces',
    summary: 'Sign-in, sessions and subscriptions of members, on tables that belong to another system.',
    version: '0.1.0',
  },
  defaultPort: 8_000,
  settings: moveAccesSettings,
  roles: moveAccesRoles,
  problems: [...platformProblems, ...identityProblems, ...auditProofProblems, ...moveAccesProblems].map(
    ({ definition }) => definition,
  ),
  migrations: {
    folder: new URL('../migrations/', import.meta.url),
    platform: ['p002_refresh_families', 'p003_audit_logs', 'p004_audit_proof', 'p005_allow_audit_erasure'],
    appendOnly: ['audit_logs', 'audit_checkpoints', 'audit_keys', 'audit_erasures'],
    protectedTables: legacyTables,
    standIn: standInTables,
  },
  rootRoutes,
  apiRoutes: withApiLimit([
    ...authRoutes,
    ...memberRoutes,
    ...abonnementRoutes,
    ...accessRoutes,
    ...ticketRoutes,
    ...adminRoutes,
  ]),
  apiPrefixes: [''],
  socketRoutes,
  databaseUrlOf: ({ DB_URL: url, DATABASE_URL: ours }) => ours ?? url,
  // A missing or weak secret is said before a database is touched.
  checkConfig: checkMoveAccesConfig,
  open: openMoveAcces,
  exportAudit: exportAuditRows,
  recordDeed: recordAuditDeed,
  personResource: 'user',
  seed: seedMoveAcces,
  issueToken: issueMoveAccesToken,
});
