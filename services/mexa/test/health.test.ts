import { silentLog } from '@quinta/platform/kernel';
import { serve } from '@quinta/platform/service';
import { call } from '@quinta/platform/testing';
import { expect, test } from 'vitest';
import { openMexaWorld } from './mexa-world.ts';
import { newestRevision, openEmptyMigrations } from './migrations-world.ts';
import { expectProblem } from './problem-body.ts';
import { sql } from './sql.ts';

test('GET / and GET /health have the bodies that the earlier system had, and the migration', async () => {
  const world = await openMexaWorld();
  try {
    const root = await call(`${world.baseUrl}/`);
    const timestamp = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string;
    expect(root.json()).toEqual({ status: 'ok', service: 'MEXA Core', timestamp });
    const health = await call(`${world.baseUrl}/health`);
    expect(health.status).toBe(200);
    expect(health.json()).toEqual({
      status: 'healthy',
      service: 'MEXA Core',
      timestamp,
      database: {
        host: expect.any(String) as string,
        port: 5432,
        database: expect.stringMatching(/^t_mexa_/) as string,
        status: 'up',
        migration: newestRevision,
        latency_ms: expect.any(Number) as number,
      },
    });
    const password = /:([^:@/]+)@/.exec(world.urls.application)?.[1] ?? '';
    expect(password.length).toBeGreaterThan(10);
    expect(health.text).not.toContain(password);
  } finally {
    await world.close();
  }
});

test('with the database gone the process answers, and says so with a 503', async () => {
  const gone = await openEmptyMigrations();
  await gone.migrator.up();
  const serving = await serve({
    placement: gone.placement,
    log: silentLog,
    isShared: false,
    processCount: 1,
    workerId: 0,
  });
  try {
    expect((await call(`${serving.address}/health`)).status).toBe(200);
    await gone.drop();
    const health = await call(`${serving.address}/health`);
    expect(health.status).toBe(503);
    expect(health.headers.get('retry-after')).toBe('1');
    expect(health.json()).toMatchObject({
      status: 'unhealthy',
      database: {
        status: 'down',
        migration: null,
        latency_ms: null,
        database: expect.stringMatching(/^t_mexa_moved_/) as string,
      },
    });
    expect((await call(`${serving.address}/ready`)).status).toBe(503);
    expect((await call(`${serving.address}/`)).status).toBe(200);
  } finally {
    await serving.stop(1_000);
    await gone.close();
  }
});

test('while the database takes no connection each request is a 503, and afterwards all goes on without a restart', async () => {
  const world = await openMexaWorld();
  const draw = () => world.api('/vales', { token: world.tokens.cajero, body: { amount: '1' } });
  const limitTo = (connections: number) =>
    sql(
      world.owner,
      `do $$ begin execute format('alter database %I connection limit ${connections}', current_database()); end $$`,
    );
  try {
    await sql(world.application, 'select 1'); // this one is let in before the door closes
    await limitTo(0);
    await sql(
      world.application,
      'select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()',
    );
    const refused = await draw();
    expectProblem(refused, 503, 'database_unavailable');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await call(`${world.baseUrl}/health`)).status).toBe(503);
    await limitTo(-1);
    expect((await draw()).status).toBe(201);
    expect((await call(`${world.baseUrl}/health`)).status).toBe(200);
  } finally {
    await world.close();
  }
});
