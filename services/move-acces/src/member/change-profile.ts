import { changesOf, recordAudit } from '@quinta/platform/audit';
import type { Context } from '@quinta/platform/kernel';
import type { MoveAcces } from '../app.ts';
import { memberNotFound } from '../problems.ts';
import { auditRules, type Member, type ProfileInput } from './member.ts';
import { changedMember } from './member-store.ts';

/** What is to change, and what refuses it where the member is not as the client believes. */
interface ProfileChange {
  readonly change: ProfileInput;
  readonly check: (before: Member) => void;
}

/**
 * Changes a member's profile with its audit row; a change that changes nothing writes nothing.
 * @throws Problem user_not_found, or what `check` throws
 */
export async function changeProfile(
  app: MoveAcces,
  context: Context,
  id: number,
  { change, check }: ProfileChange,
): Promise<Member> {
  return app.database.transact(async (tx) => {
    const before = await app.members.lock(tx, id);
    if (!before) throw memberNotFound({ id });
    check(before);
    const { oldValues, newValues } = changesOf(auditedOf(before), auditedOf(changedMember(before, change)), auditRules);
    if (Object.keys(newValues).length === 0) return before;
    await app.members.update(tx, changedMember(before, change));
    await recordAudit(tx, context, {
      action: 'update_profile',
      resourceType: 'user',
      resourceId: id,
      oldValues,
      newValues,
    });
    tx.afterCommit(() => app.hub.push(id, { type: 'profile_updated' }));
    return (await app.members.find(tx, id)) ?? before;
  });
}

function auditedOf(member: Member): Readonly<Record<string, unknown>> {
  return {
    first_name: member.firstName,
    last_name: member.lastName,
    rue: member.street,
    npa: member.postcode,
    localite: member.town,
    tel: member.phone,
  };
}
