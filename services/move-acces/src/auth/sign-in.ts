import { recordAudit, redact } from '@quinta/platform/audit';
import type { Tx } from '@quinta/platform/database';
import type { IssuedRefresh } from '@quinta/platform/identity';
import type { Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { auditRules, type Member, memberOf, memberOutput } from '../member/member.ts';
import { credentialsInvalid } from '../problems.ts';
import { asGuess } from './account-throttle.ts';
import type { StoredLogin } from './password-store.ts';
import type { Role } from './role-store.ts';

/** What every new pair of tokens comes with. */
export const tokensOutput = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.int().meta({ description: 'Life of the access token in seconds' }),
  refresh_expires_at: z.iso.datetime(),
});

export const signInOutput = tokensOutput.extend({ user: memberOutput });

interface Checked {
  readonly member: Member;
  readonly login: StoredLogin;
}

/**
 * Signs in by address and password. An unknown address, one that two members share, a member without a password and a
 * wrong password hear the same after the same work; each is audited.
 * @throws Problem credentials_invalid, account_throttled or hashing_overloaded
 */
export async function signIn(
  app: MoveAcces,
  context: Context,
  { email, password }: { readonly email: string; readonly password: string },
): Promise<z.output<typeof signInOutput>> {
  const known = await findLogin(app, email);
  const account = { email, userId: known?.member.id };
  const signedIn = await asGuess(app, context, account, async () => {
    const first = await tryPassword(app, context, known, password);
    if (first) return first;
    // The hash is another one where another sign-in has upgraded it, or the password was changed, while it was checked.
    const now = await findLogin(app, email);
    const again = known !== undefined && now !== undefined && now.login.hash !== known.login.hash;
    return again ? tryPassword(app, context, now, password) : undefined;
  });
  if (signedIn) return signedIn;
  await recordFailure(app, context, email, known?.member.id);
  throw credentialsInvalid();
}

async function tryPassword(
  app: MoveAcces,
  context: Context,
  known: Checked | undefined,
  password: string,
): Promise<z.output<typeof signInOutput> | undefined> {
  const check = await app.passwords.verify(password, known?.login.hash);
  if (!known || !check.ok) return undefined;
  const upgraded = check.needsRehash ? await app.passwords.hash(password) : undefined;
  return begin(app, context, known, upgraded);
}

/** The one member of an address with what their password is checked against; as many statements where there is none. */
async function findLogin(app: MoveAcces, email: string): Promise<Checked | undefined> {
  const [member, ...others] = await app.members.findByEmail(app.database, email);
  const login = await app.passwordRows.find(app.database, member ?? { id: 0, email });
  // Two members of one address: letting the first one in would be a guess.
  return member && login && others.length === 0 ? { member, login } : undefined;
}

/** Opens a session, unless the password was changed, here or in the other system, while it was being checked. */
async function begin(
  app: MoveAcces,
  context: Context,
  { member: { id }, login }: Checked,
  upgraded: string | undefined,
): Promise<z.output<typeof signInOutput> | undefined> {
  const opened = await app.database.transact(async (tx) => {
    const member = await app.members.lock(tx, id);
    const now = member && (await app.passwordRows.find(tx, member));
    if (!member || !now || now.hash !== login.hash) return undefined;
    if (upgraded) await app.passwordRows.keep(tx, { id, hash: upgraded, legacyDigest: login.legacyDigest });
    const role = await app.roleRows.find(tx, id);
    const refresh = await app.families.begin(tx, { subject: String(id), client: context.client });
    await recordAudit(tx, context, {
      action: 'login',
      resourceType: 'user',
      resourceId: id,
      userId: id,
      details: { session_id: refresh.familyId, ...(upgraded ? { password_rehashed: true } : {}) },
    });
    return { member, role, refresh };
  });
  if (!opened) return undefined;
  return { ...(await tokensOf(app, opened)), user: memberOf(opened.member) };
}

/** The access token of a session and its refresh token, as they are answered. */
export async function tokensOf(
  app: MoveAcces,
  { member, role, refresh }: { readonly member: Member; readonly role: Role; readonly refresh: IssuedRefresh },
): Promise<z.output<typeof tokensOutput>> {
  const { token, expiresInSeconds } = await app.tokens.sign({
    subject: String(member.id),
    name: member.email,
    role,
    sessionId: refresh.familyId,
  });
  return {
    access_token: token,
    refresh_token: refresh.refreshToken,
    token_type: 'bearer',
    expires_in: expiresInSeconds,
    refresh_expires_at: refresh.refreshExpiresAt.toISOString(),
  };
}

/** Written even though the request fails: failures are what the audit is searched for. */
async function recordFailure(
  app: MoveAcces,
  context: Context,
  email: string,
  userId: number | undefined,
): Promise<void> {
  const record = (tx: Tx): Promise<void> =>
    recordAudit(tx, context, {
      action: 'login_failed',
      resourceType: 'user',
      resourceId: userId ?? null,
      details: redact({ email }, auditRules),
    });
  await app.database.transact(record);
}
