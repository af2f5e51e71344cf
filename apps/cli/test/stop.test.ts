import { call, type HttpAnswer } from '@quinta/platform/testing';
import { writeStatement } from '@quinta/platform/database';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { apiOf, demoPassword, signIn } from './clients.ts';
import { expectNothingRuns, openPlace, patience, type Place, type Server, type Variables } from './place.ts';
import { embeddedUrl, onDatabase, rowsOf } from './rows.ts';
import { openSlowPost } from './slow-request.ts';

let place: Place;
beforeEach(() => {
  place = openPlace();
});
afterEach(() => place.close());

const voucher = { amount: '3.00', request_id: '00000000-0000-4000-8000-000000000003' };

async function startWithClerk(variables: Variables = {}): Promise<{ server: Server; token: string }> {
  const server = await place.start(['start', 'mexa'], variables);
  return { server, token: await signIn(apiOf(server), 'cajero.demo', demoPassword(place)) };
}

function untilStopping(server: Server): Promise<void> {
  return vi.waitFor(() => expect(server.stderr()).toContain('requests in flight end first'), patience);
}

test('SIGTERM: the request in flight ends with its answer, readiness is 503 meanwhile, more signals change nothing', async () => {
  const { server, token } = await startWithClerk();
  expect((await call(`${server.address}/ready`)).status).toBe(200);
  const slow = await openSlowPost(server.port, '/api/v1/vales', { token, body: voucher });
  server.signal('SIGTERM');
  await untilStopping(server);
  const ready = await call(`${server.address}/ready`);
  expect(ready.status).toBe(503);
  expect(ready.headers.get('retry-after')).toBe('1');
  expect(ready.json()).toMatchObject({
    status: 'down',
    parts: { process: { status: 'down' }, database: { status: 'up' } },
  });
  server.signal('SIGTERM');
  server.signal('SIGINT');
  server.signalGroup('SIGTERM');
  // Still there after these, or this answer would not come.
  expect((await call(`${server.address}/ready`)).status).toBe(503);
  expect(await slow.finish()).toMatch(/^HTTP\/1\.1 201 Created/m);
  const ended = await server.ended;
  expect(ended).toMatchObject({ status: 0, signal: null });
  expect(ended.stderr.match(/Stopping \(/g)).toHaveLength(1);
  await expectNothingRuns(place, server);
});

test('SIGTERM: a request that waits for a lock in the database ends with its answer', async () => {
  const { server, token } = await startWithClerk({
    DATABASE_LOCK_TIMEOUT_MS: '60000',
    DATABASE_STATEMENT_TIMEOUT_MS: '60000',
  });
  const url = await embeddedUrl(place, '--admin');
  let held: Promise<HttpAnswer> | undefined;
  await onDatabase(url, async (database) => {
    await database.transact(async (tx) => {
      await tx.run(writeStatement('test.lock', 'lock table vales in exclusive mode'), []);
      held = call(`${apiOf(server)}/vales`, { token, body: voucher });
      await vi.waitFor(async () => {
        const waiting = await rowsOf(database, 'select 1 from pg_locks where not granted');
        expect(waiting).toHaveLength(1);
      }, patience);
      server.signal('SIGTERM');
      await untilStopping(server);
      expect((await call(`${server.address}/ready`)).status).toBe(503);
    });
  });
  expect((await held)?.status).toBe(201);
  expect(await server.ended).toMatchObject({ status: 0, signal: null });
  await expectNothingRuns(place, server);
});

test('SIGTERM: what does not end within SHUTDOWN_TIMEOUT_MS is cut off, and the exit is clean', async () => {
  const { server, token } = await startWithClerk({ SHUTDOWN_TIMEOUT_MS: '200' });
  const slow = await openSlowPost(server.port, '/api/v1/vales', { token, body: voucher });
  expect(await server.stop()).toMatchObject({ status: 0, signal: null });
  expect(await slow.closed).not.toContain('201');
  await expectNothingRuns(place, server);
});

test.each([['SIGINT'], ['SIGHUP']] as const)('%s stops as SIGTERM does', async (signal) => {
  const server = await place.start(['start', '--all']);
  server.signal(signal);
  const ended = await server.ended;
  expect(ended).toMatchObject({ status: 0, signal: null });
  expect(ended.stderr).toContain(`Stopping (${signal})`);
  await expectNothingRuns(place, server);
});

test('a signal during the first start leaves nothing running and nothing half made', async () => {
  // Ctrl-C reaches what the start has started too: what was half made is made anew.
  const first = place.launch(['start', '--all']);
  await vi.waitFor(() => expect(first.stderr()).toContain('Making a PostgreSQL'), patience);
  first.signalGroup('SIGINT');
  await first.ended;
  await expectNothingRuns(place, first);
  const second = await place.start(['start', '--all']);
  expect((await call(`${second.address}/mexa/ready`)).status).toBe(200);
  expect(await second.stop()).toMatchObject({ status: 0, signal: null });
});

test('a signal to the process during its start is obeyed once it has started', async () => {
  const running = place.launch(['start', '--all']);
  await vi.waitFor(() => expect(running.stderr()).toContain('mexa/v001_initial_schema: up'), patience);
  running.signal('SIGTERM');
  expect(await running.ended).toMatchObject({ status: 0, signal: null });
  await expectNothingRuns(place, running);
});

test('a signal while the start waits for its database ends the wait', async () => {
  // Port 1 of this host: nobody listens there.
  const waiting = place.launch(['start', 'mexa'], { DATABASE_URL: 'postgresql://nobody:nothing@127.0.0.1:1/mexa' });
  await vi.waitFor(() => expect(waiting.stderr()).toContain('waiting for at most 30 s'), patience);
  waiting.signal('SIGTERM');
  const ended = await waiting.ended;
  expect(ended).toMatchObject({ status: 1, signal: null });
  expect(ended.stderr).toContain('Stopped (SIGTERM) before the database answered');
});
