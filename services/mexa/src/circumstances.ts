import type { Context } from '@quinta/platform/kernel';
import type { CircumstanceArrays } from './vale/vale-store.ts';

/** Who asks, as the tables know them: the key of the user. */
export function actorIdOf(context: Context): number {
  const id = Number(context.actor?.id);
  if (!Number.isSafeInteger(id)) throw new Error(`${context.operation} needs a signed-in user`);
  return id;
}

/** The circumstances of one request, once for each of its commands. */
export function circumstancesOf(context: Context, commandCount: number): CircumstanceArrays {
  const actorId = actorIdOf(context);
  const each = <Value>(value: Value): Value[] => Array.from({ length: commandCount }, () => value);
  return [
    each(actorId),
    each(context.requestId),
    each(context.endpoint),
    each(context.method),
    each(context.client.address),
    each(context.client.userAgent),
  ];
}
