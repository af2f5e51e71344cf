import type { Log } from '../kernel/index.ts';
import type { Subscriber } from './contract.ts';

/** Who listens to which channel in this process. A subscriber that throws harms neither the others nor the sender. */
export class Subscribers {
  readonly #channels = new Map<string, Set<Subscriber>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  get channels(): string[] {
    return [...this.#channels.keys()];
  }

  has(channel: string): boolean {
    return this.#channels.has(channel);
  }

  /** True when this is the first one on its channel. */
  add(channel: string, subscriber: Subscriber): boolean {
    const existing = this.#channels.get(channel);
    if (existing) {
      existing.add(subscriber);
      return false;
    }
    this.#channels.set(channel, new Set([subscriber]));
    return true;
  }

  /** True when it was the last one on its channel. */
  remove(channel: string, subscriber: Subscriber): boolean {
    const existing = this.#channels.get(channel);
    if (!existing?.delete(subscriber) || existing.size > 0) return false;
    return this.#channels.delete(channel);
  }

  deliver(channel: string, message: string): void {
    for (const subscriber of this.#channels.get(channel) ?? []) {
      this.#guarded(channel, () => subscriber.onMessage(message));
    }
  }

  /** Tells everybody on these channels that messages may have been missed. */
  gap(channels: Iterable<string> = this.#channels.keys()): void {
    for (const channel of channels) {
      for (const subscriber of this.#channels.get(channel) ?? []) {
        this.#guarded(channel, () => subscriber.onGap?.());
      }
    }
  }

  clear(): void {
    this.#channels.clear();
  }

  #guarded(channel: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error({ channel, err: error }, 'A key-value subscriber failed');
    }
  }
}
