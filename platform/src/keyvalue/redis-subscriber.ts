import type { Log } from '../kernel/index.ts';
import { KeyValueUnavailable, type Subscriber } from './contract.ts';
import { Subscribers } from './subscribers.ts';
import { within } from './within.ts';

/** What we use of the driver's client on a connection that listens. */
export interface RedisListener {
  readonly status: string;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  ping(): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  on(event: string, listener: (...args: never[]) => void): unknown;
}

export interface SubscriberOptions {
  readonly open: () => RedisListener;
  readonly prefix: string;
  readonly log: Log;
  readonly timeoutMs: number;
}

/**
 * The second connection, opened with the first subscription. It listens again after each reconnection and then tells
 * everybody of the gap. A beat finds a connection that is dead without a word.
 */
export class RedisSubscriber {
  readonly #options: SubscriberOptions;
  readonly #subscribers: Subscribers;
  #client: RedisListener | undefined;
  #listening = Promise.withResolvers<void>();

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#subscribers = new Subscribers(options.log);
  }

  async subscribe(channel: string, subscriber: Subscriber): Promise<() => Promise<void>> {
    let isResolved = false;
    const own: Subscriber = {
      onMessage: (message) => subscriber.onMessage(message),
      onGap: () => {
        if (isResolved) subscriber.onGap?.();
      },
    };
    this.#subscribers.add(channel, own);
    this.#client ??= this.#open();
    const heard = this.#confirm(this.#client, channel);
    try {
      await this.#inTime(heard);
    } catch {
      void this.#tellLate(channel, heard);
    }
    isResolved = true;
    return () => this.#unsubscribe(channel, own);
  }

  /** Finds a connection that died without a word; called now and then. */
  beat(): void {
    const client = this.#client;
    if (client?.status !== 'ready') return;
    client.ping().catch(() => client.disconnect(true));
  }

  close(): void {
    this.#subscribers.clear();
    this.#client?.disconnect();
  }

  #open(): RedisListener {
    const client = this.#options.open();
    client.on('ready', () => void this.#listenAgain(client));
    client.on('close', () => {
      this.#listening = Promise.withResolvers<void>();
    });
    client.on('error', () => undefined); // the first connection reports the store's health
    client.on('message', (channel: string, message: string) => {
      this.#subscribers.deliver(channel.slice(this.#options.prefix.length), message);
    });
    client.connect().catch(() => undefined); // the driver tries again for ever
    return client;
  }

  async #listenAgain(client: RedisListener): Promise<void> {
    const { channels } = this.#subscribers;
    try {
      if (channels.length > 0) await client.subscribe(...channels.map((channel) => this.#options.prefix + channel));
    } catch {
      client.disconnect(true);
      return;
    }
    this.#subscribers.gap(channels);
    this.#listening.resolve();
  }

  /** Resolves once messages flow: to true when by our own command, to false when by the round after connecting. */
  async #confirm(client: RedisListener, channel: string): Promise<boolean> {
    if (client.status === 'ready') {
      await client.subscribe(this.#options.prefix + channel);
      return true;
    }
    await this.#listening.promise;
    return false;
  }

  async #tellLate(channel: string, heard: Promise<boolean>): Promise<void> {
    try {
      if (await heard) this.#subscribers.gap([channel]);
    } catch {
      this.#client?.disconnect(true); // connects again, and then listens to every channel
    }
  }

  async #unsubscribe(channel: string, own: Subscriber): Promise<void> {
    const client = this.#client;
    if (!this.#subscribers.remove(channel, own) || client?.status !== 'ready') return;
    // When this fails, the server goes on sending what nobody here hears, until the next connection.
    await this.#inTime(client.unsubscribe(this.#options.prefix + channel)).catch(() => undefined);
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#options;
    return within(work, timeoutMs, () => new KeyValueUnavailable('subscribe', `no answer within ${timeoutMs} ms`));
  }
}
