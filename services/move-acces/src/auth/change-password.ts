import { recordAudit } from '@quinta/platform/audit';
import { actorIdOf, type Context } from '@quinta/platform/kernel';
import type { MoveAcces } from '../app.ts';
import { memberWith } from '../member/read-member.ts';
import { refuseWeakPassword } from '../member/register.ts';
import { currentPasswordWrong } from '../problems.ts';
import { asGuess } from './account-throttle.ts';
import { tellOfEnd } from './sessions.ts';

const errors = [{ loc: ['body', 'current_password'], msg: 'This is not the current password', type: 'wrong' }];

/**
 * Changes the caller's password, in our own table, and ends all their other sessions. A later change by the other system
 * wins over it.
 * @throws Problem current_password_wrong, account_throttled, or a 422 for a weak new one
 */
export async function changePassword(
  app: MoveAcces,
  context: Context,
  passwords: { readonly current: string; readonly next: string },
): Promise<void> {
  const member = await memberWith(app, actorIdOf(context));
  const { id, email } = member;
  refuseWeakPassword(app, passwords.next, [email], 'new_password');
  const login = await asGuess(app, context, { email: email.toLowerCase(), userId: id }, async () => {
    const stored = await app.passwordRows.find(app.database, member);
    const check = await app.passwords.verify(passwords.current, stored?.hash);
    return check.ok ? stored : undefined;
  });
  if (!login) {
    await app.database.transact((tx) =>
      recordAudit(tx, context, { action: 'password_change_failed', resourceType: 'user', resourceId: id }),
    );
    throw currentPasswordWrong({}, { errors });
  }
  const hash = await app.passwords.hash(passwords.next);
  await app.database.transact(async (tx) => {
    const locked = await app.members.lock(tx, id);
    const now = locked && (await app.passwordRows.find(tx, locked));
    // Somebody else changed it meanwhile: then what was checked is the current password no longer.
    if (now?.hash !== login.hash) throw currentPasswordWrong({}, { errors });
    await app.passwordRows.keep(tx, { id, hash, legacyDigest: login.legacyDigest });
    const sessionId = context.actor?.sessionId;
    const spared = sessionId ? { except: sessionId } : {};
    tellOfEnd(app, tx, id, await app.families.revokeAllOf(tx, String(id), 'password changed', spared));
    await recordAudit(tx, context, { action: 'password_changed', resourceType: 'user', resourceId: id });
  });
}
