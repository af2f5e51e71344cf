import type { MoveAcces } from '../app.ts';
import { memberNotFound } from '../problems.ts';
import type { Member } from './member.ts';

/** @throws Problem user_not_found */
export async function memberWith({ members, database }: MoveAcces, id: number): Promise<Member> {
  const member = await members.find(database, id);
  if (!member) throw memberNotFound({ id });
  return member;
}
