import { type Context, formatMinor, pageOf } from '@quinta/platform/kernel';
import { permissionMissing } from '@quinta/platform/http';
import type { Mexa } from '../app.ts';
import { actorIdOf, circumstancesOf } from '../circumstances.ts';
import { valeNotFound } from '../problems.ts';
import { type Vale, valeOf } from './vale.ts';
import { describeVale, findVale, listVales, type ValeFilter } from './vale-store.ts';

/** Who looks: a caller without `vale.read_all` sees their own vouchers only. */
export interface Viewer {
  readonly context: Context;
  readonly seesAll: boolean;
}

/** What the query of a list holds once parsed. */
export interface ValeQuery {
  readonly user_id?: number | undefined;
  readonly state?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly amount_min?: bigint | undefined;
  readonly amount_max?: bigint | undefined;
  readonly q?: string | undefined;
}

const exportPageSize = 1_000;

/** One page of vouchers, newest first. */
export async function listPage(
  { database }: Mexa,
  viewer: Viewer,
  query: ValeQuery,
  page: { readonly cursor: readonly (string | number)[] | undefined; readonly limit: number },
): Promise<{ readonly vales: Vale[]; readonly next: string | null }> {
  const beforeId = page.cursor === undefined ? undefined : Number(page.cursor[0]);
  const rows = await listVales(database, filterOf(viewer, query), { beforeId, limit: page.limit + 1 });
  const { items, next } = pageOf(rows, page.limit, (row) => [row.id]);
  return { vales: items.map(valeOf), next };
}

/** All vouchers of a filter, read page by page while they are sent. */
export async function* everyVale({ database }: Mexa, viewer: Viewer, query: ValeQuery): AsyncGenerator<Vale[]> {
  const filter = filterOf(viewer, query);
  for (let beforeId: number | undefined; ;) {
    const rows = await listVales(database, filter, { beforeId, limit: exportPageSize });
    if (rows.length > 0) yield rows.map(valeOf);
    beforeId = rows.at(-1)?.id;
    if (rows.length < exportPageSize) return;
  }
}

/** A voucher that the caller may see; one of somebody else is as if it were not there. */
export async function visibleVale({ database }: Mexa, viewer: Viewer, id: number): Promise<Vale> {
  const row = await findVale(database, id);
  if (!row || (!viewer.seesAll && row.user_id !== actorIdOf(viewer.context))) throw valeNotFound({ id });
  return valeOf(row);
}

/** Changes the description, the only field of a voucher that may change. */
export async function changeDescription(
  { database }: Mexa,
  context: Context,
  change: { readonly id: number; readonly description: string | null },
): Promise<Vale> {
  const { id, description } = change;
  const { rows } = await database.runAlone(describeVale, [...circumstancesOf(context, 1), id, description]);
  if (!rows[0]) throw valeNotFound({ id });
  return valeOf(rows[0]);
}

function filterOf(viewer: Viewer, query: ValeQuery): ValeFilter {
  const ownId = viewer.seesAll ? undefined : actorIdOf(viewer.context);
  if (ownId !== undefined && query.user_id !== undefined && query.user_id !== ownId) {
    throw permissionMissing({ role: viewer.context.actor?.role ?? '', permission: 'vale.read_all' });
  }
  return {
    userId: ownId ?? query.user_id,
    state: query.state,
    from: query.from,
    to: query.to,
    amountMin: query.amount_min === undefined ? undefined : formatMinor(query.amount_min),
    amountMax: query.amount_max === undefined ? undefined : formatMinor(query.amount_max),
    text: query.q,
  };
}
