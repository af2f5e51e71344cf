import { createHash } from 'node:crypto';
import { actorIdOf, type Context, formatMinor, isUuid, Problem, uuidV8 } from '@quinta/platform/kernel';
import { type Database, outcomeUnknown } from '@quinta/platform/database';
import { type Circumstance, circumstanceArrays, circumstanceOf } from '../circumstances.ts';
import type { Mexa } from '../app.ts';
import { drawerUnknown, valeRequestReused } from '../problems.ts';
import type { ValeRow } from '../tables.ts';
import { type IssueInput, type Vale, valeOf } from './vale.ts';
import { findValesByRequest, insertVales } from './vale-store.ts';

/** What became of one command: a new voucher, the one that its key had drawn before, or a refusal. */
export type IssueOutcome =
  | { readonly kind: 'issued' | 'replayed'; readonly vale: Vale }
  | { readonly kind: 'refused'; readonly problem: Problem };

/** A voucher to draw, with its key. */
export interface IssueCommand {
  readonly circumstance: Circumstance;
  readonly requestId: string;
  readonly userId: number;
  readonly amount: string;
  readonly description: string | null;
}

/** One voucher that a client asks for, and the key that stands for it. */
export interface Draw {
  readonly input: IssueInput;
  readonly key: string;
}

/** Draws one voucher, together with those of other requests that wait at this moment. */
export function issueVale({ sets }: Mexa, context: Context, draw: Draw): Promise<IssueOutcome> {
  return sets.issue.submit(commandOf(context, draw), context.signal);
}

/** Draws vouchers, one outcome each in their order, in a statement of their own. */
export function issueVales({ database }: Mexa, context: Context, draws: readonly Draw[]): Promise<IssueOutcome[]> {
  return issueSet(
    database,
    draws.map((draw) => commandOf(context, draw)),
  );
}

/** The set itself: one statement draws, and a reading one looks at what was not drawn. A repeat gets the same voucher. */
export async function issueSet(database: Database, commands: readonly IssueCommand[]): Promise<IssueOutcome[]> {
  if (commands.length === 0) return [];
  const { rows: drawn } = await database.runAlone(insertVales, [
    ...circumstanceArrays(commands),
    commands.map((command) => command.requestId),
    commands.map((command) => command.userId),
    commands.map((command) => command.amount),
    commands.map((command) => command.description),
  ]);
  const fresh = new Map(drawn.map((row) => [row.request_id, row]));
  const undecided = commands.filter((command) => !fresh.has(command.requestId)).map((command) => command.requestId);
  const known = undecided.length === 0 ? new Map<string, ValeRow>() : await lookUp(database, undecided);
  return outcomesOf(commands, fresh, known);
}

/** What was drawn is drawn: where the others cannot be looked up, they alone hear it. */
async function lookUp(database: Database, requestIds: string[]): Promise<ReadonlyMap<string, ValeRow> | Problem> {
  try {
    const rows = await findValesByRequest(database, requestIds);
    return new Map(rows.map((row) => [row.request_id, row]));
  } catch (error) {
    return outcomeUnknown(error);
  }
}

/**
 * The first command of a key whose user may draw is its issue; those behind it are repeats, or are refused; those
 * before it have an unknown user, as if each had come alone.
 */
function outcomesOf(
  commands: readonly IssueCommand[],
  fresh: Map<string, ValeRow>,
  known: ReadonlyMap<string, ValeRow> | Problem,
): IssueOutcome[] {
  const told = new Set<string>();
  return commands.map((command) => {
    const drawn = fresh.get(command.requestId);
    const isTold = told.has(command.requestId);
    if (drawn && !isTold && isSameDraw(command, drawn)) {
      told.add(command.requestId);
      return { kind: 'issued', vale: valeOf(drawn) };
    }
    const looked = known instanceof Problem ? undefined : known.get(command.requestId);
    const row = isTold ? drawn : looked;
    if (!row) return { kind: 'refused', problem: known instanceof Problem && !drawn ? known : unknownDrawer(command) };
    return isSameDraw(command, row)
      ? { kind: 'replayed', vale: valeOf(row) }
      : { kind: 'refused', problem: reused(row) };
  });
}

function commandOf(context: Context, { input, key }: Draw): IssueCommand {
  return {
    circumstance: circumstanceOf(context),
    requestId: key,
    userId: input.user_id ?? actorIdOf(context),
    amount: formatMinor(input.amount),
    description: input.description ?? null,
  };
}

/**
 * The key of a voucher: its own `request_id`, else the `Idempotency-Key`, else the id of the request. One that is no
 * UUID, or that stands for a whole batch, becomes a UUID by its digest, together with who sent it and the place in the
 * batch, so that no two callers or vouchers share it.
 */
export function drawKey(
  context: Context,
  input: IssueInput,
  idempotencyKey: string | undefined,
  place?: number,
): string {
  if (input.request_id !== undefined) return input.request_id.toLowerCase();
  if (idempotencyKey === undefined && place === undefined) return context.requestId;
  const base = idempotencyKey ?? context.requestId;
  if (place === undefined && isUuid(base)) return base.toLowerCase();
  const text = JSON.stringify(['vale.issue', context.actor?.id, base, place ?? null]);
  return uuidV8(createHash('sha256').update(text).digest());
}

function isSameDraw(command: IssueCommand, row: ValeRow): boolean {
  const description = row.was_redescribed ? row.drawn_description : row.description;
  return row.amount === command.amount && row.user_id === command.userId && description === command.description;
}

function unknownDrawer(command: IssueCommand): Problem {
  const errors = [{ loc: ['body', 'user_id'], msg: `There is no active user ${command.userId}`, type: 'unknown' }];
  return drawerUnknown({ userId: command.userId }, { errors });
}

function reused(row: ValeRow): Problem {
  return valeRequestReused({ requestId: row.request_id, id: row.id }, { members: { vale_id: row.id } });
}
