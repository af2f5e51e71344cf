/**
 * Tells this process that something was committed, so that nobody has to look often. A hint and no more: what it
 * misses is found at the next poll.
 */
class Hint {
  readonly #listeners = new Set<() => void>();

  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Returns what ends it. */
  on(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const eventsCommitted = new Hint();
export const jobsCommitted = new Hint();

/** For who writes events with a statement that is a whole transaction; `recordEvents` does it by itself. */
export function hintOutbox(): void {
  eventsCommitted.tell();
}
