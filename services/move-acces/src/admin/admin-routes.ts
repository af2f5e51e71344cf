import {
  auditPage,
  auditPageOutput,
  auditProofRoutes,
  auditSearchQuery,
  recordProofReading,
} from '@quinta/platform/audit';
import { cursorParameter, idParameter, limitParameter, plainText, type Route, routesOf } from '@quinta/platform/http';
import { pageOf } from '@quinta/platform/kernel';
import { z } from 'zod';
import { subscriptionOf, subscriptionOutput } from '../abonnement/abonnement-routes.ts';
import { subscriptionStates } from '../abonnement/standing.ts';
import type { MoveAcces } from '../app.ts';
import { endAllSessions, endSession, sessionOf, sessionOutput } from '../auth/sessions.ts';
import { memberOf, memberOutput, memberParams, profileOf, profileOutput } from '../member/member.ts';
import { memberWith } from '../member/read-member.ts';

const { route } = routesOf<MoveAcces>();
const tag = 'admin';
const word = (max: number) => plainText({ min: 1, max }).optional();

const memberPageOutput = z.object({ members: z.array(memberOutput), count: z.int(), next: z.string().nullable() });
const overviewOutput = z.object({
  today: z.iso.date(),
  states: z.array(z.object({ state: z.enum(subscriptionStates), count: z.int(), current: z.int() })),
});

export const adminRoutes: readonly Route<MoveAcces>[] = [
  route({
    method: 'GET',
    path: '/admin/members',
    operation: 'admin.members',
    summary: 'Members whose name or address begins with a text, or of that key, newest first',
    tag,
    query: z.strictObject({ q: word(254), limit: limitParameter(50, 200), cursor: cursorParameter('id') }),
    replies: { 200: memberPageOutput },
    handle: async ({ app, query: { q, limit, cursor } }) => {
      const beforeId = cursor === undefined ? undefined : Number(cursor[0]);
      const text = q?.trim().toLowerCase();
      const found = await app.members.search(app.database, { text, beforeId, limit: limit + 1 });
      const { items, next } = pageOf(found, limit, ({ id }) => [id]);
      return { status: 200, body: { members: items.map(memberOf), count: items.length, next } };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/members/:user_id',
    operation: 'admin.member',
    summary: 'A member with their subscriptions',
    tag,
    params: memberParams,
    replies: { 200: z.object({ user: profileOutput, role: z.string(), abonnements: z.array(subscriptionOutput) }) },
    problems: ['user_not_found'],
    handle: async ({ app, context, params: { user_id: id } }) => {
      const user = profileOf(await memberWith(app, id));
      const now = context.clock.now();
      const abonnements = (await app.subscriptions.list(app.database, id)).map((one) => subscriptionOf(one, now));
      return { status: 200, body: { user, role: await app.roleRows.find(app.database, id), abonnements } };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/members/:user_id/sessions',
    operation: 'admin.sessions',
    summary: 'Where a member is signed in',
    tag,
    params: memberParams,
    replies: { 200: z.object({ sessions: z.array(sessionOutput), count: z.int() }) },
    handle: async ({ app, actor, params }) => {
      const live = await app.families.list(app.database, String(params.user_id));
      const sessions = live.map((session) => sessionOf(session, actor.sessionId));
      return { status: 200, body: { sessions, count: sessions.length } };
    },
  }),
  route({
    method: 'DELETE',
    path: '/admin/members/:user_id/sessions',
    operation: 'admin.end_sessions',
    summary: 'End all sessions of a member, on every process',
    tag,
    params: memberParams,
    replies: { 200: z.object({ sessions_ended: z.int() }) },
    handle: async ({ app, context, params: { user_id: userId } }) => {
      const ended = await endAllSessions(app, context, { userId, action: 'sessions_revoked' });
      return { status: 200, body: { sessions_ended: ended } };
    },
  }),
  route({
    method: 'DELETE',
    path: '/admin/members/:user_id/sessions/:session_id',
    operation: 'admin.end_session',
    summary: 'End one session of a member, on every process',
    tag,
    params: z.object({ user_id: idParameter, session_id: z.guid() }),
    replies: { 204: null },
    problems: ['session_not_found'],
    handle: async ({ app, context, params }) => {
      await endSession(app, context, { userId: params.user_id, sessionId: params.session_id });
      return { status: 204, body: undefined };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/abonnements/overview',
    operation: 'admin.abonnements',
    summary: 'How many subscriptions there are of each state, and how many are good today (UTC)',
    tag,
    replies: { 200: overviewOutput },
    handle: async ({ app, context }) => {
      const today = context.clock.now().toISOString().slice(0, 10);
      const states = [...(await app.subscriptions.overview(app.database, today))];
      return { status: 200, body: { today, states } };
    },
  }),
  route({
    method: 'GET',
    path: '/admin/audit-logs',
    operation: 'admin.audit',
    summary: 'Audit rows, newest first',
    tag,
    query: auditSearchQuery,
    replies: { 200: auditPageOutput },
    handle: async ({ app, context, query }) => ({ status: 200, body: await auditPage(app, context, query) }),
  }),
  ...auditProofRoutes<MoveAcces>({ ledgerOf: ({ ledger }) => ledger, recordReading: recordProofReading }),
];
