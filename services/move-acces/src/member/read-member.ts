import type { Context } from '@quinta/platform/kernel';
import type { MoveAcces } from '../app.ts';
import { memberNotFound } from '../problems.ts';
import type { Member } from './member.ts';

/** The key of the signed-in member. */
export function memberIdOf(context: Context): number {
  const id = Number(context.actor?.id);
  if (!Number.isSafeInteger(id)) throw new Error(`${context.operation} needs a signed-in member`);
  return id;
}

/** @throws Problem user_not_found */
export async function memberWith({ members, database }: MoveAcces, id: number): Promise<Member> {
  const member = await members.find(database, id);
  if (!member) throw memberNotFound({ id });
  return member;
}
