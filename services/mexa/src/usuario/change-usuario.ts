import { changesOf, recordAudit } from '@quinta/platform/audit';
import { brokenConstraint, type Tx } from '@quinta/platform/database';
import type { Context } from '@quinta/platform/kernel';
import type { Mexa } from '../app.ts';
import { emailTaken, lastAdmin, usernameTaken, usuarioNotFound } from '../problems.ts';
import type { Role, UsuarioRow } from '../tables.ts';
import { type Usuario, usuarioOf, usuarioRedaction } from './usuario.ts';
import { findTaken, lockActiveAdmins, lockUsuario, lockUsuarioNames, updateUsuario } from './usuario-store.ts';

export interface UsuarioChange {
  readonly username?: string | undefined;
  readonly email?: string | undefined;
  readonly role?: Role | undefined;
  readonly active?: boolean | undefined;
}

/**
 * Changes a user. Losing a role or being switched off ends all sessions at once, everywhere.
 * @throws Problem user_not_found, username_taken, email_taken, or last_admin
 */
export async function changeUsuario(app: Mexa, context: Context, id: number, change: UsuarioChange): Promise<Usuario> {
  const changing = app.database.transact(async (tx) => {
    // Admins are locked before the user, always in this order, so that two who step down at once cannot both.
    const admins = await lockActiveAdmins(tx);
    const before = await lockUsuario(tx, id);
    if (!before) throw usuarioNotFound({ id });
    const after = changed(before, change, context.clock.now());
    const isAdmin = after.role === 'admin' && after.disabled_at === null;
    if (admins.includes(id) && admins.length === 1 && !isAdmin) throw lastAdmin({ id });
    if (after.username !== before.username || after.email !== before.email) await lockUsuarioNames(tx, after);
    await refuseTaken(tx, after);
    if (!isChanged(before, after)) return usuarioOf(before);
    const row = await updateUsuario(tx, after);
    if (row.role !== before.role || row.disabled_at !== null) {
      await app.families.revokeAllOf(tx, String(id), 'user changed');
    }
    await recordAudit(tx, context, {
      action: row.disabled_at !== null && before.disabled_at === null ? 'delete' : 'update',
      resourceType: 'usuario',
      resourceId: id,
      ...changesOf(audited(before), audited(row), usuarioRedaction),
    });
    return usuarioOf(row);
  });
  return changing.catch((error: unknown) => {
    throw takenMeanwhile(error);
  });
}

/** Switches a user off. The row stays, because vouchers and audit rows name it. */
export async function disableUsuario(app: Mexa, context: Context, id: number): Promise<void> {
  await changeUsuario(app, context, id, { active: false });
}

function changed(row: UsuarioRow, change: UsuarioChange, now: Date): UsuarioRow {
  const disabledAt = change.active === undefined ? row.disabled_at : change.active ? null : (row.disabled_at ?? now);
  return {
    ...row,
    username: change.username ?? row.username,
    email: change.email ?? row.email,
    role: change.role ?? row.role,
    disabled_at: disabledAt,
  };
}

function audited(row: UsuarioRow): Readonly<Record<string, unknown>> {
  return { username: row.username, email: row.email, role: row.role, active: row.disabled_at === null };
}

function isChanged(before: UsuarioRow, after: UsuarioRow): boolean {
  return JSON.stringify(audited(before)) !== JSON.stringify(audited(after));
}

async function refuseTaken(tx: Tx, user: UsuarioRow): Promise<void> {
  const taken = await findTaken(tx, user);
  if (taken.username_taken) throw usernameTaken();
  if (taken.email_taken) throw emailTaken();
}

/** Who came first after it was looked for: an adopted table may name its constraint otherwise, but after its column. */
function takenMeanwhile(error: unknown): unknown {
  const constraint = brokenConstraint(error) ?? '';
  if (constraint.includes('username')) return usernameTaken({}, { cause: error });
  return constraint.includes('email') ? emailTaken({}, { cause: error }) : error;
}
