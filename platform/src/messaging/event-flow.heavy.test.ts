import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { realDatabases } from '../testing/index.ts';
import type { Broker } from './contract.ts';
import { embeddedBroker } from './embedded-broker.ts';
import { rabbitBroker } from './rabbitmq.ts';
import { type EventFlow, startEventFlow } from './test/event-flow.ts';
import { FaultProxy } from './test/fault-proxy.ts';
import { type MessagingWorld, openMessagingWorld, ownTopology, payment, record } from './test/messaging-world.ts';
import { PrivateRabbitMq, rabbitMqProgram } from './test/private-rabbitmq.ts';
import { realRabbitMq, removeTopology } from './test/real-rabbitmq.ts';

const rabbit = await realRabbitMq();
const program = rabbitMqProgram();
const eventually = { timeout: 60_000, interval: 20 };
const relayProcess = fileURLToPath(import.meta.resolve('./test/relay-process.ts'));

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined || rabbit.unreachable !== undefined)(`events on ${real.name}`, () => {
    let world: MessagingWorld;
    let topology: ReturnType<typeof ownTopology>;
    let flow: EventFlow | undefined;
    const start = (openBroker: (database: MessagingWorld['database']) => Broker, relays = 3): EventFlow => {
      const queue = topology.payments;
      flow = startEventFlow({ world, topology, queue, openBroker, relays, consumers: 2, loans: 12 });
      return flow;
    };

    beforeEach(async () => {
      topology = ownTopology();
      world = await openMessagingWorld(real);
    });
    afterEach(async () => {
      await flow?.stop();
      flow = undefined;
      await removeTopology(rabbit.url, topology);
      await world.close();
    });

    test('cuts, stalls and closed doors under load: nothing lost, nothing done twice, order kept', async () => {
      const proxy = await FaultProxy.start(rabbit.port);
      const url = new URL(rabbit.url);
      url.port = String(proxy.port);
      const own = start(() => rabbitBroker({ url: url.href, topology, timeoutMs: 500 }));
      const isDown = (): void => expect(own.brokers.some(({ health }) => !health.isUp)).toBe(true);
      const isCutOff = (): void => expect(own.turns.at(-1)?.pending).toBeGreaterThan(0);
      for (const [fault, symptom] of [
        [() => proxy.cut(), isDown],
        [() => proxy.stall(), isCutOff],
        [() => proxy.refuse(), isDown],
        [() => proxy.stall(), isCutOff],
        [() => proxy.cut(), isDown],
      ] as const) {
        await vi.waitFor(async () => expect(await world.pending()).toBe(0), eventually);
        for (let wave = 0; wave < 5; wave += 1) await own.write();
        fault();
        await own.write();
        await vi.waitFor(symptom, eventually);
        proxy.heal();
        await own.write();
      }
      await own.untilWhole();
      expect(own.turns.some(({ pending }) => pending > 0)).toBe(true);
      proxy.close();
    });

    test.each([
      { name: 'RabbitMQ', brokerUrl: rabbit.url },
      { name: 'queues in the database', brokerUrl: '' },
    ])(
      'a relay to $name that is killed between confirm and mark: published twice, done once',
      async ({ brokerUrl }) => {
        const openBroker = (database: MessagingWorld['database']): Broker =>
          brokerUrl === ''
            ? embeddedBroker({ database, topology, pollMs: 20, leaseMs: 1_000 })
            : rabbitBroker({ url: brokerUrl, topology });
        const own = start(openBroker, 0);
        await own.write();
        const child = spawn(process.execPath, [relayProcess, world.url, brokerUrl, JSON.stringify(topology)]);
        expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
        expect(await world.pending()).toBe(12);
        const after = start(openBroker, 1);
        await after.untilWhole([0]);
        // Each payment came twice to RabbitMQ; a queue in the database knows those that are still in it.
        expect(after.turns.reduce((sum, { confirmed }) => sum + confirmed, 0)).toBe(12);
      },
    );

    test('a relay that is stopped between confirm and mark holds nobody up, and disturbs nothing when it goes on', async () => {
      const openBroker = (): Broker => rabbitBroker({ url: rabbit.url, topology });
      await start(openBroker, 0).write();
      const child = spawn(process.execPath, [relayProcess, world.url, rabbit.url, JSON.stringify(topology), 'SIGSTOP']);
      try {
        await vi.waitFor(async () => expect(await stateOf(child.pid)).toBe('T'), eventually);
        const own = start(openBroker, 2);
        await own.untilWhole([0]);
        child.kill('SIGCONT');
        await vi.waitFor(async () => expect(await stateOf(child.pid)).not.toBe('T'), eventually);
        for (let wave = 0; wave < 5; wave += 1) await own.write();
        await own.untilWhole([0, 0, 1, 2, 3, 4]);
      } finally {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
    });

    test('connections to the database that are ended under load, with queues in that database', async () => {
      const own = start((database) => embeddedBroker({ database, topology, pollMs: 20, leaseMs: 1_000 }));
      for (let round = 0; round < 6; round += 1) {
        for (let wave = 0; wave < 4; wave += 1) await own.write();
        await endConnections(world);
        await vi.waitFor(async () => expect((await world.effects()).size).toBe(12), eventually);
      }
      await own.untilWhole();
    });

    test('ten thousand that wait are drained', async () => {
      const loans = Array.from({ length: 500 }, (_, loan) => `loan-${loan}`);
      for (let place = 0; place < 20; place += 1) {
        await world.database.transact((tx) => record(tx, ...loans.map((loan) => payment(loan, place))));
      }
      expect(await world.pending()).toBe(10_000);
      start(() => rabbitBroker({ url: rabbit.url, topology }), 2);
      await vi.waitFor(async () => expect(await world.pending()).toBe(0), eventually);
      // A turn is told of after its commit.
      const confirmed = (): number => (flow?.turns ?? []).reduce((sum, turn) => sum + turn.confirmed, 0);
      await vi.waitFor(() => expect(confirmed()).toBe(10_000), eventually);
    });
  });
}

/** One letter, as ps shows it: T is stopped. */
async function stateOf(pid: number | undefined): Promise<string | undefined> {
  return /^State:\s+(\w)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
}

async function endConnections(world: MessagingWorld): Promise<void> {
  const others =
    world.database.dialect.name === 'mysql'
      ? 'select id from information_schema.processlist where db = database() and id <> connection_id()'
      : 'select pid as id from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
  for (const { id } of await world.run(others)) await world.kill(Number(id));
}

describe.skipIf(program.unreachable !== undefined)('a RabbitMQ that is killed', () => {
  test('under load, and comes back: nothing lost, nothing done twice, order kept', async () => {
    const [real] = await realDatabases();
    if (!real) throw new Error('no database');
    const [world, server] = await Promise.all([openMessagingWorld(real), PrivateRabbitMq.start()]);
    const topology = ownTopology();
    const openBroker = (): Broker => rabbitBroker({ url: server.url, topology });
    const queue = topology.payments;
    const flow = startEventFlow({ world, topology, queue, openBroker, relays: 3, consumers: 2, loans: 12 });
    try {
      for (let wave = 0; wave < 20; wave += 1) await flow.write();
      await vi.waitFor(async () => expect((await world.effects()).size).toBeGreaterThan(0), eventually);
      await Promise.all([server.kill(), flow.write()]);
      for (let wave = 0; wave < 5; wave += 1) await flow.write();
      await vi.waitFor(() => expect(flow.brokers.every(({ health }) => !health.isUp)).toBe(true), eventually);
      await server.start();
      await flow.write();
      await flow.untilWhole();
    } finally {
      await flow.stop();
      await server.remove();
      await world.close();
    }
  });
});
