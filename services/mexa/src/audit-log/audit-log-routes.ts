import { auditChunks, type AuditCount, type AuditFilter, auditProofRoutes, auditStats } from '@quinta/platform/audit';
import {
  cursorParameter,
  idParameter,
  idParams,
  instantParameter,
  limitParameter,
  plainText,
  type Route,
  routesOf,
} from '@quinta/platform/http';
import type { AuditChunk } from '@quinta/platform/service';
import { z } from 'zod';
import type { Mexa } from '../app.ts';
import { auditLogOutput } from './audit-log.ts';
import { auditShape } from './export-audit.ts';
import { auditPage, findAuditLog, recordProofReading, recordReading } from './read-audit.ts';

const { route } = routesOf<Mexa>();
const tag = 'audit-logs';
const word = (max: number) => plainText({ min: 1, max }).optional();

const filterShape = {
  request_id: z.guid().optional(),
  user_id: idParameter.optional(),
  action: word(50),
  resource_type: word(50),
  resource_id: idParameter.optional(),
  endpoint: word(255),
  method: word(10),
  ip_address: word(50),
  user_agent: word(255),
  from: instantParameter.optional(),
  to: instantParameter.optional(),
};

const filterQuery = z.strictObject(filterShape);
type FilterQuery = z.output<typeof filterQuery>;

const pageOutput = z.object({
  audit_logs: z.array(auditLogOutput),
  count: z.int(),
  limit: z.int(),
  next: z.string().nullable(),
});

const counts = (key: string) => z.array(z.object({ [key]: z.union([z.string(), z.int()]).nullable(), count: z.int() }));

const statsOutput = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  total: z.int(),
  by_action: counts('action'),
  by_resource: counts('resource_type'),
  by_user: counts('user_id'),
  by_ip_address: counts('ip_address'),
  failed_logins_by_hour: counts('hour'),
  failed_logins_by_ip_address: counts('ip_address'),
});

const statsWindowMs = 30 * 86_400_000;
/** The first instant that a request can name; before it databases and ISO texts go different ways. */
const earliestMs = Date.parse('0001-01-01T00:00:00Z');

export const auditLogRoutes: readonly Route<Mexa>[] = [
  route({
    method: 'GET',
    path: '/audit-logs',
    operation: 'audit_log.search',
    summary: 'Audit rows, newest first',
    tag,
    query: z.strictObject({ ...filterShape, limit: limitParameter(100, 1_000), cursor: cursorParameter('id') }),
    replies: { 200: pageOutput },
    handle: async ({ app, context, query: { limit, cursor, ...filter } }) => {
      await recordReading(app, context, 'read', filter);
      const { rows, next } = await auditPage(app, filterOf(filter), { limit, cursor });
      return { status: 200, body: { audit_logs: rows, count: rows.length, limit, next } };
    },
  }),
  route({
    method: 'GET',
    path: '/audit-logs/stats',
    operation: 'audit_log.stats',
    summary: 'Counts by action, resource, user and address, and failed sign-ins by hour; default the last 30 days',
    tag,
    query: z.strictObject({ from: instantParameter.optional(), to: instantParameter.optional() }),
    replies: { 200: statsOutput },
    handle: async ({ app, context, query }) => {
      const to = query.to ?? context.clock.now();
      const from = query.from ?? new Date(Math.max(to.getTime() - statsWindowMs, earliestMs));
      await recordReading(app, context, 'read', { stats: { from, to } });
      const stats = await auditStats(app.database, { from, to });
      const body = {
        from: from.toISOString(),
        to: to.toISOString(),
        total: stats.total,
        by_action: named('action', stats.byAction),
        by_resource: named('resource_type', stats.byResource),
        by_user: named('user_id', stats.byUser),
        by_ip_address: named('ip_address', stats.byAddress),
        failed_logins_by_hour: named('hour', stats.failedSignInsByHour),
        failed_logins_by_ip_address: named('ip_address', stats.failedSignInsByAddress),
      };
      return { status: 200, body };
    },
  }),
  route({
    method: 'GET',
    path: '/audit-logs/export',
    operation: 'audit_log.export',
    summary: 'All audit rows of a filter as CSV or as JSON lines, newest first',
    tag,
    query: z.strictObject({ ...filterShape, format: z.enum(['csv', 'jsonl']).default('jsonl') }),
    replies: { 200: null },
    streams: ['text/csv', 'application/jsonl'],
    handle: async ({ app, context, query: { format, ...filter } }) => {
      await recordReading(app, context, 'export', { format, ...filter });
      const stream = textOf(auditChunks(app.database, { ...filterOf(filter), format }, auditShape));
      const contentType = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl';
      return { status: 200, stream, contentType, fileName: `audit-logs.${format}` };
    },
  }),
  ...auditProofRoutes<Mexa>({ ledgerOf: ({ ledger }) => ledger, recordReading: recordProofReading }),
  route({
    method: 'GET',
    path: '/audit-logs/request/:request_id',
    operation: 'audit_log.by_request',
    summary: 'What one request did, at most 1,000 rows a page',
    tag,
    params: z.object({ request_id: z.guid() }),
    query: z.strictObject({ limit: limitParameter(1_000, 1_000), cursor: cursorParameter('id') }),
    replies: { 200: pageOutput },
    handle: async ({ app, context, params, query: { limit, cursor } }) => {
      await recordReading(app, context, 'read', params);
      const { rows, next } = await auditPage(app, { requestId: params.request_id }, { limit, cursor });
      return { status: 200, body: { audit_logs: rows, count: rows.length, limit, next } };
    },
  }),
  route({
    method: 'GET',
    path: '/audit-logs/:id',
    operation: 'audit_log.find',
    summary: 'One audit row',
    tag,
    params: idParams,
    replies: { 200: auditLogOutput },
    problems: ['audit_log_not_found'],
    handle: async ({ app, context, params }) => {
      const row = await findAuditLog(app, params.id);
      await recordReading(app, context, 'read', params);
      return { status: 200, body: row };
    },
  }),
];

function filterOf(query: FilterQuery): AuditFilter {
  return {
    requestId: query.request_id,
    userId: query.user_id,
    action: query.action,
    resourceType: query.resource_type,
    resourceId: query.resource_id,
    endpoint: query.endpoint,
    method: query.method,
    address: query.ip_address,
    userAgent: query.user_agent,
    from: query.from,
    to: query.to,
  };
}

function named(
  name: string,
  rows: readonly AuditCount[],
): Record<string, string | number | null>[] & { count: number }[] {
  return rows.map(({ key, count }) => ({ [name]: key, count }));
}

async function* textOf(chunks: AsyncIterable<AuditChunk>): AsyncGenerator<string> {
  for await (const { text } of chunks) yield text;
}
