import { recordAudit } from '@quinta/platform/audit';
import { actorIdOf, type Context } from '@quinta/platform/kernel';
import type { Mexa } from '../app.ts';
import { currentPasswordWrong, usuarioNotFound } from '../problems.ts';
import { refuseWeakPassword } from '../usuario/make-usuario.ts';
import { findUsuario, replacePasswordHash } from '../usuario/usuario-store.ts';

/**
 * Changes the caller's password and ends all their other sessions.
 * @throws Problem current_password_wrong, or a 422 for a weak new one
 */
export async function changePassword(
  app: Mexa,
  context: Context,
  passwords: { readonly current: string; readonly next: string },
): Promise<void> {
  const id = actorIdOf(context);
  const user = await findUsuario(app.database, id);
  if (!user) throw usuarioNotFound({ id });
  refuseWeakPassword(passwords.next, [user.username, user.email], 'new_password');
  const check = await app.passwords.verify(passwords.current, user.password_hash);
  const errors = [{ loc: ['body', 'current_password'], msg: 'This is not the current password', type: 'wrong' }];
  if (!check.ok) {
    await app.database.transact((tx) =>
      recordAudit(tx, context, { action: 'password_change_failed', resourceType: 'usuario', resourceId: id }),
    );
    throw currentPasswordWrong({}, { errors });
  }
  const hash = await app.passwords.hash(passwords.next);
  await app.database.transact(async (tx) => {
    // Somebody else changed it meanwhile: then what was checked is the current password no longer.
    if (!(await replacePasswordHash(tx, { id, from: user.password_hash, to: hash }))) {
      throw currentPasswordWrong({}, { errors });
    }
    const sessionId = context.actor?.sessionId;
    await app.families.revokeAllOf(tx, String(id), 'password changed', sessionId ? { except: sessionId } : {});
    await recordAudit(tx, context, { action: 'password_changed', resourceType: 'usuario', resourceId: id });
  });
}
