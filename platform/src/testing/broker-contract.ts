import { expect, test, vi } from 'vitest';
import type { Broker, Consumption, Delivery, IncomingMessage, OutgoingMessage } from '../messaging/index.ts';
import { startConsumer, Transient } from '../messaging/index.ts';
import { silentLog } from '../kernel/index.ts';
import { outgoing } from '../messaging/test/messaging-world.ts';

/** Two adapters of one broker whose queues are empty. */
export interface BrokerFixture {
  readonly first: Broker;
  readonly second: Broker;
  /** Bound with `test.#`. */
  readonly all: string;
  /** Bound with `test.payment.*` and `other.#`. */
  readonly payments: string;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

type World = (fixture: BrokerFixture) => Promise<void>;
type Story = (title: string, world: World) => void;

const eventually = { timeout: 30_000, interval: 10 };

/** Registers the tests that every adapter of the broker port passes; call it inside a `describe`. */
export function brokerContract(open: () => Promise<BrokerFixture>): void {
  const story: Story = (title, world) =>
    test(title, async () => {
      expect.hasAssertions();
      const fixture = await open();
      try {
        await vi.waitFor(() => fixture.first.ping(), eventually);
        await vi.waitFor(() => fixture.second.ping(), eventually);
        await world(fixture);
      } finally {
        await fixture.close();
      }
    });
  publishTests(story);
  consumeTests(story);
  redeliveryTests(story);
  handOverTests(story);
  deathTests(story);
  handlerTests(story);
}

function publishTests(story: Story): void {
  story('brings a message as it was to every queue whose binding fits', async ({ first, second, all, payments }) => {
    const body = '{"event_type":"x","payload":{"amount":"0.10","big":12345678901234567890,"text":"ñ \\u0000 👍"}}';
    const payment = outgoing('loan', 1, { body });
    const client = outgoing('client', 1, { routingKey: 'test.client.created', eventType: 'client_created' });
    const foreign = outgoing('x', 1, { routingKey: 'other' });
    expect(await publishAll(first, [payment, client, foreign])).toEqual(['confirmed', 'confirmed', 'confirmed']);
    const everything = listen(second, all);
    const fewer = listen(second, payments);
    await vi.waitFor(() => expect(everything.ids()).toHaveLength(2), eventually);
    await vi.waitFor(() => expect(fewer.ids()).toEqual([payment.id, foreign.id]), eventually);
    expect(everything.ids().toSorted()).toEqual([payment.id, client.id].toSorted());
    const got = everything.messages.find(({ id }) => id === payment.id);
    const { eventType, routingKey, occurredAt } = payment;
    expect(got).toEqual({ id: payment.id, eventType, routingKey, occurredAt, body, isRedelivered: false });
    await Promise.all([everything.stop(), fewer.stop()]);
  });
  story('takes a message that nobody listens to', async ({ first }) => {
    expect(await publishAll(first, [outgoing('x', 1, { routingKey: 'nobody.listens' })])).toEqual(['confirmed']);
  });
  story('keeps the order of each key', async ({ first, second, payments }) => {
    const messages = loansTimes(20, 15);
    for (let from = 0; from < messages.length; from += 100) {
      await publishAll(first, messages.slice(from, from + 100));
    }
    const seen = listen(second, payments, 20);
    await vi.waitFor(() => expect(seen.messages).toHaveLength(300), eventually);
    expectOrder(seen.messages);
    await seen.stop();
  });
}

function consumeTests(story: Story): void {
  story(
    'hands over at most as many as asked for, in sets where there are many',
    async ({ first, second, payments }) => {
      await publishAll(first, loansTimes(10, 10));
      const sizes: number[] = [];
      const consumption = second.consume({ queue: payments, prefetch: 7 }, async (deliveries) => {
        sizes.push(deliveries.length);
        await settleAll(deliveries);
      });
      await vi.waitFor(() => expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100), eventually);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(7);
      expect(sizes.length).toBeLessThan(100);
      await consumption.stop();
    },
  );
  story('one at a time, where that is asked for', async ({ first, second, payments }) => {
    await publishAll(first, loansTimes(1, 5));
    let atOnce = 0;
    let most = 0;
    let handled = 0;
    const consumption = second.consume({ queue: payments, prefetch: 1 }, async (deliveries) => {
      atOnce += deliveries.length;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      await settleAll(deliveries);
      atOnce -= deliveries.length;
      handled += 1;
    });
    await vi.waitFor(() => expect(handled).toBe(5), eventually);
    expect(most).toBe(1);
    await consumption.stop();
  });
}

function redeliveryTests(story: Story): void {
  story('what is left unsettled comes again, in its place', async ({ first, second, payments }) => {
    const messages = loansTimes(1, 6);
    await publishAll(first, messages);
    const left = Promise.withResolvers<readonly Delivery[]>();
    const careless = first.consume({ queue: payments, prefetch: 2 }, async (deliveries, signal) => {
      left.resolve(deliveries);
      await aborted(signal);
    });
    const [oldest] = await left.promise;
    expect(oldest?.message.id).toBe(messages[0]?.id);
    await careless.stop();
    const seen = listen(second, payments, 3);
    await vi.waitFor(() => expect(seen.ids()).toEqual(messages.map(({ id }) => id)), eventually);
    expect(seen.messages.map(({ isRedelivered }) => isRedelivered).at(0)).toBe(true);
    await seen.stop();
  });
  story('a taker that fails gets its messages again', async ({ first, second, payments }) => {
    await publishAll(first, loansTimes(1, 3));
    const places: number[] = [];
    const consumption = second.consume({ queue: payments, prefetch: 1 }, async (deliveries) => {
      places.push(...deliveries.map(({ message }) => placeOf(message)));
      if (places.length === 1) throw new Error('not yet');
      await settleAll(deliveries);
    });
    await vi.waitFor(() => expect(places).toEqual([0, 0, 1, 2]), eventually);
    await consumption.stop();
  });
}

function handOverTests(story: Story): void {
  story('of two consumers one works; the other goes on when it is gone', async ({ first, second, payments }) => {
    const messages = loansTimes(3, 40);
    await publishAll(first, messages.slice(0, 30));
    const one = listen(first, payments, 4);
    await vi.waitFor(() => expect(one.messages.length).toBeGreaterThan(0), eventually);
    const other = listen(second, payments, 4);
    // One by one, so that the other one has time to come in between.
    for (let count = 31; count <= 100; count += 1) {
      await publishAll(first, messages.slice(count - 1, count));
      await vi.waitFor(() => expect(one.messages).toHaveLength(count), eventually);
    }
    expect(other.messages).toEqual([]);
    await one.stop();
    await publishAll(first, messages.slice(100));
    await vi.waitFor(() => expect(other.messages).toHaveLength(20), eventually);
    expectOrder([...one.messages, ...other.messages]);
    await other.stop();
  });
}

function deathTests(story: Story): void {
  story('a dead letter tells why it died, and comes back when it is replayed', async ({ first, second, payments }) => {
    const messages = loansTimes(1, 4);
    await publishAll(first, messages);
    const firstTriedAt = new Date('2026-03-01T10:00:00.000Z');
    let buried = 0;
    const undertaker = second.consume({ queue: payments, prefetch: 1 }, async ([delivery]) => {
      await delivery?.bury({ reason: 'no loan', attempts: 5, firstTriedAt });
      buried += 1;
    });
    await vi.waitFor(() => expect(buried).toBe(4), eventually);
    await undertaker.stop();
    const letters = await first.deadLetters(payments, { limit: 10 });
    expect(letters.map(({ id }) => id)).toEqual(messages.map(({ id }) => id));
    expect(letters[0]).toEqual({
      id: messages[0]?.id,
      queue: payments,
      eventType: 'payment_registered',
      routingKey: 'test.payment.registered',
      reason: 'no loan',
      attempts: 5,
      firstTriedAt,
      diedAt: expect.any(Date) as Date,
      body: messages[0]?.body,
    });
    expect(await first.deadLetters(payments, { limit: 2 })).toHaveLength(2);
    expect(await first.replay(payments, { id: messages[2]?.id ?? '', limit: 1 })).toBe(1);
    expect(await first.replay(payments, { id: 'unknown', limit: 1 })).toBe(0);
    const seen = listen(second, payments);
    await vi.waitFor(() => expect(seen.ids()).toEqual([messages[2]?.id]), eventually);
    expect(seen.messages[0]).toMatchObject({ routingKey: 'test.payment.registered', body: messages[2]?.body });
    expect(await first.replay(payments, { limit: 2 })).toBe(2);
    await vi.waitFor(() => expect(seen.ids()).toEqual([2, 0, 1].map((place) => messages[place]?.id)), eventually);
    expect((await first.deadLetters(payments, { limit: 10 })).map(({ id }) => id)).toEqual([messages[3]?.id]);
    await seen.stop();
  });
}

function handlerTests(story: Story): void {
  story('a part that is away holds the queue; nothing passes what waits', async ({ first, second, payments }) => {
    await publishAll(first, loansTimes(2, 3));
    const tried: number[] = [];
    const handled: IncomingMessage[] = [];
    let isAway = true;
    const handle = async (messages: readonly IncomingMessage[]): Promise<void> => {
      tried.push(...messages.map(placeOf));
      if (isAway) throw new Transient('the document store is away');
      handled.push(...messages);
    };
    // Twice would be the end of a message that fails by itself.
    const consumer = consumerOn(second, payments, handle, { attemptsMax: 2 });
    await vi.waitFor(() => expect(tried.length).toBeGreaterThan(2), eventually);
    expect(new Set(tried)).toEqual(new Set([0]));
    isAway = false;
    await vi.waitFor(() => expect(handled).toHaveLength(6), eventually);
    expectOrder(handled);
    expect(await first.deadLetters(payments, { limit: 10 })).toEqual([]);
    await consumer.stop();
  });
  story('a message that can never be handled dies alone, also within a set', async ({ first, second, payments }) => {
    await publishAll(first, loansTimes(1, 9));
    const handled = new Set<number>();
    const consumer = consumerOn(
      second,
      payments,
      async (messages) => {
        if (messages.some((message) => placeOf(message) === 4)) throw new RangeError('no such loan');
        for (const message of messages) handled.add(placeOf(message));
      },
      { prefetch: 5, attemptsMax: 3 },
    );
    await vi.waitFor(() => expect(handled.size).toBe(8), eventually);
    const letters = await vi.waitFor(async () => {
      const found = await first.deadLetters(payments, { limit: 10 });
      expect(found).toHaveLength(1);
      return found;
    }, eventually);
    expect(letters[0]).toMatchObject({ reason: 'RangeError: no such loan', attempts: 3 });
    await consumer.stop();
  });
}

function consumerOn(
  broker: Broker,
  queue: string,
  handle: (messages: readonly IncomingMessage[]) => Promise<void>,
  more: { readonly prefetch?: number; readonly attemptsMax?: number } = {},
): Consumption {
  return startConsumer({ broker, log: silentLog, subscription: { queue, handle, ...more } });
}

async function publishAll(broker: Broker, messages: readonly OutgoingMessage[]): Promise<string[]> {
  return (await broker.publish(messages)).map(({ state }) => state);
}

/** Messages of so many loans in turn; the place counts within a loan. */
function loansTimes(loans: number, count: number): OutgoingMessage[] {
  return Array.from({ length: loans * count }, (_, index) =>
    outgoing(`loan-${index % loans}`, Math.floor(index / loans)),
  );
}

function listen(broker: Broker, queue: string, prefetch = 1) {
  const messages: IncomingMessage[] = [];
  const consumption = broker.consume({ queue, prefetch }, async (deliveries) => {
    messages.push(...deliveries.map(({ message }) => message));
    await settleAll(deliveries);
  });
  return { messages, ids: () => messages.map(({ id }) => id), stop: () => consumption.stop() };
}

async function settleAll(deliveries: readonly Delivery[]): Promise<void> {
  await Promise.all(deliveries.map((delivery) => delivery.done()));
}

function placeOf({ body }: IncomingMessage): number {
  return (JSON.parse(body) as { place: number }).place;
}

/** Each loan's messages came in the order of their places. */
function expectOrder(messages: readonly IncomingMessage[]): void {
  const byLoan = Map.groupBy(messages, ({ body }) => (JSON.parse(body) as { orderKey: string }).orderKey);
  for (const own of byLoan.values()) expect(own.map(placeOf)).toEqual(own.map((_, place) => place));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
