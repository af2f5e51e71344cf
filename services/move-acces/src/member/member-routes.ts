import { searchAudit } from '@quinta/platform/audit';
import { cursorParameter, limitParameter, type Route, routesOf } from '@quinta/platform/http';
import { actorIdOf, encodeCursor } from '@quinta/platform/kernel';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { changeProfile } from './change-profile.ts';
import { type Member, profileInput, profileOf, profileOutput } from './member.ts';
import { memberWith } from './read-member.ts';

const { signedInRoute } = routesOf<MoveAcces>();
const tag = 'users';

const ownAuditOutput = z.object({
  id: z.int(),
  action: z.string(),
  ip_address: z.string().nullable(),
  user_agent: z.string().nullable(),
  details: z.record(z.string(), z.unknown()).nullable(),
  created_at: z.iso.datetime(),
});

export const memberRoutes: readonly Route<MoveAcces>[] = [
  signedInRoute({
    method: 'GET',
    path: '/users/me',
    operation: 'user.me',
    summary: 'Your profile',
    tag,
    replies: { 200: profileOutput },
    problems: ['user_not_found'],
    isCacheable: true,
    handle: async ({ app, context }) => ({
      status: 200,
      body: profileOf(await memberWith(app, actorIdOf(context))),
    }),
  }),
  signedInRoute({
    method: 'PATCH',
    path: '/users/me',
    operation: 'user.update_me',
    summary: 'Change your profile; what is left out stays, and `tel: null` takes the number away',
    tag,
    body: profileInput,
    replies: { 200: profileOutput },
    problems: ['user_not_found', 'precondition_failed'],
    isCacheable: true,
    handle: async ({ app, context, body, requireMatch }) => {
      const check = (before: Member): void => requireMatch(profileOf(before));
      const changed = await changeProfile(app, context, actorIdOf(context), { change: body, check });
      return { status: 200, body: profileOf(changed) };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/users/me/audit',
    operation: 'user.audit',
    summary: 'What was done in your name, newest first',
    tag,
    query: z.strictObject({ limit: limitParameter(50, 200), cursor: cursorParameter('id') }),
    replies: { 200: z.object({ audit: z.array(ownAuditOutput), count: z.int(), next: z.string().nullable() }) },
    handle: async ({ app, context, query: { limit, cursor } }) => {
      const beforeId = cursor === undefined ? undefined : Number(cursor[0]);
      const filter = { userId: String(actorIdOf(context)) };
      const { rows, next } = await searchAudit(app.database, filter, { beforeId, limit });
      const audit = rows.map(({ id, action, details, created_at: at, ...row }) => ({
        id,
        action,
        ip_address: row.ip_address,
        user_agent: row.user_agent,
        details,
        created_at: at.toISOString(),
      }));
      const body = { audit, count: audit.length, next: next === undefined ? null : encodeCursor([next]) };
      return { status: 200, body };
    },
  }),
];
