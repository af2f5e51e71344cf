import { keysPerCallMax } from './bounds.ts';

type Values = readonly (string | null)[];

interface Waiting {
  readonly keys: readonly string[];
  readonly resolve: (values: Values) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Reads that come in one turn of the event loop travel in one command. A read of three short keys costs the process far
 * less than sending it does, and a hundred requests that arrive together wait for the same answer. Nothing waits for a
 * timer: the turn ends at once when there is nothing more to read.
 */
export class ReadBatch {
  readonly #read: (keys: readonly string[]) => Promise<Values>;
  #waiting: Waiting[] = [];

  constructor(read: (keys: readonly string[]) => Promise<Values>) {
    this.#read = read;
  }

  getMany(keys: readonly string[]): Promise<Values> {
    const { promise, resolve, reject } = Promise.withResolvers<Values>();
    if (this.#waiting.push({ keys, resolve, reject }) === 1) setImmediate(() => this.#sendAll());
    return promise;
  }

  #sendAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let [first, count] = [0, 0];
    for (const [place, { keys }] of waiting.entries()) {
      // One call has no more keys than this, and the server answers others between two commands.
      if (count > 0 && count + keys.length > keysPerCallMax) {
        void this.#send(waiting.slice(first, place));
        [first, count] = [place, 0];
      }
      count += keys.length;
    }
    void this.#send(waiting.slice(first));
  }

  async #send(waiting: readonly Waiting[]): Promise<void> {
    try {
      const values = await this.#read(waiting.flatMap(({ keys }) => keys));
      let at = 0;
      for (const { keys, resolve } of waiting) {
        resolve(values.slice(at, at + keys.length));
        at += keys.length;
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
