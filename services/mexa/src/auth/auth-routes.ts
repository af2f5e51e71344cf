import { actorIdOf } from '@quinta/platform/kernel';
import { plainText, type RateLimit, type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { Mexa } from '../app.ts';
import { usuarioNotFound } from '../problems.ts';
import { registerUsuario } from '../usuario/make-usuario.ts';
import { emailInput, passwordInput, usernameInput, usuarioOf, usuarioOutput } from '../usuario/usuario.ts';
import { findUsuario } from '../usuario/usuario-store.ts';
import { changePassword } from './change-password.ts';
import { refreshSession, sessionOutput, signIn, signOut } from './sign-in.ts';

const { publicRoute, signedInRoute } = routesOf<Mexa>();
const tag = 'auth';

/** Every attempt counts, whatever its outcome. */
const signInLimit = (app: Mexa): RateLimit => ({
  name: 'sign-in',
  limit: app.config.LOGIN_ATTEMPTS_PER_MINUTE,
  windowMs: 60_000,
});
const registerLimit = (app: Mexa): RateLimit => ({ ...signInLimit(app), name: 'register' });
/** The limiter counts to this and no further. */
const limitMax = 10_000;
const refreshLimit = (app: Mexa): RateLimit => ({
  name: 'refresh',
  limit: Math.min(app.config.LOGIN_ATTEMPTS_PER_MINUTE * 6, limitMax),
  windowMs: 60_000,
});

const loginInput = z
  .strictObject({
    username: plainText({ min: 1, max: 100 }).optional().meta({ description: 'The user name or the e-mail address' }),
    email: plainText({ min: 1, max: 100 }).optional(),
    password: passwordInput,
  })
  .refine(({ username, email }) => (username === undefined) !== (email === undefined), {
    message: 'Expected either username or email',
    path: ['username'],
    params: { type: 'identifier' },
  });

export const authRoutes: readonly Route<Mexa>[] = [
  publicRoute({
    method: 'POST',
    path: '/auth/register',
    operation: 'auth.register',
    summary: 'Register as a usuario',
    tag,
    body: z.strictObject({ username: usernameInput, email: emailInput, password: passwordInput }),
    replies: { 201: usuarioOutput },
    problems: [
      'username_taken',
      'email_taken',
      'registration_closed',
      'hashing_overloaded',
      'idempotency_key_reused',
      'idempotency_running',
    ],
    rateLimit: registerLimit,
    isIdempotent: true,
    handle: async ({ app, context, body, idempotencyKey }) => {
      const answer = await registerUsuario(app, context, body, idempotencyKey);
      return { status: 201, body: answer.body, headers: answer.isReplay ? { 'idempotency-replayed': 'true' } : {} };
    },
  }),
  publicRoute({
    method: 'POST',
    path: '/auth/login',
    operation: 'auth.login',
    summary: 'Sign in with a name or an e-mail address and a password',
    tag,
    body: loginInput,
    replies: { 200: sessionOutput },
    problems: ['credentials_invalid', 'hashing_overloaded'],
    rateLimit: signInLimit,
    handle: async ({ app, context, body }) => {
      const identifier = body.username ?? body.email ?? '';
      return { status: 200, body: await signIn(app, context, { identifier, password: body.password }) };
    },
  }),
  publicRoute({
    method: 'POST',
    path: '/auth/refresh',
    operation: 'auth.refresh',
    summary: 'A new pair of tokens for a refresh token',
    tag,
    body: z.strictObject({ refresh_token: plainText({ min: 1, max: 200 }) }),
    replies: { 200: sessionOutput },
    problems: ['refresh_invalid', 'refresh_reused', 'credentials_invalid'],
    rateLimit: refreshLimit,
    handle: async ({ app, context, body }) => ({
      status: 200,
      body: await refreshSession(app, context, body.refresh_token),
    }),
  }),
  signedInRoute({
    method: 'POST',
    path: '/auth/logout',
    operation: 'auth.logout',
    summary: 'End this session, on every process',
    tag,
    replies: { 204: null },
    handle: async ({ app, context }) => {
      await signOut(app, context);
      return { status: 204, body: undefined };
    },
  }),
  signedInRoute({
    method: 'GET',
    path: '/auth/me',
    operation: 'auth.me',
    summary: 'Who the access token belongs to',
    tag,
    replies: { 200: usuarioOutput },
    problems: ['user_not_found'],
    handle: async ({ app, context }) => {
      const id = actorIdOf(context);
      const user = await findUsuario(app.database, id);
      if (!user) throw usuarioNotFound({ id });
      return { status: 200, body: usuarioOf(user) };
    },
  }),
  signedInRoute({
    method: 'POST',
    path: '/auth/change-password',
    operation: 'auth.change_password',
    summary: 'Change the password and end all other sessions',
    tag,
    body: z.strictObject({ current_password: passwordInput, new_password: passwordInput }),
    replies: { 204: null },
    problems: ['current_password_wrong', 'hashing_overloaded'],
    rateLimit: signInLimit,
    handle: async ({ app, context, body }) => {
      await changePassword(app, context, { current: body.current_password, next: body.new_password });
      return { status: 204, body: undefined };
    },
  }),
];
