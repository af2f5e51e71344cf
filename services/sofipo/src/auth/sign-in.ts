import { recordAudit, redact } from '@quinta/platform/audit';
import type { Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { credentialsInvalid } from '../problems.ts';
import { findUserByName, lockUser, replaceHash, type UserRow } from './user-store.ts';

/** What a sign-in answers. */
export const tokenOutput = z.object({
  access_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.int().meta({ description: 'Life of the access token in seconds' }),
});

export type TokenAnswer = z.output<typeof tokenOutput>;

/**
 * Signs in by name and password. A wrong password, an unknown name and a user who is switched off hear the same after
 * the same work; each is audited.
 * @throws Problem credentials_invalid or hashing_overloaded
 */
export async function signIn(
  app: Sofipo,
  context: Context,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<TokenAnswer> {
  const user = await findUserByName(app.database, username);
  const check = await app.passwords.verify(password, user?.disabled_at === null ? user.password_hash : undefined);
  const upgraded = user && check.ok && check.needsRehash ? await app.passwords.hash(password) : undefined;
  const answer = user && check.ok ? await begin(app, context, user, upgraded) : undefined;
  if (answer) return answer;
  await app.database.transact((tx) =>
    recordAudit(tx, context, {
      action: 'login_failed',
      resourceType: 'user',
      resourceId: user?.id ?? null,
      details: redact({ username }, { secret: [], personal: ['username'] }),
    }),
  );
  throw credentialsInvalid({}, { headers: { 'www-authenticate': 'Bearer' } });
}

/** Opens a session, unless the password was changed or the user switched off while it was being checked. */
async function begin(
  app: Sofipo,
  context: Context,
  checked: UserRow,
  upgraded: string | undefined,
): Promise<TokenAnswer | undefined> {
  const opened = await app.database.transact(async (tx) => {
    const user = await lockUser(tx, checked.id);
    if (!user || user.disabled_at !== null || user.password_hash !== checked.password_hash) return undefined;
    if (upgraded) await replaceHash(tx, { id: user.id, from: user.password_hash, to: upgraded });
    const refresh = await app.families.begin(tx, { subject: String(user.id), client: context.client });
    await recordAudit(tx, context, {
      action: 'login',
      resourceType: 'user',
      resourceId: user.id,
      userId: user.id,
      details: { session_id: refresh.familyId },
    });
    return { user, sessionId: refresh.familyId };
  });
  return opened && tokenOf(app, opened.user, opened.sessionId);
}

/** The access token of a session. */
export async function tokenOf(app: Sofipo, user: UserRow, sessionId: string): Promise<TokenAnswer> {
  const { token, expiresInSeconds } = await app.tokens.sign({
    subject: String(user.id),
    name: user.username,
    role: user.role,
    sessionId,
  });
  return { access_token: token, token_type: 'bearer', expires_in: expiresInSeconds };
}
