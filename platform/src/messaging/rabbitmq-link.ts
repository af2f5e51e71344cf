import { isIP } from 'node:net';
import { type Channel, Connection, type SyncMessage } from 'rabbitmq-client';
import type { Log } from '../kernel/index.ts';
import { type BrokerHealth, BrokerUnavailable } from './contract.ts';
import { describeAmqpFault, type RabbitMqAddress } from './rabbitmq-address.ts';
import { within } from './within.ts';

export type RabbitChannel = Channel;

/** What we read of a message, however it was had. */
export type RabbitMessage = Pick<
  SyncMessage,
  'body' | 'deliveryTag' | 'headers' | 'messageId' | 'redelivered' | 'routingKey' | 'exchange' | 'timestamp' | 'type'
>;

export interface RabbitLinkOptions {
  readonly address: RabbitMqAddress;
  /** Shown by the server beside the connection. */
  readonly name: string;
  readonly log: Log;
  /** How long one answer may take; default 10,000. */
  readonly timeoutMs: number;
}

const heartbeatS = 10;
const reconnectMs = { low: 200, high: 10_000 };
const closeTimeoutMs = 2_000;

/**
 * One connection that is made in the background and again for ever, with jitter. The driver emits errors that end a
 * process where nobody listens: here, and only here, somebody does.
 */
export class RabbitLink {
  readonly #options: RabbitLinkOptions;
  readonly #connection: Connection;
  readonly #listeners = new Set<(health: BrokerHealth) => void>();
  #health: BrokerHealth = { isUp: false, reason: 'it is not connected yet' };
  #epoch = 0;

  constructor(options: RabbitLinkOptions) {
    this.#options = options;
    const { address, name, timeoutMs } = options;
    this.#connection = new Connection({
      hostname: address.host,
      port: address.port,
      vhost: address.virtualHost,
      username: address.user,
      password: address.password,
      // An address is no server name (RFC 6066, section 3).
      tls: address.isTls ? (isIP(address.host) === 0 ? { servername: address.host } : {}) : false,
      connectionName: name,
      heartbeat: heartbeatS,
      connectionTimeout: timeoutMs,
      acquireTimeout: timeoutMs,
      retryLow: reconnectMs.low,
      retryHigh: reconnectMs.high,
      noDelay: true,
    });
    this.#connection.on('connection', () => this.#onUp());
    this.#connection.on('error', (error: unknown) => this.#onDown(this.describe(error)));
    this.#connection.on('connection.blocked', (reason) => this.#onDown(`it takes no messages: ${reason}`));
    this.#connection.on('connection.unblocked', () => this.#report({ isUp: true }));
  }

  get health(): BrokerHealth {
    return this.#health;
  }

  /** Grows with every connection: what was declared on another one may be gone. */
  get epoch(): number {
    return this.#epoch;
  }

  watchHealth(listener: (health: BrokerHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  describe(error: unknown): string {
    return describeAmqpFault(error, this.#options.address);
  }

  /** A channel of its own; whoever asked for it closes it. @throws BrokerUnavailable at once where it is down */
  async channel(): Promise<RabbitChannel> {
    if (!this.#connection.ready) throw new BrokerUnavailable(this.#health.reason ?? 'it is not connected');
    try {
      const channel = await this.answer(this.#connection.acquire({ emitErrorsFromChannel: true }));
      // What goes wrong on a channel also closes it, and closing is what its user looks at.
      channel.on('error', (error: unknown) => {
        this.#options.log.debug({ reason: this.describe(error) }, 'A channel to the message broker was closed');
      });
      return channel;
    } catch (error) {
      throw error instanceof BrokerUnavailable ? error : new BrokerUnavailable(this.describe(error), { cause: error });
    }
  }

  /** The answer to something that was asked, in time. */
  answer<T>(asked: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    return within(asked, timeoutMs, () => new BrokerUnavailable(`no answer within ${timeoutMs} ms`));
  }

  /** Closes in peace where the server answers, else without it. */
  async close(): Promise<void> {
    this.#listeners.clear();
    this.#connection.removeAllListeners('connection.blocked');
    const closed = this.#connection.close();
    await within(closed, closeTimeoutMs, () => new Error('late')).catch(() => this.#connection.unsafeDestroy());
  }

  #onUp(): void {
    this.#epoch += 1;
    if (this.#epoch > 1) this.#options.log.info({ broker: this.#options.name }, 'The message broker is back');
    this.#report({ isUp: true });
  }

  #onDown(reason: string): void {
    if (this.#health.isUp || this.#epoch === 0) {
      this.#options.log.warn({ reason, broker: this.#options.name }, 'The message broker is unreachable');
    }
    this.#report({ isUp: false, reason });
  }

  #report(health: BrokerHealth): void {
    this.#health = health;
    for (const listener of this.#listeners) listener(health);
  }
}
