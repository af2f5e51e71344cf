import { recordAudit } from '@quinta/platform/audit';
import { refreshInvalid, refusalOf, type Rotation, type Session } from '@quinta/platform/identity';
import type { Tx } from '@quinta/platform/database';
import { actorIdOf, type Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { sessionNotFound } from '../problems.ts';
import { tokensOf, type tokensOutput } from './sign-in.ts';

export const sessionOutput = z.object({
  id: z.guid(),
  device: z.string().meta({ description: 'A name for people, from the user agent' }),
  user_agent: z.string(),
  ip_address: z.string(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime(),
  expires_at: z.iso.datetime(),
  is_current: z.boolean(),
});

export function sessionOf(session: Session, currentId: string | undefined): z.output<typeof sessionOutput> {
  return {
    id: session.id,
    device: deviceOf(session.userAgent),
    user_agent: session.userAgent,
    ip_address: session.address,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    is_current: session.id === currentId,
  };
}

const systems: readonly (readonly [RegExp, string])[] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X|Macintosh/, 'Mac'],
  [/Linux|X11/, 'Linux'],
];
const programs: readonly (readonly [RegExp, string])[] = [
  [/Dart\//, 'the app'],
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];

/** `Firefox on Linux`; what names neither is shown by its first word. */
export function deviceOf(userAgent: string): string {
  const system = systems.find(([form]) => form.test(userAgent))?.[1];
  const program = programs.find(([form]) => form.test(userAgent))?.[1];
  if (program && system) return `${program} on ${system}`;
  return program ?? system ?? (userAgent.split(/[\s/]/)[0] || 'unknown device');
}

/** Tells the member's other devices which sessions have ended, on whichever process they are connected. */
export function tellOfEnd({ hub }: MoveAcces, tx: Tx, userId: number, sessionIds: readonly string[]): void {
  tx.afterCommit(() => {
    for (const id of sessionIds) hub.push(userId, { type: 'session_revoked', session_id: id });
  });
}

/**
 * A new access token for a refresh token. A stolen one ends the session everywhere, which is audited.
 * @throws Problem refresh_invalid or refresh_reused
 */
export async function refreshSession(
  app: MoveAcces,
  context: Context,
  refreshToken: string,
): Promise<z.output<typeof tokensOutput>> {
  const { rotation, found } = await app.database.transact(async (tx) => {
    const rotated =
      app.config.REFRESH_MODE === 'compatible'
        ? await app.families.prolong(tx, refreshToken, context.client)
        : await app.families.rotate(tx, refreshToken, context.client);
    const id = rotated.outcome === 'invalid' ? undefined : Number(rotated.subject);
    const owner = id === undefined ? undefined : await app.members.findWithRole(tx, id);
    const entry = refreshEntry(rotated);
    if (entry) await recordAudit(tx, context, entry);
    if (rotated.outcome === 'reused') tellOfEnd(app, tx, Number(rotated.subject), [rotated.familyId]);
    // A member whom the other system has deleted has no session any more.
    if (id !== undefined && !owner) await app.families.revokeAllOf(tx, String(id), 'member gone');
    return { rotation: rotated, found: owner };
  });
  const refusal = refusalOf(rotation);
  if (refusal) throw refusal;
  if (!found || (rotation.outcome !== 'rotated' && rotation.outcome !== 'replayed')) throw refreshInvalid();
  return tokensOf(app, { ...found, refresh: rotation });
}

function refreshEntry(rotated: Rotation) {
  if (rotated.outcome === 'invalid' || rotated.outcome === 'replayed') return undefined;
  const action = { rotated: 'refresh', reused: 'token_theft', revoked: 'refresh_failed', expired: 'refresh_failed' };
  return {
    action: action[rotated.outcome],
    resourceType: 'session',
    resourceId: rotated.familyId,
    userId: Number(rotated.subject),
    details: { outcome: rotated.outcome },
  };
}

/** Ends the session of a refresh token; one that is none ends nothing, and its client hears the same. */
export async function signOut(app: MoveAcces, context: Context, refreshToken: string): Promise<void> {
  await app.database.transact(async (tx) => {
    const family = await app.families.familyOf(tx, refreshToken);
    if (!family || !(await app.families.revoke(tx, family.familyId, 'logout'))) return;
    tellOfEnd(app, tx, Number(family.subject), [family.familyId]);
    await recordAudit(tx, context, {
      action: 'logout',
      resourceType: 'session',
      resourceId: family.familyId,
      userId: Number(family.subject),
    });
  });
}

/** Ends all sessions of a member, by themselves or by staff; resolves to how many. */
export async function endAllSessions(
  app: MoveAcces,
  context: Context,
  { userId, action }: { readonly userId: number; readonly action: 'logout_all' | 'sessions_revoked' },
): Promise<number> {
  return app.database.transact(async (tx) => {
    const ended = await app.families.revokeAllOf(tx, String(userId), action);
    if (ended.length === 0) return 0;
    tellOfEnd(app, tx, userId, ended);
    await recordAudit(tx, context, {
      action,
      resourceType: 'user',
      resourceId: userId,
      details: { sessions: ended.length },
    });
    return ended.length;
  });
}

/**
 * Ends one session of a member.
 * @throws Problem session_not_found for one that is not live, or somebody else's
 */
export async function endSession(
  app: MoveAcces,
  context: Context,
  { userId, sessionId }: { readonly userId: number; readonly sessionId: string },
): Promise<void> {
  await app.database.transact(async (tx) => {
    const mine = await app.families.list(tx, String(userId));
    const isMine = mine.some(({ id }) => id === sessionId);
    if (!isMine || !(await app.families.revoke(tx, sessionId, 'ended by hand'))) {
      throw sessionNotFound({ id: sessionId });
    }
    tellOfEnd(app, tx, userId, [sessionId]);
    await recordAudit(tx, context, {
      action: 'session_revoked',
      resourceType: 'session',
      resourceId: sessionId,
      details: { user_id: userId, by_owner: actorIdOf(context) === userId },
    });
  });
}
