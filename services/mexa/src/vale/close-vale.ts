import { createHash } from 'node:crypto';
import { idempotencyKeyReused } from '@quinta/platform/http';
import { type Coalescer, type Database, outcomeUnknown } from '@quinta/platform/database';
import { type Context, isUuid, Problem, uuidV8 } from '@quinta/platform/kernel';
import { type Circumstance, circumstanceArrays, circumstanceOf } from '../circumstances.ts';
import type { Mexa } from '../app.ts';
import { valeAlreadyRedeemed, valeAlreadyVoid, valeNotFound } from '../problems.ts';
import type { ValeRow, ValeState } from '../tables.ts';
import { type Vale, valeOf } from './vale.ts';
import { findVales, redeemVales, voidVales } from './vale-store.ts';

/** What became of one attempt: closed now, closed before by the same request, or refused. */
export type CloseOutcome =
  | { readonly kind: 'closed' | 'replayed'; readonly vale: Vale }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** One attempt to redeem or void a voucher; the key stands for the request, so that a retry of it is known. */
export interface CloseCommand {
  readonly circumstance: Circumstance;
  readonly id: number;
  readonly key: string;
  /** Of a void; empty for a redeem. */
  readonly reason: string;
}

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
export function redeemVale(app: Mexa, context: Context, id: number, key: string | undefined): Promise<Closed> {
  return close(app.sets.redeem, context, { id, key, reason: '' });
}

/** Voids a voucher with a reason; otherwise like `redeemVale`. */
export function voidVale(
  app: Mexa,
  context: Context,
  closing: { readonly id: number; readonly reason: string; readonly key: string | undefined },
): Promise<Closed> {
  return close(app.sets.void, context, closing);
}

async function close(
  set: Coalescer<CloseCommand, CloseOutcome>,
  context: Context,
  closing: { readonly id: number; readonly reason: string; readonly key: string | undefined },
): Promise<Closed> {
  const { id, reason } = closing;
  const command = { circumstance: circumstanceOf(context), id, reason, key: closeKeyOf(context, closing.key) };
  const outcome = await set.submit(command, context.signal);
  if (outcome.kind === 'refused') throw outcome.problem;
  return { vale: outcome.vale, isReplay: outcome.kind === 'replayed' };
}

/** Redeems a set in one statement; of several attempts at one voucher in it, the first is the one. */
export async function redeemSet(database: Database, commands: readonly CloseCommand[]): Promise<CloseOutcome[]> {
  const { rows } = await database.runAlone(redeemVales, [
    ...circumstanceArrays(commands),
    commands.map(({ id }) => id),
    commands.map(({ key }) => key),
  ]);
  return outcomesOf(database, commands, { rows, state: 'redeemed', verb: 'redeemed' });
}

/** Voids a set in one statement; otherwise like `redeemSet`. */
export async function voidSet(database: Database, commands: readonly CloseCommand[]): Promise<CloseOutcome[]> {
  const { rows } = await database.runAlone(voidVales, [
    ...circumstanceArrays(commands),
    commands.map(({ id }) => id),
    commands.map(({ key }) => key),
    commands.map(({ reason }) => reason),
  ]);
  return outcomesOf(database, commands, { rows, state: 'void', verb: 'voided' });
}

/** What the statement did and what it tried to do: the rows that it moved, into which state. */
interface Move {
  readonly rows: readonly ValeRow[];
  readonly state: ValeState;
  readonly verb: string;
}

async function outcomesOf(database: Database, commands: readonly CloseCommand[], move: Move): Promise<CloseOutcome[]> {
  const moved = new Map(move.rows.map((row) => [row.id, row]));
  const unmoved = [...new Set(commands.map(({ id }) => id).filter((id) => !moved.has(id)))];
  // What was closed is closed: where the others cannot be looked up, they alone hear it.
  const others = unmoved.length === 0 ? [] : await findVales(database, unmoved).catch(outcomeUnknown);
  const isUnknown = others instanceof Problem;
  const known = new Map([...move.rows, ...(isUnknown ? [] : others)].map((row) => [row.id, row]));
  return commands.map((command) => {
    const row = known.get(command.id);
    if (!row && isUnknown) return { kind: 'refused', problem: others };
    if (!row) return { kind: 'refused', problem: valeNotFound({ id: command.id }) };
    // Said once: whoever else tried in the same set came second.
    if (moved.delete(command.id)) return { kind: 'closed', vale: valeOf(row) };
    if (row.state === move.state && isSameClose(command, row)) {
      const isSame = row.state !== 'void' || row.void_reason === command.reason;
      return isSame ? { kind: 'replayed', vale: valeOf(row) } : { kind: 'refused', problem: idempotencyKeyReused() };
    }
    return { kind: 'refused', problem: refusalOf(row, move.verb) };
  });
}

function isSameClose({ circumstance, key }: CloseCommand, row: ValeRow): boolean {
  const [by, storedKey] = row.state === 'void' ? [row.voided_by, row.void_key] : [row.redeemed_by, row.redeem_key];
  return by === circumstance.actorId && storedKey === key;
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
