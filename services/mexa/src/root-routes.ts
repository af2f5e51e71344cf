import { type Route, routesOf } from '@quinta/platform/http';
import { z } from 'zod';
import type { Mexa } from './app.ts';

const { publicRoute } = routesOf<Mexa>();
const tag = 'status';
const service = 'MEXA Core';

const databaseOutput = z.object({
  host: z.string(),
  port: z.int(),
  database: z.string(),
  status: z.enum(['up', 'down']),
  migration: z.string().nullable(),
  latency_ms: z.number().nullable(),
});

const healthOutput = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  service: z.string(),
  timestamp: z.iso.datetime(),
  database: databaseOutput,
});

/** The two routes that the earlier system had, with their bodies; the health check now really asks the database. */
export const rootRoutes: readonly Route<Mexa>[] = [
  publicRoute({
    method: 'GET',
    path: '/',
    operation: 'status',
    summary: 'The service answers',
    tag,
    replies: { 200: z.object({ status: z.literal('ok'), service: z.string(), timestamp: z.iso.datetime() }) },
    handle: async ({ context }) => ({
      status: 200,
      body: { status: 'ok' as const, service, timestamp: context.clock.now().toISOString() },
    }),
  }),
  publicRoute({
    method: 'GET',
    path: '/health',
    operation: 'health',
    summary: 'The database answers, and which migration it has',
    tag,
    replies: { 200: healthOutput, 503: healthOutput },
    handle: async ({ app, context }) => {
      const database = await probe(app);
      const isUp = database.status === 'up';
      const timestamp = context.clock.now().toISOString();
      if (isUp) return { status: 200, body: { status: 'healthy' as const, service, timestamp, database } };
      const body = { status: 'unhealthy' as const, service, timestamp, database };
      return { status: 503, body, headers: { 'retry-after': '1' } };
    },
  }),
];

async function probe(app: Mexa): Promise<z.output<typeof databaseOutput>> {
  const started = performance.now();
  try {
    const migration = await app.schemaVersion();
    const latency = Math.round((performance.now() - started) * 10) / 10;
    return { ...app.databaseAddress, status: 'up', migration, latency_ms: latency };
  } catch (error) {
    app.log.warn({ error }, 'The health check could not ask the database');
    return { ...app.databaseAddress, status: 'down', migration: null, latency_ms: null };
  }
}
