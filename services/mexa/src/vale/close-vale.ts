import { createHash } from 'node:crypto';
import { type Context, isUuid, type Problem, uuidV8 } from '@quinta/platform/kernel';
import { actorIdOf, circumstancesOf } from '../circumstances.ts';
import type { Mexa } from '../app.ts';
import { valeAlreadyRedeemed, valeAlreadyVoid, valeNotFound } from '../problems.ts';
import type { ValeRow } from '../tables.ts';
import { type Vale, valeOf } from './vale.ts';
import { findVale, redeemVales, voidVales } from './vale-store.ts';

/** A voucher that this request closed, or that the same request had closed before. */
export interface Closed {
  readonly vale: Vale;
  readonly isReplay: boolean;
}

/**
 * Redeems a voucher: exactly one of all who try, on however many processes. The same caller with the same key hears
 * the first answer again.
 * @throws Problem voucher_already_redeemed, voucher_already_void or voucher_not_found
 */
export async function redeemVale(app: Mexa, context: Context, id: number, key: string | undefined): Promise<Closed> {
  const closeKey = closeKeyOf(context, key);
  const { rows } = await app.database.runAlone(redeemVales, [...circumstancesOf(context, 1), [id], [closeKey]]);
  if (rows[0]) return { vale: valeOf(rows[0]), isReplay: false };
  const row = await existing(app, id);
  if (row.state === 'redeemed' && isSameClose(context, row.redeemed_by, row.redeem_key, closeKey)) {
    return { vale: valeOf(row), isReplay: true };
  }
  throw refusalOf(row, 'redeemed');
}

/** Voids a voucher with a reason; otherwise like `redeemVale`. */
export async function voidVale(
  app: Mexa,
  context: Context,
  closing: { readonly id: number; readonly reason: string; readonly key: string | undefined },
): Promise<Closed> {
  const { id, reason } = closing;
  const closeKey = closeKeyOf(context, closing.key);
  const { rows } = await app.database.runAlone(voidVales, [...circumstancesOf(context, 1), [id], [closeKey], [reason]]);
  if (rows[0]) return { vale: valeOf(rows[0]), isReplay: false };
  const row = await existing(app, id);
  if (row.state === 'void' && isSameClose(context, row.voided_by, row.void_key, closeKey)) {
    return { vale: valeOf(row), isReplay: true };
  }
  throw refusalOf(row, 'voided');
}

async function existing(app: Mexa, id: number): Promise<ValeRow> {
  const row = await findVale(app.database, id);
  if (!row) throw valeNotFound({ id });
  return row;
}

function isSameClose(context: Context, by: number | null, storedKey: string | null, key: string): boolean {
  return by === actorIdOf(context) && storedKey === key;
}

function refusalOf(row: ValeRow, verb: string): Problem {
  if (row.state === 'void') {
    const [at, by] = [row.voided_at?.toISOString() ?? '', row.voided_by ?? 0];
    const members = { voided_at: at, voided_by: by };
    return valeAlreadyVoid({ id: row.id, verb, at, by }, { members });
  }
  const [at, by] = [row.redeemed_at?.toISOString() ?? '', row.redeemed_by ?? 0];
  return valeAlreadyRedeemed({ id: row.id, verb, at, by }, { members: { redeemed_at: at, redeemed_by: by } });
}

/** Without a key of its own, a request that is sent again under the same `X-Request-ID` is the same request. */
function closeKeyOf(context: Context, key: string | undefined): string {
  const base = key ?? context.requestId;
  return isUuid(base) ? base.toLowerCase() : uuidV8(createHash('sha256').update(base).digest());
}
