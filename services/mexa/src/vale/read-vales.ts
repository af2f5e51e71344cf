import { recordRefusal } from '@quinta/platform/audit';
import { actorIdOf, type Context, encodeCursor, formatMinor } from '@quinta/platform/kernel';
import { permissionMissing } from '@quinta/platform/http';
import type { Mexa } from '../app.ts';
import { circumstanceArrays, circumstanceOf } from '../circumstances.ts';
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
  filter: ValeFilter,
  page: { readonly cursor: readonly (string | number)[] | undefined; readonly limit: number },
): Promise<{ readonly vales: Vale[]; readonly next: string | null }> {
  const beforeId = page.cursor === undefined ? undefined : Number(page.cursor[0]);
  const { rows, next } = await listVales(database, filter, { beforeId, limit: page.limit });
  return { vales: rows.map(valeOf), next: next === undefined ? null : encodeCursor([next]) };
}

/** All vouchers of a filter, read page by page while they are sent. */
export async function* everyVale({ database }: Mexa, filter: ValeFilter): AsyncGenerator<Vale[]> {
  for (let beforeId: number | undefined; ;) {
    const { rows, next } = await listVales(database, filter, { beforeId, limit: exportPageSize });
    if (rows.length > 0) yield rows.map(valeOf);
    if (next === undefined) return;
    beforeId = next;
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
  const circumstances = circumstanceArrays([{ circumstance: circumstanceOf(context) }]);
  const { rows } = await database.runAlone(describeVale, [...circumstances, id, description]);
  if (!rows[0]) throw valeNotFound({ id });
  return valeOf(rows[0]);
}

/**
 * What a viewer asks for, narrowed to what they may see. It stands before the first byte of an answer, since a stream
 * that has begun cannot turn into a refusal.
 * @throws Problem permission_missing for somebody else's vouchers
 */
export async function filterFor(app: Mexa, { context, seesAll }: Viewer, query: ValeQuery): Promise<ValeFilter> {
  const ownId = seesAll ? undefined : actorIdOf(context);
  if (ownId !== undefined && query.user_id !== undefined && query.user_id !== ownId) {
    await recordRefusal(app, context, 'vale.read_all');
    throw permissionMissing({ role: context.actor?.role ?? '', permission: 'vale.read_all' });
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
