import type { Connection, Engine } from '../session.ts';

/** One server that is asked one question again and again, on a connection that nothing else uses. */
export class Probe<Row> {
  readonly #engine: Engine;
  readonly #question: string;
  readonly #timeoutMs: number;

  /** @param engine a pool of one connection */
  constructor(engine: Engine, question: string, timeoutMs: number) {
    this.#engine = engine;
    this.#question = question;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws what the driver throws, and an Error when there is no answer in time. One call at a time. */
  async ask(): Promise<Row> {
    const connection = await this.#engine.connect();
    let isBroken = true;
    try {
      const row = await this.#answer(connection);
      isBroken = false;
      return row;
    } finally {
      connection.release(isBroken);
    }
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  async #answer(connection: Connection): Promise<Row> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(new Error(`It did not answer within ${this.#timeoutMs} ms`));
    // An answer that waits in the socket while this process was busy is read before anybody gives up.
    const timer = setTimeout(() => setImmediate(giveUp), this.#timeoutMs);
    const answered = connection.query(this.#question, []);
    try {
      const { rows } = await Promise.race([answered, late]);
      const [row] = rows;
      if (row === undefined) throw new Error('It answered without a row');
      return row as Row;
    } finally {
      clearTimeout(timer);
      answered.catch(() => undefined); // the race is over; a connection that is destroyed fails its question
    }
  }
}
