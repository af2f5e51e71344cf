import type { Health } from './contract.ts';

/** Remembers whether the store answers, and tells the change to whoever watches. */
export class HealthWatch {
  readonly #listeners = new Set<(health: Health) => void>();
  #current: Health;

  constructor(initial: Health) {
    this.#current = initial;
  }

  get current(): Health {
    return this.#current;
  }

  /** Tells the listeners when `isUp` differs from what was known. Returns whether it did. */
  report(health: Health): boolean {
    const isChange = health.isUp !== this.#current.isUp;
    this.#current = health;
    if (!isChange) return false;
    for (const listener of this.#listeners) listener(health);
    return true;
  }

  watch(listener: (health: Health) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#current);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
  }
}
