import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../src/kernel/index.ts';
import { type AnyService, placeServices, work, type Working } from '../src/service/index.ts';
import {
  call,
  openServiceWorld,
  ownTopology,
  realRabbitMq,
  removeTopology,
  type ServiceWorld,
  type SmallApp,
  smallMessagingService,
  withRabbit,
  writeNotes,
} from '../src/testing/index.ts';

const rabbit = await realRabbitMq();
const eventually = { timeout: 30_000, interval: 20 };

/** As `quinta worker small` would, on the database of a world. */
async function startWorker(service: AnyService, world: ServiceWorld, more: Record<string, string>) {
  const root = await mkdtemp(path.join(tmpdir(), 'quinta-worker-'));
  const environment = { APP_ENV: 'test', QUINTA_DATA_DIR: root, DATABASE_URL: world.urls.application, ...more };
  const placement = await placeServices([service], { environment, root, log: silentLog, say: () => undefined });
  const logDestination = { write: () => undefined };
  const working: Working = await work({ placement, log: silentLog, logDestination });
  return {
    app: working.services[0]?.opened.app as SmallApp,
    stop: async () => {
      await working.stop(5_000);
      await placement.release();
      await rm(root, { recursive: true });
    },
  };
}

describe('a service with queues in its database', () => {
  let world: ServiceWorld;
  let app: SmallApp;
  beforeEach(async () => {
    world = await openServiceWorld(smallMessagingService(ownTopology()));
    app = world.app as SmallApp;
  });
  afterEach(() => world.close());

  test('hears what it says, does its jobs, and shows how it is', async () => {
    await writeNotes(app.database, 'a', 'b', 'c');
    await vi.waitFor(() => expect(app.heard).toEqual(['a', 'b', 'c']), eventually);
    await vi.waitFor(() => expect(app.done.some((key) => key.startsWith('tick@'))).toBe(true), eventually);
    const ready = await call(`${world.baseUrl}/ready`);
    expect(ready.json()).toMatchObject({ parts: { message_broker: { status: 'up', kind: 'embedded' } } });
    await vi.waitFor(async () => {
      const { text } = await call(`${world.baseUrl}/metrics`);
      for (const line of [
        /^quinta_messages_published_total\{service="small",result="confirmed"\} 3$/m,
        /^quinta_messages_delivered_total\{service="small",queue="\w+_all",result="handled"\} 3$/m,
        /^quinta_outbox_pending\{service="small"\} 0$/m,
        /^quinta_outbox_lag_seconds\{service="small"\} 0$/m,
        /^quinta_message_broker_up\{service="small"\} 1$/m,
        /^quinta_jobs\{state="dead",service="small"\} 0$/m,
        /^quinta_job_run_seconds_count\{service="small",kind="note",result="done"\} [1-9]/m,
      ]) {
        expect(text).toMatch(line);
      }
    }, eventually);
  });
});

describe.skipIf(rabbit.unreachable !== undefined)(`a service with ${rabbit.name}`, () => {
  test('who serves relays; who works consumes', async () => {
    const topology = ownTopology();
    const service = smallMessagingService(topology);
    const environment = { RABBITMQ_URL: rabbit.url };
    const world = await openServiceWorld(service, { environment });
    const server = world.app as SmallApp;
    try {
      await writeNotes(server.database, 'a', 'b');
      await vi.waitFor(async () => {
        const rows = await world.owner.run(
          { kind: 'read', operation: 'test.read', text: 'select id from outbox where published_at is null' },
          [],
        );
        expect(rows.rows).toEqual([]);
      }, eventually);
      const ready = await call(`${world.baseUrl}/ready`);
      expect(ready.json()).toMatchObject({ parts: { message_broker: { status: 'up', kind: 'rabbitmq' } } });
      const worker = await startWorker(service, world, environment);
      await vi.waitFor(() => expect(worker.app.heard).toEqual(['a', 'b']), eventually);
      expect(server.heard).toEqual([]);
      await worker.stop();
    } finally {
      await world.close();
      await removeTopology(rabbit.url, topology);
    }
  });

  test('what nobody has looked at yet leaves before the process does', async () => {
    const topology = ownTopology();
    const environment = { RABBITMQ_URL: rabbit.url };
    const world = await openServiceWorld(smallMessagingService(topology), { environment });
    try {
      await vi.waitFor(async () => {
        const ready = await call(`${world.baseUrl}/ready`);
        expect(ready.json()).toMatchObject({ parts: { message_broker: { status: 'up' } } });
      }, eventually);
      // Written as by another process: no hint tells the relay, and its next poll is up to a second away.
      const text = `insert into outbox (id, event_type, routing_key, entity_id, order_key, payload)
        values ('0190f3a2-5c1e-7a43-9a51-000000000001', 'x', 'test.x', '1', '1', '{}')`;
      await world.owner.transact((tx) => tx.run({ kind: 'write', operation: 'test.write', text }, []));
    } finally {
      await world.close();
    }
    const { messageCount } = await withRabbit(rabbit.url, (connection) =>
      connection.queueDeclare({ queue: topology.all, passive: true }),
    );
    expect(messageCount).toBe(1);
    await removeTopology(rabbit.url, topology);
  });

  test('a broker that is away degrades it, and stops no write', async () => {
    const environment = { RABBITMQ_URL: 'amqp://guest:guest@127.0.0.1:1' };
    const world = await openServiceWorld(smallMessagingService(ownTopology()), { environment });
    try {
      await writeNotes((world.app as SmallApp).database, 'a');
      const ready = await call(`${world.baseUrl}/ready`);
      expect(ready.status).toBe(200);
      expect(ready.json()).toMatchObject({ status: 'degraded', parts: { message_broker: { status: 'down' } } });
    } finally {
      await world.close();
    }
  });
});
