import type { Log } from '../kernel/index.ts';
import { backoffMs, pause } from './backoff.ts';
import type { Broker, Consumption, Delivery, IncomingMessage } from './contract.ts';
import { isTransient } from './transient.ts';

/** What a service does with the messages of a queue. */
export interface Subscription {
  readonly queue: string;
  /** How many messages are taken at once, and handled together; default 1. */
  readonly prefetch?: number;
  /** After so many failures that are not `Transient` a message goes to the dead letters; default 5. */
  readonly attemptsMax?: number;
  /**
   * Handles one message or a set, in the order of the list. All of them are done when it resolves. Messages may come
   * twice: `onceOnly` in the transaction of the effect, or an effect that is the same twice.
   */
  handle(messages: readonly IncomingMessage[], signal: AbortSignal): Promise<void>;
}

/** What became of messages: handled, waiting for a part that is away, failed and tried again, or dead. */
export type DeliveryResult = 'handled' | 'waiting' | 'failed' | 'dead';

export interface ConsumerOptions {
  readonly broker: Broker;
  readonly subscription: Subscription;
  readonly log: Log;
  readonly observe?: (seen: {
    readonly queue: string;
    readonly result: DeliveryResult;
    readonly count: number;
    readonly redelivered: number;
  }) => void;
}

const prefetchDefault = 1;
const attemptsMaxDefault = 5;
const outage = { baseMs: 100, maxMs: 30_000 };
const failure = { baseMs: 50, maxMs: 2_000 };

/**
 * Starts to consume a queue. A failure holds the queue and is tried again in place, so that no message passes another
 * of its key: for ever where the failure is transient, `attemptsMax` times where it is the message's own. Then the
 * message, and of a set that one alone, goes to the dead letters with the reason.
 */
export function startConsumer(options: ConsumerOptions): Consumption {
  const { broker, subscription } = options;
  const request = { queue: subscription.queue, prefetch: subscription.prefetch ?? prefetchDefault };
  return broker.consume(request, (deliveries, signal) => new Taking(options, signal).settle(deliveries));
}

class Taking {
  readonly #options: ConsumerOptions;
  readonly #signal: AbortSignal;

  constructor(options: ConsumerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async settle(deliveries: readonly Delivery[]): Promise<void> {
    this.#tell('handled', 0, deliveries.filter(({ message }) => message.isRedelivered).length);
    const fault = await this.#try(deliveries);
    if (fault === undefined || this.#signal.aborted) return;
    if (deliveries.length === 1) return this.#retry(deliveries, fault);
    // One of them is bad: alone each shows whether it is the one.
    for (const delivery of deliveries) {
      const own = await this.#try([delivery]);
      if (own !== undefined && !this.#signal.aborted) await this.#retry([delivery], own);
      if (this.#signal.aborted) return;
    }
  }

  /** After the first failure of one message. */
  async #retry(deliveries: readonly Delivery[], first: Fault): Promise<void> {
    const { subscription, log } = this.#options;
    const attemptsMax = subscription.attemptsMax ?? attemptsMaxDefault;
    const firstTriedAt = new Date();
    let fault = first;
    for (let attempts = 1; ; attempts += 1) {
      if (attempts >= attemptsMax) return this.#bury(deliveries, { reason: reasonOf(fault), attempts, firstTriedAt });
      this.#tell('failed', deliveries.length);
      log.warn({ ...this.#about(deliveries), attempts, error: fault.error }, 'A message could not be handled');
      await pause(backoffMs(attempts, failure), this.#signal);
      const next = this.#signal.aborted ? undefined : await this.#try(deliveries);
      if (next === undefined || this.#signal.aborted) return;
      fault = next;
    }
  }

  /** Handles and settles, however long an outside part is away; resolves to a fault of the message's own. */
  async #try(deliveries: readonly Delivery[]): Promise<Fault | undefined> {
    const messages = deliveries.map(({ message }) => message);
    try {
      return await this.#whileAway(deliveries, async () => {
        await this.#options.subscription.handle(messages, this.#signal);
        await Promise.all(deliveries.map((delivery) => delivery.done()));
        this.#tell('handled', deliveries.length);
        return undefined;
      });
    } catch (error) {
      return { error };
    }
  }

  async #bury(deliveries: readonly Delivery[], death: Parameters<Delivery['bury']>[0]): Promise<void> {
    await this.#whileAway(deliveries, async () => {
      for (const delivery of deliveries) await delivery.bury(death);
    });
    if (this.#signal.aborted) return;
    this.#tell('dead', deliveries.length);
    this.#options.log.error({ ...this.#about(deliveries), reason: death.reason }, 'A message went to the dead letters');
  }

  /** Tries again as long as the failure is transient and the messages are ours. */
  async #whileAway<T>(deliveries: readonly Delivery[], work: () => Promise<T>): Promise<T | undefined> {
    for (let attempts = 1; !this.#signal.aborted; attempts += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.#tell('waiting', deliveries.length);
        const level = attempts === 1 ? 'warn' : 'debug';
        this.#options.log[level]({ ...this.#about(deliveries), attempts, error }, 'A message has to wait');
        await pause(backoffMs(attempts, outage), this.#signal);
      }
    }
    return undefined;
  }

  #about(deliveries: readonly Delivery[]): { queue: string; message_id: string | undefined; count: number } {
    const { queue } = this.#options.subscription;
    return { queue, message_id: deliveries[0]?.message.id, count: deliveries.length };
  }

  #tell(result: DeliveryResult, count: number, redelivered = 0): void {
    this.#options.observe?.({ queue: this.#options.subscription.queue, result, count, redelivered });
  }
}

interface Fault {
  readonly error: unknown;
}

function reasonOf({ error }: Fault): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
