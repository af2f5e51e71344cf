import type { Context } from '@quinta/platform/kernel';

/** Who asks, as `users` knows them. */
export function actorIdOf(context: Context): number {
  const id = Number(context.actor?.id);
  if (!Number.isSafeInteger(id) || id < 1) throw new Error(`${context.operation} needs a signed-in user`);
  return id;
}
