import { recordAudit } from '@quinta/platform/audit';
import { ConfigError } from '@quinta/platform/config';
import { checkNewPassword } from '@quinta/platform/identity';
import { type Context, operatorContext } from '@quinta/platform/kernel';
import type { Mexa } from '../app.ts';
import type { Role } from '../tables.ts';
import { auditedUsuario, emailInput, type Usuario, usernameInput, usuarioOf } from './usuario.ts';
import { findUsuarioByLogin, findUsuarioByRole, insertUsuario } from './usuario-store.ts';

/**
 * Makes a user from outside the API; one that is there already stays as it is.
 * @throws ConfigError with a sentence a field that does not fit
 */
export async function ensureUsuario(
  app: Mexa,
  context: Context,
  user: { readonly username: string; readonly email: string; readonly password: string; readonly role: Role },
): Promise<{ readonly usuario: Usuario; readonly isNew: boolean }> {
  const known = await findUsuarioByLogin(app.database, user.username);
  if (known) return { usuario: usuarioOf(known), isNew: false };
  const email = refuseBadFields(user);
  const passwordHash = await app.passwords.hash(user.password);
  const row = await app.database.transact(async (tx) => {
    const made = await insertUsuario(tx, { username: user.username, email, role: user.role, passwordHash });
    if (!made) return undefined;
    await recordAudit(tx, context, {
      action: 'create',
      resourceType: 'usuario',
      resourceId: made.id,
      newValues: auditedUsuario(made),
    });
    return made;
  });
  if (row) return { usuario: usuarioOf(row), isNew: true };
  // Another process was faster, or the address belongs to somebody else.
  const other = await findUsuarioByLogin(app.database, user.username);
  if (!other) throw new ConfigError([`The e-mail address ${email} is taken by another user`]);
  return { usuario: usuarioOf(other), isNew: false };
}

/** Makes an admin by command; one of that name that is there already stays as it is. */
export function createAdmin(
  app: Mexa,
  admin: { readonly username: string; readonly email: string; readonly password: string },
): Promise<{ readonly usuario: Usuario; readonly isNew: boolean }> {
  return ensureUsuario(app, operatorContext(app, 'admin.create'), { ...admin, role: 'admin' });
}

/** Makes the admin that the environment names, where the database has no active admin yet. */
export async function ensureConfiguredAdmin(app: Mexa): Promise<void> {
  const { MEXA_ADMIN_USERNAME: username, MEXA_ADMIN_EMAIL: email, MEXA_ADMIN_PASSWORD: password } = app.config;
  if (username === undefined && email === undefined && password === undefined) return;
  if (username === undefined || email === undefined || password === undefined) {
    throw new ConfigError([
      'MEXA_ADMIN_USERNAME, MEXA_ADMIN_EMAIL and MEXA_ADMIN_PASSWORD go together: one is missing',
    ]);
  }
  if (await findUsuarioByRole(app.database, 'admin')) return;
  const context = operatorContext(app, 'admin.from_environment');
  const { isNew } = await ensureUsuario(app, context, { username, email, password, role: 'admin' });
  if (isNew) app.log.info({ operation: 'admin.from_environment' }, 'The first admin was made from the environment');
}

function refuseBadFields(user: { username: string; email: string; password: string }): string {
  const email = emailInput.safeParse(user.email);
  const faults = [
    ...(usernameInput.safeParse(user.username).success
      ? []
      : ['The user name should be 3 to 50 letters, digits, dots or dashes']),
    ...(email.success ? [] : ['The e-mail address is not one']),
    ...checkNewPassword(user.password, { forbidden: [user.username, user.email] }).map(
      ({ msg }) => `The password: ${msg}`,
    ),
  ];
  if (faults.length > 0 || !email.success) throw new ConfigError(faults);
  return email.data;
}
