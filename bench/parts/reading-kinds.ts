import { encodeCursor } from '../../platform/src/kernel/index.ts';
import { query } from '../stage/sql.ts';
import type { BenchDatabase } from '../stage/stage.ts';

/** One way of reading that users have, as paths of which each asks for something else. */
export interface ReadingKind {
  readonly name: string;
  readonly paths: readonly string[];
}

/** What is in the tables at the moment, to ask for things that are there. */
interface Sample {
  readonly valeIds: readonly number[];
  readonly drawers: readonly number[];
  readonly clerks: readonly number[];
  readonly requestIds: readonly string[];
  readonly addresses: readonly string[];
  readonly amounts: readonly string[];
  /** `2026-01-31` */
  readonly days: readonly string[];
}

const sampleSize = 200;
const base = '/api/v1';

/** Lists with their filters, histories and audit searches; each with its default page of 100. */
export async function readingKinds(database: BenchDatabase): Promise<readonly ReadingKind[]> {
  const { valeIds, drawers, clerks, requestIds, addresses, amounts, days } = await sampleOf(database);
  return [
    kindOf('vouchers: first page', [''], () => '/vales'),
    kindOf('vouchers: a page far down', valeIds, (id) => `/vales?cursor=${encodeCursor([id])}`),
    kindOf('vouchers of a user', drawers, (id) => `/vales?user_id=${id}`),
    kindOf('vouchers that are void', [''], () => '/vales?state=void'),
    kindOf('vouchers of an amount', amounts, (amount) => `/vales?amount_min=${amount}&amount_max=${amount}`),
    kindOf('vouchers of a day', days, (day) => `/vales?from=${day}&to=${dayAfter(day)}`),
    kindOf('history of a voucher', valeIds, (id) => `/vales/${id}/history`),
    kindOf('audit of a user', clerks, (id) => `/audit-logs?user_id=${id}`),
    kindOf('audit: failed sign-ins', [''], () => '/audit-logs?action=login_failed'),
    kindOf('audit of a voucher', valeIds, (id) => `/audit-logs?resource_type=vale&resource_id=${id}`),
    kindOf('audit of a request', requestIds, (id) => `/audit-logs?request_id=${id}`),
    kindOf('audit of an address', addresses, (address) => `/audit-logs?ip_address=${address}`),
    kindOf('audit of a day', days, (day) => `/audit-logs?from=${day}&to=${dayAfter(day)}`),
  ];
}

function kindOf<T>(name: string, values: readonly T[], pathOf: (value: T) => string): ReadingKind {
  return { name, paths: values.map((value) => `${base}${pathOf(value)}`) };
}

async function sampleOf(database: BenchDatabase): Promise<Sample> {
  const vales = await query<{ id: number; drawer: number; clerk: number; amount: string; day: string }>(
    database.sql,
    `select v.id, v.user_id as drawer, v.issued_by as clerk, v.amount::text as amount, to_char(v.created_at, 'YYYY-MM-DD') as day
       from generate_series(1, $1::int) n
       cross join lateral (select (random() * ((select max(id) from vales) - 1))::int + 1 as wanted, n) w
       join vales v on v.id = w.wanted`,
    [sampleSize],
  );
  const audits = await query<{ request_id: string; ip_address: string }>(
    database.sql,
    `select a.request_id, a.ip_address
       from generate_series(1, $1::int) n
       cross join lateral (select (random() * ((select max(id) from audit_logs) - 1))::int + 1 as wanted, n) w
       join audit_logs a on a.id = w.wanted
      where a.ip_address is not null`,
    [sampleSize],
  );
  return {
    valeIds: vales.map(({ id }) => id),
    drawers: vales.map(({ drawer }) => drawer),
    clerks: vales.map(({ clerk }) => clerk),
    amounts: vales.map(({ amount }) => amount),
    days: vales.map(({ day }) => day),
    requestIds: audits.map(({ request_id: id }) => id),
    addresses: audits.map(({ ip_address: address }) => address),
  };
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}
