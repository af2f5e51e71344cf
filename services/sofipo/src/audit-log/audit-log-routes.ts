import {
  auditPage,
  auditPageOutput,
  auditProofRoutes,
  auditSearchQuery,
  recordProofReading,
} from '@quinta/platform/audit';
import { type Route, routesOf } from '@quinta/platform/http';
import type { Sofipo } from '../app.ts';

const { route } = routesOf<Sofipo>();

export const auditLogRoutes: readonly Route<Sofipo>[] = [
  route({
    method: 'GET',
    path: '/audit/logs',
    operation: 'audit_log.search',
    summary: 'Audit rows, newest first',
    tag: 'audit',
    query: auditSearchQuery,
    replies: { 200: auditPageOutput },
    handle: async ({ app, context, query }) => ({ status: 200, body: await auditPage(app, context, query) }),
  }),
  ...auditProofRoutes<Sofipo>({ ledgerOf: ({ ledger }) => ledger, recordReading: recordProofReading }),
];
