import { setImmediate } from 'node:timers/promises';
import type { Log } from '../kernel/index.ts';
import {
  BrokerUnavailable,
  deadLetterQueue,
  type OutgoingMessage,
  type Publication,
  type Topology,
} from './contract.ts';
import type { RabbitChannel, RabbitLink } from './rabbitmq-link.ts';
import { codeOf, type RabbitTopology } from './rabbitmq-topology.ts';
import { matchesTopic } from './topic.ts';

/** A message as it goes over the wire. */
export interface Parcel {
  /** Empty: straight into the queue that the routing key names. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly id: string;
  readonly type: string;
  readonly body: string;
  readonly occurredAt: Date | undefined;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Whether some queue must get it, so that no event is lost where a queue or a binding was removed. */
  readonly isExpected: boolean;
}

interface PublisherOptions {
  readonly link: RabbitLink;
  readonly topology: Topology;
  readonly declared: RabbitTopology;
  readonly log: Log;
}

/** A batch goes on for so long at most: whoever sent it keeps a transaction open meanwhile. */
const batchMaxMs = 5_000;

/** A connection that lives and a channel without answers: after so long another channel is tried. */
const overdueMaxMs = 60_000;

/**
 * Publishes with confirms. A message waits for the confirm of the one before it with the same order key; different
 * keys go out together. An answer that does not come in time stalls the publisher until it comes or the connection is
 * given up: nothing is sent on top of it, so a paused server finds no heap when it goes on.
 */
export class RabbitPublisher {
  readonly #options: PublisherOptions;
  #channel: RabbitChannel | undefined;
  #opening: Promise<RabbitChannel> | undefined;
  readonly #returned = new Set<string>();
  /** Sent on the present channel, given up by whoever waited, and not answered yet. */
  #overdue = 0;
  #overdueSinceMs = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<Publication[]> {
    const publications = messages.map((): Publication => ({ state: 'pending' }));
    const byKey = Map.groupBy(messages.keys(), (place) => messages[place]?.orderKey);
    try {
      await this.#ready();
      const cut = { isCut: false, endMs: performance.now() + batchMaxMs };
      await Promise.all([...byKey.values()].map((places) => this.#chain(messages, places, { publications, cut })));
    } catch (error) {
      this.#options.log.debug({ reason: this.#options.link.describe(error) }, 'Messages could not be published');
    }
    return publications;
  }

  /** @throws BrokerUnavailable where it was not confirmed */
  async deliver(parcel: Parcel): Promise<void> {
    const publication = await this.#ready()
      .then((channel) => this.#send(channel, parcel))
      .catch((error: unknown) => {
        throw error instanceof BrokerUnavailable
          ? error
          : new BrokerUnavailable(this.#options.link.describe(error), { cause: error });
      });
    if (publication.state === 'refused') throw new BrokerUnavailable(publication.reason);
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel && this.#overdue === 0) await channel.close();
  }

  /** The messages of one key, until one is not confirmed. */
  async #chain(
    messages: readonly OutgoingMessage[],
    places: readonly number[],
    {
      publications,
      cut,
    }: { readonly publications: Publication[]; readonly cut: { isCut: boolean; readonly endMs: number } },
  ): Promise<void> {
    for (const place of places) {
      const message = messages[place];
      const channel = this.#channel;
      if (!message || !channel || cut.isCut || performance.now() > cut.endMs) return;
      try {
        const publication = await this.#send(channel, this.#parcelOf(message));
        publications[place] = publication;
        if (publication.state !== 'confirmed') return;
      } catch (error) {
        if (!cut.isCut) {
          const reason = this.#options.link.describe(error);
          this.#options.log.warn({ reason }, 'Publishing was cut off; it will be taken up again');
        }
        cut.isCut = true;
      }
    }
  }

  async #send(channel: RabbitChannel, parcel: Parcel): Promise<Publication> {
    const { id, type, headers, isExpected, exchange, routingKey, occurredAt, body } = parcel;
    const sent = channel.basicPublish(
      {
        exchange,
        routingKey,
        messageId: id,
        type,
        durable: true,
        mandatory: isExpected,
        contentType: 'application/json',
        // Named, so that the driver hands the text of a body over as it came.
        contentEncoding: 'utf-8',
        ...(occurredAt ? { timestamp: Math.floor(occurredAt.getTime() / 1_000) } : {}),
        ...(headers ? { headers } : {}),
      },
      Buffer.from(body),
    );
    try {
      await this.#inTime(channel, sent);
    } catch (error) {
      if (codeOf(error) !== 'NACK') throw error;
      return { state: 'refused', reason: 'the broker refused the message' };
    }
    if (!isExpected) return { state: 'confirmed' };
    // What came back was told before the confirm, but is heard one turn later.
    await setImmediate();
    if (!this.#returned.delete(id)) return { state: 'confirmed' };
    this.#options.declared.forget();
    void channel.close();
    return { state: 'refused', reason: `no queue takes messages with the routing key ${routingKey}` };
  }

  async #inTime(channel: RabbitChannel, sent: Promise<void>): Promise<void> {
    let isLate = false;
    const settled = (): void => {
      if (isLate && channel === this.#channel) this.#overdue -= 1;
    };
    sent.then(settled, settled);
    await this.#options.link.answer(sent).catch((error: unknown) => {
      if (error instanceof BrokerUnavailable) {
        isLate = true;
        if (this.#overdue === 0) this.#overdueSinceMs = performance.now();
        this.#overdue += 1;
      }
      throw error;
    });
  }

  async #ready(): Promise<RabbitChannel> {
    if (this.#channel?.active) {
      if (this.#overdue === 0) return this.#channel;
      if (performance.now() - this.#overdueSinceMs < overdueMaxMs) {
        throw new BrokerUnavailable('it has not answered what was sent before');
      }
      void this.#channel.close();
      this.#channel = undefined;
    }
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<RabbitChannel> {
    const { link, declared } = this.#options;
    await declared.ensure();
    const channel = await link.channel();
    channel.on('basic.return', ({ messageId }) => this.#returned.add(messageId ?? ''));
    await link.answer(channel.confirmSelect());
    this.#channel = channel;
    this.#overdue = 0;
    this.#returned.clear();
    return channel;
  }

  #parcelOf(message: OutgoingMessage): Parcel {
    const { exchange, queues } = this.#options.topology;
    return {
      exchange,
      routingKey: message.routingKey,
      id: message.id,
      type: message.eventType,
      body: message.body,
      occurredAt: message.occurredAt,
      isExpected: queues.some(({ bindings }) => bindings.some((pattern) => matchesTopic(pattern, message.routingKey))),
    };
  }
}

/** What a dead letter says of itself, and what it takes with it for its return. */
export const deathHeaders = {
  reason: 'quinta-reason',
  attempts: 'quinta-attempts',
  firstTriedAt: 'quinta-first-tried-at',
  diedAt: 'quinta-died-at',
  exchange: 'quinta-exchange',
  routingKey: 'quinta-routing-key',
} as const;

/** Where the dead letters of a queue go. */
export function burialOf(queue: string): Pick<Parcel, 'exchange' | 'routingKey' | 'isExpected'> {
  return { exchange: '', routingKey: deadLetterQueue(queue), isExpected: true };
}
