import type { Broker, BrokerHealth, Consumption, OutgoingMessage, Publication } from '../contract.ts';

/** A broker whose faults the test decides: what the real ones do at a moment that nobody can choose. */
export class ScriptedBroker implements Broker {
  readonly kind = 'embedded';
  readonly topology = { exchange: 'test', queues: [] };
  readonly published: OutgoingMessage[] = [];
  refuses: (message: OutgoingMessage) => boolean = () => false;
  afterPublish: () => Promise<void> = () => Promise.resolve();
  /** How many more messages get through before the connection is gone. */
  cutAfter = Number.POSITIVE_INFINITY;
  health: BrokerHealth = { isUp: true };
  readonly #listeners = new Set<(health: BrokerHealth) => void>();

  keys(): string[] {
    return this.published.map(({ orderKey }) => orderKey);
  }

  report(health: BrokerHealth): void {
    this.health = health;
    for (const listener of this.#listeners) listener(health);
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<readonly Publication[]> {
    const held = new Set<string>();
    const publications = messages.map((message) => this.#outcomeOf(message, held));
    await this.afterPublish();
    return publications;
  }

  watchHealth(listener: (health: BrokerHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ping(): Promise<number> {
    return Promise.resolve(0);
  }

  consume(): Consumption {
    return { stop: () => Promise.resolve() };
  }

  deadLetters(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  replay(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #outcomeOf(message: OutgoingMessage, held: Set<string>): Publication {
    if (this.cutAfter <= 0 || held.has(message.orderKey)) return { state: 'pending' };
    if (this.refuses(message)) {
      held.add(message.orderKey);
      return { state: 'refused', reason: 'refused by the test' };
    }
    this.cutAfter -= 1;
    this.published.push(message);
    return { state: 'confirmed' };
  }
}
