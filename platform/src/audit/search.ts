import { sql } from 'kysely';
import { type Db, queryBuilder } from '../database/index.ts';

/** A row of `audit_logs` as it is read. Keys are integers or text, as the service's table has them. */
export interface AuditRecord {
  readonly id: number;
  readonly request_id: string;
  readonly user_id: number | string | null;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: number | string | null;
  readonly old_values: Readonly<Record<string, unknown>> | null;
  readonly new_values: Readonly<Record<string, unknown>> | null;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly endpoint: string | null;
  readonly method: string | null;
  readonly ip_address: string | null;
  readonly user_agent: string | null;
  readonly created_at: Date;
}

interface AuditTables {
  readonly audit_logs: AuditRecord;
}

/** What a search is narrowed by; `from` counts and `to` does not. */
export interface AuditFilter {
  readonly id?: number | undefined;
  readonly requestId?: string | undefined;
  readonly userId?: number | string | undefined;
  readonly action?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly resourceId?: number | string | undefined;
  readonly endpoint?: string | undefined;
  readonly method?: string | undefined;
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

const columns = [
  'id',
  'request_id',
  'user_id',
  'action',
  'resource_type',
  'resource_id',
  'old_values',
  'new_values',
  'details',
  'endpoint',
  'method',
  'ip_address',
  'user_agent',
  'created_at',
] as const;

const equalities: readonly (readonly [keyof AuditFilter, keyof AuditRecord])[] = [
  ['id', 'id'],
  ['requestId', 'request_id'],
  ['userId', 'user_id'],
  ['action', 'action'],
  ['resourceType', 'resource_type'],
  ['resourceId', 'resource_id'],
  ['endpoint', 'endpoint'],
  ['method', 'method'],
  ['address', 'ip_address'],
  ['userAgent', 'user_agent'],
];

const timelineMax = 10_000;
const statsRowsMax = 100;

function narrowed(db: Db, filter: AuditFilter) {
  let query = queryBuilder<AuditTables>(db).selectFrom('audit_logs');
  for (const [field, column] of equalities) {
    const value = filter[field];
    if (value !== undefined) query = query.where(column, '=', value as never);
  }
  if (filter.from) query = query.where('created_at', '>=', filter.from);
  if (filter.to) query = query.where('created_at', '<', filter.to);
  return query;
}

/** Audit rows newest first, below `beforeId` where it is given. */
export function searchAudit(
  db: Db,
  filter: AuditFilter,
  page: { readonly beforeId?: number | undefined; readonly limit: number },
): Promise<AuditRecord[]> {
  let query = narrowed(db, filter).select(columns);
  if (page.beforeId !== undefined) query = query.where('id', '<', page.beforeId);
  return query.orderBy('id', 'desc').limit(page.limit).execute();
}

/** Everything that was done to one resource, oldest first. */
export function resourceTimeline(
  db: Db,
  resource: { readonly type: string; readonly id: number | string },
): Promise<AuditRecord[]> {
  return narrowed(db, { resourceType: resource.type, resourceId: resource.id })
    .select(columns)
    .orderBy('id')
    .limit(timelineMax)
    .execute();
}

export interface AuditCount {
  readonly key: string | number | null;
  readonly count: number;
}

/** Counts of a time by what an auditor asks for first. Each list holds its 100 largest. */
export interface AuditStats {
  readonly total: number;
  readonly byAction: readonly AuditCount[];
  readonly byResource: readonly AuditCount[];
  readonly byUser: readonly AuditCount[];
  readonly byAddress: readonly AuditCount[];
  readonly failedSignInsByHour: readonly AuditCount[];
  /** Addresses with failed sign-ins, most first. */
  readonly failedSignInsByAddress: readonly AuditCount[];
}

export async function auditStats(db: Db, filter: AuditFilter): Promise<AuditStats> {
  const by = (
    column: 'action' | 'resource_type' | 'user_id' | 'ip_address',
    narrower = filter,
  ): Promise<AuditCount[]> =>
    narrowed(db, narrower)
      .select([sql<AuditCount['key']>`${sql.ref(column)}`.as('key'), countOf('*')])
      .groupBy(column)
      .orderBy('count', 'desc')
      .orderBy('key')
      .limit(statsRowsMax)
      .execute()
      .then(asCounts);
  const failed = { ...filter, action: 'login_failed' };
  const hour = sql<string>`${sql.raw(db.dialect.hourOf('created_at'))}`;
  const [total, byAction, byResource, byUser, byAddress, hours, failedSignInsByAddress] = await Promise.all([
    narrowed(db, filter).select(countOf('*')).executeTakeFirstOrThrow(),
    by('action'),
    by('resource_type'),
    by('user_id'),
    by('ip_address'),
    narrowed(db, failed)
      .select([hour.as('key'), countOf('*')])
      .groupBy(hour)
      .orderBy('key', 'desc')
      .limit(24 * 31)
      .execute(),
    by('ip_address', failed),
  ]);
  return {
    total: Number(total.count),
    byAction,
    byResource,
    byUser,
    byAddress,
    failedSignInsByHour: asCounts(hours),
    failedSignInsByAddress,
  };
}

function countOf(what: '*') {
  return sql<string | number>`count(${sql.raw(what)})`.as('count');
}

/** Both drivers give a count of 64 bits as they like; none here is beyond what a number holds. */
function asCounts(rows: readonly { key: AuditCount['key']; count: string | number }[]): AuditCount[] {
  return rows.map(({ key, count }) => ({ key, count: Number(count) }));
}
