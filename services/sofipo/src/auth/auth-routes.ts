import { plainText, type RateLimit, type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { Sofipo } from '../app.ts';
import { signIn, tokenOutput } from './sign-in.ts';

const { publicRoute, signedInRoute } = routesOf<Sofipo>();
const tag = 'auth';

/** The OAuth2 password form; what it has besides is accepted and of no effect. */
const formInput = z.strictObject({
  username: plainText({ min: 1, max: 50 }),
  password: z.string().min(1).meta({ format: 'password' }),
  grant_type: z.literal(['password', '']).optional(),
  scope: plainText({ max: 255 }).optional(),
  client_id: plainText({ max: 255 }).optional(),
  client_secret: plainText({ max: 255 }).optional(),
});

const signInLimit = (app: Sofipo): RateLimit => ({
  name: 'sign-in',
  limit: app.config.LOGIN_ATTEMPTS_PER_MINUTE,
  windowMs: 60_000,
});

export const authRoutes: readonly Route<Sofipo>[] = [
  publicRoute({
    method: 'POST',
    path: '/auth/token',
    operation: 'auth.token',
    summary: 'Sign in with a form of username and password',
    tag,
    bodyType: 'form',
    body: formInput,
    replies: { 200: tokenOutput },
    problems: ['credentials_invalid', 'hashing_overloaded', 'password_too_long', 'password_not_text'],
    rateLimit: signInLimit,
    handle: async ({ app, context, body }) => ({
      status: 200,
      body: await signIn(app, context, body),
      headers: { 'cache-control': 'no-store', pragma: 'no-cache' },
    }),
  }),
  signedInRoute({
    method: 'GET',
    path: '/auth/me',
    operation: 'auth.me',
    summary: 'Who the access token belongs to',
    tag,
    replies: { 200: z.object({ id: z.string(), username: z.string(), role: z.string() }) },
    handle: async ({ actor: { id, name: username, role } }) => ({ status: 200, body: { id, username, role } }),
  }),
];
