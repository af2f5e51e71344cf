import { actorIdOf } from '@quinta/platform/kernel';
import { idParameter, type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { MoveAcces } from '../app.ts';
import { accessOutput, checkAccess } from './check-access.ts';

const { publicRoute, signedInRoute, route } = routesOf<MoveAcces>();
const tag = 'access';

const codeOutput = z.object({ code: z.string(), valid_from: z.iso.datetime(), valid_until: z.iso.datetime() });
/** Ten minutes ahead, for an app that goes into a cellar. */
const codesMax = 20;

export const accessRoutes: readonly Route<MoveAcces>[] = [
  signedInRoute({
    method: 'GET',
    path: '/users/me/code',
    operation: 'access.code',
    summary: 'The code that you show at a door now, and those that follow it',
    tag,
    query: z.strictObject({ count: z.coerce.number().int().min(1).max(codesMax).default(1) }),
    replies: { 200: z.object({ codes: z.array(codeOutput) }) },
    handle: async ({ app, context, query: { count } }) => {
      const id = actorIdOf(context);
      const codes = Array.from({ length: count }, (_, offset) => app.codes.codeFor(id, offset)).map((one) => ({
        code: one.code,
        valid_from: one.validFrom.toISOString(),
        valid_until: one.validUntil.toISOString(),
      }));
      return { status: 200, body: { codes } };
    },
  }),
  publicRoute({
    method: 'GET',
    path: '/access/key',
    operation: 'access.key',
    summary: 'The public key with which a door tells a good code without a network',
    tag,
    replies: { 200: z.object({ algorithm: z.literal('Ed25519'), public_key: z.string(), step_seconds: z.int() }) },
    isCacheable: true,
    handle: async ({ app }) => ({
      status: 200,
      body: { algorithm: 'Ed25519' as const, public_key: app.codes.publicKey, step_seconds: 30 },
    }),
  }),
  route({
    method: 'POST',
    path: '/access/check',
    operation: 'access.check',
    summary: 'Whether somebody may come in now, named by their key or by the code that they show',
    tag,
    body: z.union([
      z.strictObject({ user_id: idParameter }),
      z.strictObject({ ticket: z.string().min(1).max(200).meta({ description: 'The member code' }) }),
    ]),
    replies: { 200: accessOutput },
    handle: async ({ app, context, body }) => ({ status: 200, body: await checkAccess(app, context, body) }),
  }),
];
