import { recordAudit } from '@quinta/platform/audit';
import { type Context, operatorContext } from '@quinta/platform/kernel';
import type { MoveAcces } from '../app.ts';
import { memberNotFound } from '../problems.ts';
import type { Role } from './role-store.ts';

/**
 * Makes a member staff, or takes that away, by command. Their sessions end, so that no token speaks of the role before.
 * @returns whether it was another role before
 * @throws Problem user_not_found
 */
export async function giveRole(
  app: MoveAcces,
  { email, role }: { readonly email: string; readonly role: Role },
  context: Context = operatorContext(app, 'role.give'),
): Promise<boolean> {
  return app.database.transact(async (tx) => {
    const [member, ...others] = await app.members.findByEmail(tx, email.trim().toLowerCase());
    if (!member || others.length > 0) throw memberNotFound({ id: email });
    if (!(await app.roleRows.give(tx, member.id, role))) return false;
    await app.families.revokeAllOf(tx, String(member.id), 'role changed');
    await recordAudit(tx, context, {
      action: 'role_changed',
      resourceType: 'user',
      resourceId: member.id,
      newValues: { role },
    });
    return true;
  });
}
