import { recordAudit } from '@quinta/platform/audit';
import type { Context } from '@quinta/platform/kernel';
import { z } from 'zod';
import { currentOf, subscriptionOf, subscriptionOutput } from '../abonnement/abonnement-routes.ts';
import type { MoveAcces } from '../app.ts';
import { type Member, memberOf, memberOutput } from '../member/member.ts';
import { codeDigest, stepMs } from './member-code.ts';

export const accessOutput = z.object({
  allowed: z.boolean(),
  reason: z
    .enum([
      'current',
      'none',
      'not_started',
      'ended',
      'paused',
      'expired',
      'canceled',
      'pending',
      'unknown_member',
      'code_invalid',
      'code_used',
    ])
    .meta({ description: 'Why; only `current` lets in' }),
  checked_at: z.iso.datetime(),
  user: memberOutput.nullable(),
  abonnement: subscriptionOutput.nullable(),
});

type Answer = z.output<typeof accessOutput>;

/** Who stands at the door: named by staff, or by the code that they show. */
export type Visitor = { readonly user_id: number } | { readonly ticket: string };

/** A code is remembered until it could not be good any more, so that it opens one door once. */
const usedMs = 4 * stepMs;

/** Says whether somebody may come in now, by their subscription, and why; each answer is audited. */
export async function checkAccess(app: MoveAcces, context: Context, visitor: Visitor): Promise<Answer> {
  const now = context.clock.now();
  const known = await whoIs(app, visitor);
  const member = known.memberId === undefined ? undefined : await app.members.find(app.database, known.memberId);
  const answer = member ? await standingAnswer(app, member, now) : refusal(known.refusal ?? 'unknown_member', now);
  await app.database.transact((tx) =>
    recordAudit(tx, context, {
      action: answer.allowed ? 'access_allowed' : 'access_refused',
      resourceType: 'user',
      resourceId: known.memberId ?? null,
      details: { reason: answer.reason, by: 'ticket' in visitor ? 'code' : 'user_id' },
    }),
  );
  return answer;
}

async function whoIs(
  app: MoveAcces,
  visitor: Visitor,
): Promise<{ readonly memberId?: number; readonly refusal?: 'code_invalid' | 'code_used' }> {
  if (!('ticket' in visitor)) return { memberId: visitor.user_id };
  const read = app.codes.read(visitor.ticket);
  if (!read) return { refusal: 'code_invalid' };
  return (await isFirstUse(app, visitor.ticket)) ? { memberId: read.memberId } : { refusal: 'code_used' };
}

/** Where the store is gone nobody can tell, and a member is not left standing outside for that. */
async function isFirstUse({ keyValue, log }: MoveAcces, code: string): Promise<boolean> {
  try {
    return await keyValue.setIfAbsent(`move-acces:code:${codeDigest(code)}`, '1', { ttlMs: usedMs });
  } catch (error) {
    log.warn({ error }, 'Whether a member code was used before cannot be told: it is taken for new');
    return true;
  }
}

async function standingAnswer(app: MoveAcces, member: Member, now: Date): Promise<Answer> {
  const { current, reason } = currentOf(await app.subscriptions.list(app.database, member.id), now);
  return {
    allowed: current !== undefined,
    reason,
    checked_at: now.toISOString(),
    user: memberOf(member),
    abonnement: current ? subscriptionOf(current, now) : null,
  };
}

function refusal(reason: 'unknown_member' | 'code_invalid' | 'code_used', now: Date): Answer {
  return { allowed: false, reason, checked_at: now.toISOString(), user: null, abonnement: null };
}
