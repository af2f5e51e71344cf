import { recordAudit } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import { type Answer, idempotently, summaryOf, validationFailed } from '@quinta/platform/http';
import { checkNewPassword } from '@quinta/platform/identity';
import type { Context } from '@quinta/platform/kernel';
import type { Mexa } from '../app.ts';
import { emailTaken, registrationClosed, usernameTaken } from '../problems.ts';
import type { Role, UsuarioRow } from '../tables.ts';
import { auditedUsuario, type Usuario, usuarioOf } from './usuario.ts';
import { findTaken, insertUsuario, lockUsuarioNames } from './usuario-store.ts';

export interface NewUsuario {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly role: Role;
}

/** Makes a user; with an idempotency key a retry gets the first answer. */
export async function createUsuario(
  app: Mexa,
  context: Context,
  user: NewUsuario,
  key: string | undefined,
): Promise<Answer<Usuario> & { readonly isReplay: boolean }> {
  refuseWeakPassword(user.password, [user.username, user.email], 'password');
  const passwordHash = await app.passwords.hash(user.password);
  const { username, email, role } = user;
  // The password is left out of what the key stands for: its digest would outlive the request.
  return idempotently(app.database, { context, key, request: { username, email, role } }, async (tx) => {
    const row = await insertOrSayTaken(tx, { username, email, role, passwordHash });
    await recordAudit(tx, context, {
      action: 'create',
      resourceType: 'usuario',
      resourceId: row.id,
      newValues: auditedUsuario(row),
      ...(context.actor ? {} : { userId: row.id }),
    });
    return { status: 201, body: usuarioOf(row) };
  });
}

/** Registration by anybody makes a `usuario`. */
export function registerUsuario(
  app: Mexa,
  context: Context,
  user: Omit<NewUsuario, 'role'>,
  key: string | undefined,
): Promise<Answer<Usuario> & { readonly isReplay: boolean }> {
  if (app.config.MEXA_REGISTRATION === 'closed') throw registrationClosed();
  return createUsuario(app, context, { ...user, role: 'usuario' }, key);
}

/** Throws a 422 that names the field where a new password is too short, too common or the user's own name. */
export function refuseWeakPassword(password: string, forbidden: readonly string[], field: string): void {
  const faults = checkNewPassword(password, { forbidden });
  if (faults.length === 0) return;
  const errors = faults.map((fault) => ({ ...fault, loc: ['body', field] }));
  throw validationFailed({ summary: summaryOf(errors) }, { errors });
}

async function insertOrSayTaken(
  tx: Tx,
  user: { username: string; email: string; role: Role; passwordHash: string },
): Promise<UsuarioRow> {
  await lockUsuarioNames(tx, user);
  const row = await insertUsuario(tx, user);
  if (row) return row;
  const taken = await findTaken(tx, { ...user, id: 0 });
  throw taken.username_taken ? usernameTaken() : emailTaken();
}
