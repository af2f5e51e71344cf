import { actorIdOf } from '@quinta/platform/kernel';
import { plainText, type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { signInLimit } from '../limits.ts';
import { emailInput, memberOf, memberOutput, passwordInput, registrationInput } from '../member/member.ts';
import { registerMember } from '../member/register.ts';
import { changePassword } from './change-password.ts';
import { endAllSessions, endSession, refreshSession, sessionOf, sessionOutput, signOut } from './sessions.ts';
import { signIn, signInOutput, tokensOutput } from './sign-in.ts';

const { publicRoute, signedInRoute } = routesOf<MoveAcces>();
const tag = 'auth';
const refreshInput = z.strictObject({ refresh_token: plainText({ min: 1, max: 500 }) });

export const authRoutes: readonly Route<MoveAcces>[] = [
  publicRoute({
    method: 'POST',
    path: '/auth/register',
    operation: 'auth.register',
    summary: 'Register as a member',
    tag,
    body: registrationInput,
    replies: { 201: memberOutput },
    problems: ['email_taken', 'hashing_overloaded', 'password_too_long', 'password_not_text'],
    handle: async ({ app, context, body }) => ({
      status: 201,
      body: memberOf(await registerMember(app, context, body)),
    }),
  }),
  publicRoute({
    method: 'POST',
    path: '/auth/login',
    operation: 'auth.login',
    summary: 'Sign in with an e-mail address and a password',
    tag,
    // An address that cannot be one is an unknown one, and hears the same.
    body: z.strictObject({ email: z.union([emailInput, plainText({ min: 1, max: 254 })]), password: passwordInput }),
    replies: { 200: signInOutput },
    problems: ['credentials_invalid', 'account_throttled', 'hashing_overloaded', 'password_too_long'],
    rateLimit: signInLimit,
    handle: async ({ app, context, body }) => ({ status: 200, body: await signIn(app, context, body) }),
  }),
  publicRoute({
    method: 'POST',
    path: '/auth/refresh',
    operation: 'auth.refresh',
    summary: 'A new access token for a refresh token',
    tag,
    body: refreshInput,
    replies: { 200: tokensOutput },
    problems: ['refresh_invalid', 'refresh_reused'],
    handle: async ({ app, context, body }) => ({
      status: 200,
      body: await refreshSession(app, context, body.refresh_token),
    }),
  }),
  publicRoute({
    method: 'POST',
    path: '/auth/logout',
    operation: 'auth.logout',
    summary: 'End the session of a refresh token, on every process; 204 whatever the token is',
    tag,
    body: refreshInput,
    replies: { 204: null },
    handle: async ({ app, context, body }) => {
      await signOut(app, context, body.refresh_token);
      return { status: 204, body: undefined };
    },
  }),
  signedInRoute({
    method: 'POST',
    path: '/auth/logout-all',
    operation: 'auth.logout_all',
    summary: 'End all of your sessions, this one included',
    tag,
    replies: { 200: z.object({ sessions_ended: z.int() }) },
    handle: async ({ app, context }) => {
      const ended = await endAllSessions(app, context, { userId: actorIdOf(context), action: 'logout_all' });
      return { status: 200, body: { sessions_ended: ended } };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/users/me/sessions',
    operation: 'session.list',
    summary: 'Where you are signed in, last used first',
    tag,
    replies: { 200: z.object({ sessions: z.array(sessionOutput), count: z.int() }) },
    handle: async ({ app, context, actor }) => {
      const live = await app.families.list(app.database, String(actorIdOf(context)));
      const sessions = live.map((session) => sessionOf(session, actor.sessionId));
      return { status: 200, body: { sessions, count: sessions.length } };
    },
  }),
  signedInRoute({
    method: 'DELETE',
    path: '/users/me/sessions/:session_id',
    operation: 'session.end',
    summary: 'End one of your sessions, on every process',
    tag,
    params: z.object({ session_id: z.guid() }),
    replies: { 204: null },
    problems: ['session_not_found'],
    handle: async ({ app, context, params }) => {
      await endSession(app, context, { userId: actorIdOf(context), sessionId: params.session_id });
      return { status: 204, body: undefined };
    },
  }),
  signedInRoute({
    method: 'POST',
    path: '/users/me/password',
    operation: 'auth.change_password',
    summary: 'Change your password and end all of your other sessions',
    tag,
    body: z.strictObject({ current_password: passwordInput, new_password: passwordInput }),
    replies: { 204: null },
    problems: ['current_password_wrong', 'account_throttled', 'hashing_overloaded', 'password_too_long'],
    rateLimit: signInLimit,
    handle: async ({ app, context, body }) => {
      await changePassword(app, context, { current: body.current_password, next: body.new_password });
      return { status: 204, body: undefined };
    },
  }),
];
