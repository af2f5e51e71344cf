import { auditProofProblems } from '@quinta/platform/audit';
import { platformProblems } from '@quinta/platform/http';
import { identityProblems } from '@quinta/platform/identity';
import { defineService } from '@quinta/platform/service';
import { exportMexaAudit, recordMexaDeed } from './audit-log/export-audit.ts';
import { auditLogRoutes } from './audit-log/audit-log-routes.ts';
import { authRoutes } from './auth/auth-routes.ts';
import { checkMexaConfig } from './check-config.ts';
import { issueMexaToken, seedMexa } from './demo.ts';
import { openMexa } from './open-mexa.ts';
import { mexaProblems } from './problems.ts';
import { mexaRoles } from './roles.ts';
import { rootRoutes } from './root-routes.ts';
import { type MexaConfig, mexaSettings } from './settings.ts';
import { usuarioRoutes } from './usuario/usuario-routes.ts';
import { valeRoutes } from './vale/vale-routes.ts';

export type { Mexa } from './app.ts';
export { createAdmin } from './usuario/first-admin.ts';

/** MEXA: vouchers with an audit trail that can be proved. */
export const mexa = defineService({
  face: {
    name: 'mexa',
    title: 'MEXA',
    summary: 'Vouchers (vales) that are drawn, redeemed or voided once, with an audit trail of every change.',
    version: '0.1.0',
  },
  defaultPort: 5_000,
  settings: mexaSettings,
  roles: mexaRoles,
  problems: [...platformProblems, ...identityProblems, ...auditProofProblems, ...mexaProblems].map(
    ({ definition }) => definition,
  ),
  migrations: {
    folder: new URL('../migrations/', import.meta.url),
    platform: ['p001_idempotency_keys', 'p002_refresh_families', 'p004_audit_proof'],
    versionTable: { name: 'alembic_version', column: 'version_num' },
    appendOnly: ['audit_logs', 'audit_checkpoints', 'audit_keys', 'audit_erasures'],
  },
  rootRoutes,
  apiRoutes: [...authRoutes, ...usuarioRoutes, ...valeRoutes, ...auditLogRoutes],
  // Earlier clients call /api without a version.
  apiPrefixes: ['/api/v1', '/api'],
  legacyMembers: ({ title, message }) => ({ error: title, message }),
  databaseUrlOf,
  // A missing or weak secret is said before a database is touched.
  checkConfig: checkMexaConfig,
  open: openMexa,
  exportAudit: exportMexaAudit,
  recordDeed: recordMexaDeed,
  personResource: 'usuario',
  seed: seedMexa,
  issueToken: issueMexaToken,
});

/**
 * `DATABASE_URL`, or the promised parts once a host is named; in production their defaults are the promised ones.
 * Otherwise undefined: the embedded database.
 */
function databaseUrlOf(config: MexaConfig, isProduction: boolean): string | undefined {
  if (config.DATABASE_URL !== undefined) return config.DATABASE_URL;
  if (config.DATABASE_HOST === undefined && !isProduction) return undefined;
  const { DATABASE_HOST: host = 'db', DATABASE_PORT: port, DATABASE_NAME: name } = config;
  const user = encodeURIComponent(config.DATABASE_USER);
  const password = encodeURIComponent(config.DATABASE_PASSWORD);
  // A folder is the place of a Unix socket.
  if (host.startsWith('/')) {
    return `postgresql://${user}:${password}@/${encodeURIComponent(name)}?host=${encodeURIComponent(host)}&port=${port}`;
  }
  return `postgresql://${user}:${password}@${host}:${port}/${encodeURIComponent(name)}`;
}
