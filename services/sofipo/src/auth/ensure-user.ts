import { recordAudit } from '@quinta/platform/audit';
import { ConfigError } from '@quinta/platform/config';
import { checkNewPassword } from '@quinta/platform/identity';
import { type Context, operatorContext } from '@quinta/platform/kernel';
import type { Sofipo } from '../app.ts';
import { findUserByName, findUserByRole, insertUser, type Role, type UserRow } from './user-store.ts';

/** The README's user; in production nobody has it. */
const promised = { username: 'admin', password: 'string' } as const;

/** Makes a user from outside the API; one that is there already stays as it is. */
export async function ensureUser(
  app: Sofipo,
  context: Context,
  user: { readonly username: string; readonly password: string; readonly role: Role },
): Promise<UserRow> {
  const known = await findUserByName(app.database, user.username);
  if (known) return known;
  const passwordHash = await app.passwords.hash(user.password);
  const made = await app.database.transact(async (tx) => {
    const row = await insertUser(tx, { username: user.username, role: user.role, passwordHash });
    if (!row) return undefined;
    const newValues = { username: row.username, role: row.role };
    await recordAudit(tx, context, { action: 'create', resourceType: 'user', resourceId: row.id, newValues });
    return row;
  });
  // Another process may have been faster.
  const row = made ?? (await findUserByName(app.database, user.username));
  if (!row) throw new Error(`User ${user.username} vanished`);
  return row;
}

/**
 * Who can sign in first: in development the README's `admin` with `string`; in production whom the environment names,
 * where there is no admin yet.
 * @throws ConfigError for a weak password
 */
export async function ensureFirstAdmin(app: Sofipo, isProduction: boolean): Promise<void> {
  const context = operatorContext(app, 'admin.first');
  if (!isProduction) await ensureUser(app, context, { ...promised, role: 'admin' });
  const { SOFIPO_ADMIN_USERNAME: username, SOFIPO_ADMIN_PASSWORD: password } = app.config;
  if (username === undefined || password === undefined) return;
  const others = await findUserByRole(app.database, 'admin');
  if (others && others.username !== promised.username) return;
  const faults = checkNewPassword(password, { forbidden: [username] });
  if (faults.length > 0) throw new ConfigError(faults.map(({ msg }) => `SOFIPO_ADMIN_PASSWORD: ${msg}`));
  await ensureUser(app, context, { username, password, role: 'admin' });
}
