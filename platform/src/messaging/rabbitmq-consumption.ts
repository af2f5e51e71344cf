import { setImmediate } from 'node:timers/promises';
import type { Log } from '../kernel/index.ts';
import { backoffMs, pause } from './backoff.ts';
import { BrokerUnavailable, type ConsumeRequest, type Consumption, type Delivery, type Take } from './contract.ts';
import type { RabbitChannel, RabbitLink, RabbitMessage } from './rabbitmq-link.ts';
import { burialParcel, incomingOf } from './rabbitmq-message.ts';
import type { RabbitPublisher } from './rabbitmq-publisher.ts';
import { codeOf, type RabbitTopology } from './rabbitmq-topology.ts';

export interface RabbitConsumptionOptions {
  readonly link: RabbitLink;
  readonly declared: RabbitTopology;
  readonly publisher: RabbitPublisher;
  readonly log: Log;
  readonly request: ConsumeRequest;
  readonly take: Take;
}

const trouble = { baseMs: 200, maxMs: 5_000 };
/** What another process that consumes the queue makes the server say. */
const busy = new Set(['ACCESS_REFUSED', 'RESOURCE_LOCKED']);
/** So often an exclusive consumer is refused by a queue without consumers before we take it for a queue that knows none. */
const refusalsMax = 3;

/**
 * Consumes one queue over any number of channels, while no other process does. Two things hold that: a queue beside it
 * that belongs to our connection alone, since quorum queues let any number of exclusive consumers in; and an exclusive
 * consumer, since a classic queue gives it to the next one only when all of the last one's messages are back in their
 * places. A queue with a single active consumer refuses exclusive ones, and needs none. A batch is with its taker until that lets go; where the channel is
 * lost meanwhile the batch is aborted, and the server gives what was not settled to the next session, in its order.
 */
export class RabbitConsumption implements Consumption {
  readonly #options: RabbitConsumptionOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #refusals = 0;

  constructor(options: RabbitConsumptionOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { link, log, request } = this.#options;
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      try {
        const hasConsumed = await this.#session();
        failures = hasConsumed ? 1 : failures + 1;
      } catch (error) {
        failures += 1;
        const isQuiet = failures > 1 || error instanceof BrokerUnavailable || busy.has(codeOf(error));
        const tell = isQuiet ? log.debug.bind(log) : log.warn.bind(log);
        tell({ queue: request.queue, reason: link.describe(error) }, 'A queue cannot be consumed for now');
      }
      await pause(backoffMs(failures, trouble), this.#stopping.signal);
    }
    await this.#unlock();
  }

  /** Until the channel is lost, or we stop. */
  async #session(): Promise<boolean> {
    const { link, declared, request } = this.#options;
    await declared.ensure();
    await this.#lock();
    const channel = await link.channel();
    const session = new Session(channel, this.#stopping.signal);
    try {
      await link.answer(channel.basicQos({ prefetchCount: request.prefetch }));
      await this.#consume(channel, session);
      return await this.#takeAll(session);
    } finally {
      // What is not settled goes back to its place in the queue.
      await channel.close();
    }
  }

  async #consume(channel: RabbitChannel, session: Session): Promise<void> {
    const { link, request } = this.#options;
    const consumer = { queue: request.queue, exclusive: this.#refusals < refusalsMax };
    try {
      await link.answer(channel.basicConsume(consumer, (message) => session.receive(message)));
    } catch (error) {
      if (codeOf(error) === 'ACCESS_REFUSED') await this.#countRefusal();
      throw error;
    }
  }

  async #countRefusal(): Promise<void> {
    const { queue } = this.#options.request;
    const { consumerCount } = await this.#aside((channel) => channel.queueDeclare({ queue, passive: true }));
    this.#refusals = consumerCount === 0 ? this.#refusals + 1 : 0;
  }

  /** A user that may not declare has the exclusive consumer alone. */
  async #lock(): Promise<void> {
    try {
      await this.#aside((channel) => channel.queueDeclare({ queue: this.#lockName, exclusive: true }));
    } catch (error) {
      if (codeOf(error) !== 'ACCESS_REFUSED') throw error;
    }
  }

  /** Where the connection is gone, the lock is too. */
  async #unlock(): Promise<void> {
    await this.#aside((channel) => channel.queueDelete(this.#lockName)).catch((error: unknown) => {
      this.#options.log.debug({ reason: this.#options.link.describe(error) }, 'The lock of a queue ends by itself');
    });
  }

  get #lockName(): string {
    return `${this.#options.request.queue}.consumer`;
  }

  async #aside<T>(work: (channel: RabbitChannel) => Promise<T>): Promise<T> {
    const channel = await this.#options.link.channel();
    try {
      return await this.#options.link.answer(work(channel));
    } finally {
      void channel.close();
    }
  }

  async #takeAll(session: Session): Promise<boolean> {
    for (let hasTaken = false; ; hasTaken = true) {
      const messages = await session.next(this.#options.request.prefetch);
      if (messages.length === 0) return hasTaken;
      const deliveries = messages.map((message) => this.#deliveryOf(session, message));
      await this.#options.take(deliveries, session.signal);
      if (session.signal.aborted) return true;
      if (session.openCount > 0) throw new Error('Messages were left unsettled');
    }
  }

  #deliveryOf(session: Session, message: RabbitMessage): Delivery {
    const { publisher, request } = this.#options;
    return {
      message: incomingOf(message),
      done: async () => session.acknowledge(message),
      bury: async (death) => {
        await publisher.deliver(burialParcel(request.queue, message, death));
        session.acknowledge(message);
      },
    };
  }
}

/** One channel's deliveries, in the order in which they came. */
class Session {
  readonly #channel: RabbitChannel;
  readonly #lost = new AbortController();
  readonly #waiting: RabbitMessage[] = [];
  #arrival = Promise.withResolvers<void>();
  #openCount = 0;
  readonly signal: AbortSignal;

  constructor(channel: RabbitChannel, stopping: AbortSignal) {
    this.#channel = channel;
    this.signal = AbortSignal.any([this.#lost.signal, stopping]);
    const lose = (): void => this.#lost.abort();
    channel.once('close', lose);
    channel.once('basic.cancel', lose);
    this.signal.addEventListener('abort', () => this.#arrival.resolve(), { once: true });
  }

  /** How many were handed out and not settled. */
  get openCount(): number {
    return this.#openCount;
  }

  receive(message: RabbitMessage): void {
    this.#waiting.push(message);
    this.#arrival.resolve();
  }

  /** What has come by now, as soon as something has; nothing once the session is over. */
  async next(countMax: number): Promise<readonly RabbitMessage[]> {
    if (this.#waiting.length === 0 && !this.signal.aborted) await this.#arrival.promise;
    // The driver hands over one message a turn: those that came together make a set.
    if (countMax > 1 && this.#waiting.length < countMax) await setImmediate();
    if (this.signal.aborted) return [];
    this.#arrival = Promise.withResolvers<void>();
    const messages = this.#waiting.splice(0, countMax);
    this.#openCount += messages.length;
    return messages;
  }

  acknowledge({ deliveryTag }: RabbitMessage): void {
    if (!this.#channel.active) throw new BrokerUnavailable('the channel of the message is lost');
    this.#channel.basicAck({ deliveryTag });
    this.#openCount -= 1;
  }
}
