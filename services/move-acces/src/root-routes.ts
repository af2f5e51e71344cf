import { type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { MoveAcces } from './app.ts';

const { publicRoute } = routesOf<MoveAcces>();
const tag = 'status';

/** The two routes that the earlier system had beside its API, with their bodies. */
export const rootRoutes: readonly Route<MoveAcces>[] = [
  publicRoute({
    method: 'GET',
    path: '/',
    operation: 'status',
    summary: 'The service answers',
    tag,
    replies: {
      200: z.object({ message: z.literal('Move Acces API'), version: z.string(), docs: z.enum(['/docs', 'disabled']) }),
    },
    handle: async ({ app }) => ({
      status: 200,
      body: {
        message: 'Move Acces API' as const,
        version: '1.0.0',
        docs: app.config.DOCS === 'on' ? ('/docs' as const) : ('disabled' as const),
      },
    }),
  }),
  publicRoute({
    method: 'GET',
    path: '/health',
    operation: 'health',
    summary: 'The process lives; what it needs is at /ready',
    tag,
    replies: { 200: z.object({ status: z.literal('healthy'), environment: z.string() }) },
    handle: async ({ app }) => ({
      status: 200,
      body: {
        status: 'healthy' as const,
        environment: app.isInProduction ? 'production' : app.config.ENVIRONMENT,
      },
    }),
  }),
];
