import { recordAudit, redact } from '@quinta/platform/audit';
import { type IssuedRefresh, refusalOf } from '@quinta/platform/identity';
import type { Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { Mexa } from '../app.ts';
import { credentialsInvalid } from '../problems.ts';
import type { UsuarioRow } from '../tables.ts';
import { usuarioOf, usuarioOutput } from '../usuario/usuario.ts';
import { findUsuarioByLogin, holdUsuario, lockUsuario, replacePasswordHash } from '../usuario/usuario-store.ts';

/** What a sign-in or a refresh answers. */
export const sessionOutput = z.object({
  access_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.int().meta({ description: 'Life of the access token in seconds' }),
  refresh_token: z.string(),
  refresh_expires_at: z.iso.datetime(),
  user: usuarioOutput,
});

export type SessionAnswer = z.output<typeof sessionOutput>;

/**
 * Signs in by name or e-mail address and password. A wrong password, an unknown name and a user who is switched off
 * hear the same after the same work; each is audited.
 * @throws Problem credentials_invalid or hashing_overloaded
 */
export async function signIn(
  app: Mexa,
  context: Context,
  credentials: { readonly identifier: string; readonly password: string },
): Promise<SessionAnswer> {
  const { identifier, password } = credentials;
  const user = await findUsuarioByLogin(app.database, identifier);
  const first = await tryPassword(app, context, user, password);
  if (first) return first;
  // The hash was another one by the time it was locked: another sign-in has upgraded it, or the password was changed.
  const now = user && (await findUsuarioByLogin(app.database, identifier));
  const again = now && now.password_hash !== user.password_hash;
  const second = again ? await tryPassword(app, context, now, password) : undefined;
  if (second) return second;
  await recordFailure(app, context, identifier, user);
  throw credentialsInvalid();
}

async function tryPassword(
  app: Mexa,
  context: Context,
  user: UsuarioRow | undefined,
  password: string,
): Promise<SessionAnswer | undefined> {
  const stored = user?.disabled_at === null ? user.password_hash : undefined;
  const check = await app.passwords.verify(password, stored);
  if (!user || !check.ok) return undefined;
  const upgraded = check.needsRehash ? await app.passwords.hash(password) : undefined;
  return begin(app, context, user, upgraded);
}

/** A new pair of tokens for a refresh token; a stolen one ends the session everywhere. */
export async function refreshSession(app: Mexa, context: Context, refreshToken: string): Promise<SessionAnswer> {
  const { rotation, user } = await app.database.transact(async (tx) => {
    const owner = await app.families.familyOf(tx, refreshToken);
    const subject = owner && (await holdUsuario(tx, Number(owner.subject)));
    const rotated = await app.families.rotate(tx, refreshToken, context.client);
    if (rotated.outcome === 'reused') {
      await recordAudit(tx, context, {
        action: 'token_theft',
        resourceType: 'session',
        resourceId: null,
        userId: Number(rotated.subject),
        details: { session_id: rotated.familyId },
      });
    }
    return { rotation: rotated, user: subject };
  });
  const refusal = refusalOf(rotation);
  if (refusal) throw refusal;
  if (rotation.outcome !== 'rotated' && rotation.outcome !== 'replayed') throw credentialsInvalid();
  if (!user || user.disabled_at !== null) throw credentialsInvalid();
  return answerOf(app, user, rotation);
}

/** Ends the session of the caller's access token, on every process. */
export async function signOut(app: Mexa, context: Context): Promise<void> {
  const { actor } = context;
  if (!actor) return;
  await app.database.transact(async (tx) => {
    await holdUsuario(tx, Number(actor.id));
    if (!(await app.families.revoke(tx, actor.sessionId, 'logout'))) return;
    await recordAudit(tx, context, { action: 'logout', resourceType: 'usuario', resourceId: Number(actor.id) });
  });
}

/** Opens a session, unless the password was changed or the user switched off while it was being checked. */
async function begin(
  app: Mexa,
  context: Context,
  checked: UsuarioRow,
  upgradedHash: string | undefined,
): Promise<SessionAnswer | undefined> {
  const opened = await app.database.transact(async (tx) => {
    const user = await lockUsuario(tx, checked.id);
    if (!user || user.disabled_at !== null || user.password_hash !== checked.password_hash) return undefined;
    if (upgradedHash) await replacePasswordHash(tx, { id: user.id, from: user.password_hash, to: upgradedHash });
    const refresh = await app.families.begin(tx, { subject: String(user.id), client: context.client });
    await recordAudit(tx, context, {
      action: 'login_success',
      resourceType: 'usuario',
      resourceId: user.id,
      userId: user.id,
      details: { session_id: refresh.familyId },
    });
    return { user, refresh };
  });
  return opened && answerOf(app, opened.user, opened.refresh);
}

/** Written even though the request fails: failures are what the audit is searched for. */
async function recordFailure(
  app: Mexa,
  context: Context,
  identifier: string,
  user: UsuarioRow | undefined,
): Promise<void> {
  await app.database.transact((tx) =>
    recordAudit(tx, context, {
      action: 'login_failed',
      resourceType: 'usuario',
      resourceId: user?.id ?? null,
      details: redact({ identifier }, { secret: [], personal: ['identifier'] }),
    }),
  );
}

async function answerOf(app: Mexa, user: UsuarioRow, refresh: IssuedRefresh): Promise<SessionAnswer> {
  const { token, expiresInSeconds } = await app.tokens.sign({
    subject: String(user.id),
    name: user.username,
    role: user.role,
    sessionId: refresh.familyId,
  });
  return {
    access_token: token,
    token_type: 'bearer',
    expires_in: expiresInSeconds,
    refresh_token: refresh.refreshToken,
    refresh_expires_at: refresh.refreshExpiresAt.toISOString(),
    user: usuarioOf(user),
  };
}
