import { auditProofProblems, exportAuditRows, recordAuditDeed } from '@quinta/platform/audit';
import { platformProblems } from '@quinta/platform/http';
import { identityProblems } from '@quinta/platform/identity';
import { amqpUrlOf } from '@quinta/platform/messaging';
import { defineService } from '@quinta/platform/service';
import { databaseUrlOf, replicaUrlOf } from './addresses.ts';
import type { Sofipo } from './app.ts';
import { auditLogRoutes } from './audit-log/audit-log-routes.ts';
import { authRoutes } from './auth/auth-routes.ts';
import { checkSofipoConfig } from './check-config.ts';
import { closeDaysAsJob } from './close/close-job.ts';
import { clientRoutes } from './client/client-routes.ts';
import { issueSofipoToken, seedSofipo } from './demo.ts';
import { eventsExchange, eventsQueue } from './events/domain-events.ts';
import { eventRoutes } from './events/event-routes.ts';
import { keepEvents } from './events/keep-events.ts';
import { ledgerRoutes } from './ledger/ledger-routes.ts';
import { loanChangeRoutes } from './loan/loan-change-routes.ts';
import { loanRoutes } from './loan/loan-routes.ts';
import { openSofipo } from './open-sofipo.ts';
import { paymentRoutes } from './payment/payment-routes.ts';
import { productRoutes } from './product/product-routes.ts';
import { sofipoProblems } from './problems.ts';
import { reportRoutes } from './report/report-routes.ts';
import { sofipoRoles } from './roles.ts';
import { rootRoutes } from './root-routes.ts';
import { type SofipoConfig, sofipoSettings } from './settings.ts';

export type { Sofipo } from './app.ts';
export { closeDays } from './close/close-days.ts';
export { parseCalendarDate } from './engine/index.ts';
export { rebuildEvents } from './events/rebuild-events.ts';
export { ledgerFaults } from './ledger/ledger-store.ts';

/** SOFIPO: loans to the cent, with double entry beneath and events that are never lost. */
export const sofipo = defineService({
  face: {
    name: 'sofipo',
    title: 'SOFIPO',
    summary: 'Clients, loans and payments of a popular finance company, to the cent.',
    version: '0.1.0',
  },
  defaultPort: 8_000,
  settings: sofipoSettings,
  roles: sofipoRoles,
  problems: [...platformProblems, ...identityProblems, ...auditProofProblems, ...sofipoProblems].map(
    ({ definition }) => definition,
  ),
  migrations: {
    folder: new URL('../migrations/', import.meta.url),
    platform: [
      'p001_idempotency_keys',
      'p002_refresh_families',
      'p003_audit_logs',
      'p004_audit_proof',
      'p005_allow_audit_erasure',
      'p006_outbox',
      'p007_message_queues',
      'p008_jobs',
      'p009_documents',
    ],
    appendOnly: [
      'audit_logs',
      'audit_checkpoints',
      'audit_keys',
      'audit_erasures',
      'products',
      'loan_events',
      'entries',
      'postings',
    ],
  },
  rootRoutes,
  apiRoutes: [
    ...authRoutes,
    ...clientRoutes,
    ...productRoutes,
    ...loanRoutes,
    ...loanChangeRoutes,
    ...paymentRoutes,
    ...ledgerRoutes,
    ...reportRoutes,
    ...eventRoutes,
    ...auditLogRoutes,
  ],
  apiPrefixes: ['/api/v1'],
  databaseUrlOf,
  replicaUrlOf,
  messaging: {
    exchange: eventsExchange,
    subscriptions: [
      {
        queue: eventsQueue,
        bindings: ['sofipo.#'],
        prefetch: 100,
        handle: ({ documents }: Sofipo, messages) => keepEvents(documents, messages),
      },
    ],
    jobs: [{ kind: 'close_day', run: closeDaysAsJob }],
    // Every hour, because the day ends in the zone of SOFIPO_TIME_ZONE, and a process may have been away at midnight.
    schedules: [{ name: 'close-day', timing: { everyMs: 3_600_000 }, kind: 'close_day', catchUp: 'latest' }],
    brokerUrlOf,
  },
  // A missing or weak secret is said before a database is touched.
  checkConfig: checkSofipoConfig,
  open: openSofipo,
  exportAudit: (app: Sofipo, wanted) => exportAuditRows(app, wanted),
  recordDeed: (app: Sofipo, operation, entry) => recordAuditDeed(app, operation, entry),
  personResource: 'client',
  seed: seedSofipo,
  issueToken: issueSofipoToken,
});

/** `RABBITMQ_URL`, or its parts once a host is named. Otherwise undefined: events stay in the database. */
function brokerUrlOf(config: SofipoConfig): string | undefined {
  const { RABBITMQ_HOST: host, RABBITMQ_PORT: port } = config;
  if (config.RABBITMQ_URL !== undefined || host === undefined) return config.RABBITMQ_URL;
  const { RABBITMQ_DEFAULT_USER: user, RABBITMQ_DEFAULT_PASS: password } = config;
  return amqpUrlOf({ host, port, user, password });
}
