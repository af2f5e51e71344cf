import { sql } from 'kysely';
import {
  type Condition,
  type Db,
  type Lead,
  newestFirst,
  type NewestPage,
  type PageOfKeys,
  queryBuilder,
} from '../database/index.ts';

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

type Column = (typeof columns)[number];

/** Each of these names a few rows at most. */
const exact: readonly (readonly [keyof AuditFilter, Column])[] = [
  ['id', 'id'],
  ['requestId', 'request_id'],
];
/** Of these the table has an index. */
const indexed: readonly (readonly [keyof AuditFilter, Column])[] = [
  ['userId', 'user_id'],
  ['resourceId', 'resource_id'],
  ['address', 'ip_address'],
  ['action', 'action'],
  ['resourceType', 'resource_type'],
];
const others: readonly (readonly [keyof AuditFilter, Column])[] = [
  ['endpoint', 'endpoint'],
  ['method', 'method'],
  ['userAgent', 'user_agent'],
];

const timelineMax = 10_000;
const statsRowsMax = 100;
const hoursMax = 24 * 31;

/** A page of audit rows, newest first; it may be short and yet not the last, see `newestFirst`. */
export async function searchAudit(db: Db, filter: AuditFilter, page: PageOfKeys): Promise<NewestPage<AuditRecord>> {
  const { from, to } = filter;
  const found = await newestFirst<AuditRecord>(
    db,
    { table: 'audit_logs', columns, ...conditionsOf(filter), from, to },
    page,
  );
  return { ...found, rows: found.rows.map(parsed) };
}

/** What leads through the table, and what is looked at row by row. */
function conditionsOf(filter: AuditFilter): { leads: Lead[]; filters: Condition[] } {
  const given = (fields: typeof indexed): [column: Column, value: unknown][] =>
    fields.flatMap(([field, column]) => (filter[field] === undefined ? [] : [[column, filter[field]]]));
  const leads: Lead[] = [
    ...given(exact).map(([column, value]) => ({ column, value, isExact: true })),
    ...given(indexed).map(([column, value]) => ({ column, value })),
  ];
  const filters: Condition[] = given(others).map(([column, value]) => [column, '=', value]);
  if (filter.resourceId === undefined || filter.resourceType === undefined) return { leads, filters };
  // The index of the resource's key holds its kind as well.
  const ofKind: Condition = ['resource_type', '=', filter.resourceType];
  const remaining = leads.filter(({ column }) => column !== 'resource_type');
  return {
    leads: remaining.map((lead) => (lead.column === 'resource_id' ? { ...lead, also: [ofKind] } : lead)),
    filters,
  };
}

/** A key of 64 bits comes as text from PostgreSQL; none here is beyond what a number holds. */
function parsed(row: Omit<AuditRecord, 'id'> & { readonly id: number | string }): AuditRecord {
  return { ...row, id: Number(row.id) };
}

/** Everything that was done to one resource, oldest first. */
export async function resourceTimeline(
  db: Db,
  resource: { readonly type: string; readonly id: number | string },
): Promise<AuditRecord[]> {
  const rows = await queryBuilder<AuditTables>(db)
    .selectFrom('audit_logs')
    .select(columns)
    .where('resource_type', '=', resource.type)
    .where('resource_id', '=', resource.id)
    .orderBy('created_at')
    .orderBy('id')
    .limit(timelineMax)
    .execute();
  return rows.map(parsed);
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

/** The time whose rows are counted; `from` counts and `to` does not. */
export type AuditPeriod = Pick<AuditFilter, 'from' | 'to'>;

/** One statement after the other, on one connection at a time: each reads all rows of the period. */
export async function auditStats(db: Db, period: AuditPeriod): Promise<AuditStats> {
  const all = rowsOf(db, period);
  const failed = all.where('action', '=', 'login_failed');
  const byAction = await countedBy(all, 'action');
  const byResource = await countedBy(all, 'resource_type');
  const byUser = await countedBy(all, 'user_id');
  const byAddress = await countedBy(all, 'ip_address');
  const hour = sql<string>`${sql.raw(db.dialect.hourOf('created_at'))}`;
  const hours = await failed
    .select([hour.as('key'), counted])
    .groupBy(hour)
    .orderBy('key', 'desc')
    .limit(hoursMax)
    .execute();
  const failedSignInsByAddress = await countedBy(failed, 'ip_address');
  return {
    total: Number(byAction[0]?.total ?? 0),
    byAction: asCounts(byAction),
    byResource: asCounts(byResource),
    byUser: asCounts(byUser),
    byAddress: asCounts(byAddress),
    failedSignInsByHour: asCounts(hours),
    failedSignInsByAddress: asCounts(failedSignInsByAddress),
  };
}

function rowsOf(db: Db, { from, to }: AuditPeriod) {
  let query = queryBuilder<AuditTables>(db).selectFrom('audit_logs');
  if (from) query = query.where('created_at', '>=', from);
  if (to) query = query.where('created_at', '<', to);
  return query;
}

const counted = sql<string | number>`count(*)`.as('count');
/** Of all rows, also of those whose group is not among the largest. */
const total = sql<string | number>`sum(count(*)) over ()`.as('total');

function countedBy(rows: ReturnType<typeof rowsOf>, column: 'action' | 'resource_type' | 'user_id' | 'ip_address') {
  const key = sql<AuditCount['key']>`${sql.ref(column)}`.as('key');
  return rows
    .select([key, counted, total])
    .groupBy(column)
    .orderBy('count', 'desc')
    .orderBy('key')
    .limit(statsRowsMax)
    .execute();
}

/** Both drivers give a count of 64 bits as they like; none here is beyond what a number holds. */
function asCounts(rows: readonly { key: AuditCount['key']; count: string | number }[]): AuditCount[] {
  return rows.map(({ key, count }) => ({ key, count: Number(count) }));
}
