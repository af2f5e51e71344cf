import { type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { Sofipo } from './app.ts';

const { publicRoute } = routesOf<Sofipo>();

export const rootRoutes: readonly Route<Sofipo>[] = [
  publicRoute({
    method: 'GET',
    path: '/',
    operation: 'status',
    summary: 'The service answers',
    tag: 'status',
    replies: { 200: z.object({ message: z.literal('Bienvenido a SOFIPO API') }) },
    handle: async () => ({ status: 200, body: { message: 'Bienvenido a SOFIPO API' as const } }),
  }),
];
