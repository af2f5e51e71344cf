import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keptLog } from '../testing/index.ts';
import { type Broker, BrokerUnavailable } from './contract.ts';
import { rabbitBroker, type RabbitBrokerOptions } from './rabbitmq.ts';
import { FaultProxy } from './test/fault-proxy.ts';
import { outgoing, ownTopology } from './test/messaging-world.ts';
import { realRabbitMq, removeTopology, withRabbit } from './test/real-rabbitmq.ts';

const rabbit = await realRabbitMq();
const eventually = { timeout: 60_000, interval: 20 };

describe.skipIf(rabbit.unreachable !== undefined)(`faults of ${rabbit.name}`, () => {
  let topology: ReturnType<typeof ownTopology>;
  let proxy: FaultProxy;
  const brokers: Broker[] = [];
  const open = (more: Partial<RabbitBrokerOptions> = {}): Broker => {
    const broker = rabbitBroker({ url: rabbit.url, topology, ...more });
    brokers.push(broker);
    return broker;
  };
  const throughProxy = (): string => {
    const url = new URL(rabbit.url);
    url.port = String(proxy.port);
    return url.href;
  };

  beforeEach(async () => {
    topology = ownTopology();
    proxy = await FaultProxy.start(rabbit.port);
  });
  afterEach(async () => {
    proxy.heal();
    await Promise.all(brokers.splice(0).map((broker) => broker.close()));
    proxy.close();
    await removeTopology(rabbit.url, topology);
  });

  test('a queue and an exchange that exist with other arguments are used as they are, and the log says so', async () => {
    const { exchange, payments } = topology;
    await withRabbit(rabbit.url, async (connection) => {
      await connection.queueDeclare({ queue: payments, durable: true, arguments: { 'x-max-length': 1_000 } });
      await connection.exchangeDeclare({ exchange, type: 'direct', durable: true });
    });
    const log = keptLog();
    const broker = open({ log });
    await vi.waitFor(() => broker.ping(), eventually);
    await withRabbit(rabbit.url, (connection) =>
      connection.queueBind({ exchange, queue: payments, routingKey: 'test.payment.registered' }).catch(() => undefined),
    );
    const ids: string[] = [];
    broker.consume({ queue: payments, prefetch: 1 }, async ([delivery]) => {
      ids.push(delivery?.message.id ?? '');
      await delivery?.done();
    });
    const message = outgoing('loan', 1);
    await vi.waitFor(async () => expect(await broker.publish([message])).toEqual([{ state: 'confirmed' }]), eventually);
    await vi.waitFor(() => expect(ids).toContain(message.id), eventually);
    for (const what of [`exchange ${exchange}`, `queue ${payments}`]) {
      const said = log.lines.filter((line) => line.includes('otherwise than promised') && line.includes(`'${what}'`));
      expect(said.length).toBeGreaterThan(0);
      expect(said[0]).toContain('PRECONDITION_FAILED');
    }
  });

  test.each([
    { kind: 'a quorum queue', args: { 'x-queue-type': 'quorum' } as const },
    { kind: 'a queue with a single active consumer', args: { 'x-single-active-consumer': true } },
    { kind: 'a classic queue', args: {} },
  ])('$kind is consumed by one process at a time', async ({ args }) => {
    const { payments } = topology;
    await withRabbit(rabbit.url, (connection) =>
      connection.queueDeclare({ queue: payments, durable: true, arguments: args }),
    );
    const heard: { readonly by: string; readonly id: string }[] = [];
    const consumer = (by: string) =>
      open().consume({ queue: payments, prefetch: 1 }, async ([delivery]) => {
        heard.push({ by, id: delivery?.message.id ?? '' });
        await delivery?.done();
      });
    const [sender, consumers] = [open(), [consumer('one'), consumer('other')]];
    await vi.waitFor(() => sender.ping(), eventually);
    const say = async (): Promise<string> => {
      const message = outgoing('loan', 1);
      await vi.waitFor(
        async () => expect(await sender.publish([message])).toEqual([{ state: 'confirmed' }]),
        eventually,
      );
      await vi.waitFor(() => expect(heard.at(-1)?.id).toBe(message.id), eventually);
      return heard.at(-1)?.by ?? '';
    };
    const first = await say();
    for (let turn = 0; turn < 60; turn += 1) expect(await say()).toBe(first);
    await consumers[first === 'one' ? 0 : 1]?.stop();
    expect(await say()).not.toBe(first);
  });

  test('a message that the broker refuses is told alone; the next of its key waits, other keys go on', async () => {
    await withRabbit(rabbit.url, async (connection) => {
      const full = { 'x-max-length': 1, 'x-overflow': 'reject-publish' } as const;
      await connection.queueDeclare({ queue: topology.payments, durable: true, arguments: full });
    });
    const broker = open();
    await vi.waitFor(() => broker.ping(), eventually);
    const elsewhere = { routingKey: 'test.client.created' };
    const messages = [
      outgoing('loan', 1),
      outgoing('loan', 2),
      outgoing('loan', 3),
      outgoing('client', 1, elsewhere),
      outgoing('client', 2, elsewhere),
    ];
    const states = (await broker.publish(messages)).map(({ state }) => state);
    expect(states).toEqual(['confirmed', 'refused', 'pending', 'confirmed', 'confirmed']);
  });

  test('an event that no queue would get, though one should, is refused and the queue made anew', async () => {
    const broker = open();
    await vi.waitFor(() => broker.ping(), eventually);
    expect(await broker.publish([outgoing('loan', 1)])).toEqual([{ state: 'confirmed' }]);
    await withRabbit(rabbit.url, async (connection) => {
      for (const { queue } of topology.queues) await connection.queueDelete(queue);
    });
    expect(await broker.publish([outgoing('loan', 2)])).toMatchObject([{ state: 'refused' }]);
    await vi.waitFor(async () => {
      expect(await broker.publish([outgoing('loan', 2)])).toEqual([{ state: 'confirmed' }]);
    }, eventually);
  });

  test('a broker that is away when we start is waited for; nothing is thrown but at who asks', async () => {
    proxy.refuse();
    const broker = open({ url: throughProxy() });
    expect(await broker.publish([outgoing('loan', 1)])).toEqual([{ state: 'pending' }]);
    await expect(broker.ping()).rejects.toThrow(BrokerUnavailable);
    const ids: string[] = [];
    broker.consume({ queue: topology.payments, prefetch: 1 }, async ([delivery]) => {
      ids.push(delivery?.message.id ?? '');
      await delivery?.done();
    });
    proxy.heal();
    const message = outgoing('loan', 1);
    await vi.waitFor(async () => expect(await broker.publish([message])).toEqual([{ state: 'confirmed' }]), eventually);
    await vi.waitFor(() => expect(ids).toContain(message.id), eventually);
    expect(broker.health).toEqual({ isUp: true });
  });

  test('a wire that goes dead is noticed in time, and nothing is heaped up on it', async () => {
    const broker = open({ url: throughProxy(), timeoutMs: 300 });
    await vi.waitFor(() => broker.ping(), eventually);
    expect(await broker.publish([outgoing('loan', 1)])).toEqual([{ state: 'confirmed' }]);
    proxy.stall();
    const late = outgoing('loan', 2);
    expect(await broker.publish([late, outgoing('loan', 3)])).toEqual([{ state: 'pending' }, { state: 'pending' }]);
    const startedMs = performance.now();
    for (let turn = 0; turn < 50; turn += 1) await broker.publish([outgoing('loan', 4)]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    proxy.heal();
    await vi.waitFor(async () => expect(await broker.publish([late])).toEqual([{ state: 'confirmed' }]), eventually);
    // What was sent before the wire went dead arrived after all; of the fifty later ones none did.
    const depth = await withRabbit(rabbit.url, (connection) =>
      connection.queueDeclare({ queue: topology.payments, passive: true }),
    );
    expect(depth.messageCount).toBe(3);
  });

  test('a secret in the address is in no error and no log line', async () => {
    const log = keptLog();
    const url = new URL(rabbit.url);
    url.password = 'a-secret-for-nobody';
    const broker = open({ url: url.href, log });
    await vi.waitFor(() => expect(log.lines.length).toBeGreaterThan(0), eventually);
    const fault = await broker.ping().catch((error: unknown) => String(error));
    expect(fault).toContain('cannot be used');
    expect([fault, ...log.lines].join('\n')).not.toContain('a-secret-for-nobody');
  });
});
