import type { FaultKind, PartName } from '../plan.ts';

/** Something that can be broken and comes back. */
export interface Part {
  readonly name: PartName;
  /** Does it to the part, and resolves when the part is back; one fault at a time. */
  inject(kind: FaultKind, lastsMs: number): Promise<void>;
}

/** One thing after the other, in the order in which it was asked for. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined); // whoever asked for it hears of it
    return done;
  }
}
