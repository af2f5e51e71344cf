import type { CallerReads, Database, RoutedDatabase, TransactOptions, Tx } from '@quinta/platform/database';
import type { Context } from '@quinta/platform/kernel';
import { forget, type SofipoCaches } from './caches.ts';

/**
 * Reads go to the replica where that has what they must see, writes to the primary. What they must see is told by names:
 * who asks, and for strangers what they ask for. A read under a name sees everything that was written under it:
 *
 *     await listPayments(app.reads(context, `loan:${id}`), page)
 *
 *     const writes = app.writes(context, `loan:${id}`);
 *     await writes.transact(async (tx) => {
 *       const loan = await lockedLoan(tx, id);
 *       writes.touch(`client:${loan.client_id}`);
 *       …
 *     });
 *
 * A write touches `client:` with every loan of theirs, since their statement shows it. Lists of everybody have no name:
 * whoever has written sees that in them, and others see it when the replica has it.
 */
export interface ReadYourWrites {
  /** For the reads of one request. */
  readonly reads: (asker: Asker, ...resources: readonly Resource[]) => CallerReads;
  /** For one transaction. */
  readonly writes: (asker: Asker, ...resources: readonly Resource[]) => NamedWrites;
}

/** A client by key or by RFC, a loan by key, or a product by code. */
export type Resource = `client:${string}` | `rfc:${string}` | `loan:${string}` | `product:${string}`;

/** A resource, or a user by key. */
export type Name = Resource | `user:${string}`;

type Asker = Pick<Context, 'actor'>;

/** For reads whose answer is kept for all, and writes on behalf of many. */
export const everybody: Asker = { actor: undefined };

export interface NamedWrites extends Pick<Database, 'transact'> {
  /** Names what the transaction writes, where that is known only inside it. */
  touch(...names: readonly Name[]): void;
  /**
   * Notes the names and drops what is kept under them; `transact` does so by itself, before anybody hears of the write.
   * Also for a write that was found done: who did it may have died before it was told.
   */
  tell(): Promise<void>;
}

export function openReadYourWrites(database: RoutedDatabase, caches: SofipoCaches): ReadYourWrites {
  return {
    reads: (asker, ...resources) => database.reader(namesOf(asker, resources)),
    writes: (asker, ...resources) => new Writes(database, caches, namesOf(asker, resources)),
  };
}

/** Keys are the same in capitals, and an RFC is told from others by its letters, not by their case. */
export function nameOf(name: Name): string {
  return name.toLowerCase();
}

function namesOf({ actor }: Asker, resources: readonly Resource[]): string[] {
  return [...(actor ? ([`user:${actor.id}`] as const) : []), ...resources].map(nameOf);
}

/** As many as the database takes for one caller; a set of payments has those of many. */
const notedAtOnce = 8;

class Writes implements NamedWrites {
  readonly #database: RoutedDatabase;
  readonly #caches: SofipoCaches;
  readonly #names: Set<string>;

  constructor(database: RoutedDatabase, caches: SofipoCaches, names: readonly string[]) {
    this.#database = database;
    this.#caches = caches;
    this.#names = new Set(names);
  }

  touch(...names: readonly Name[]): void {
    for (const name of names) this.#names.add(nameOf(name));
  }

  async transact<T>(work: (tx: Tx) => Promise<T>, options?: TransactOptions): Promise<T> {
    const toldFirst = (tx: Tx): Promise<T> => {
      tx.afterCommit(() => this.tell()); // before any other follower, which may tell somebody of the write
      return work(tx);
    };
    try {
      return await this.#database.transact(toldFirst, options);
    } catch (error) {
      // A connection that is lost at COMMIT may have committed.
      await this.tell();
      throw error;
    }
  }

  /** The note comes first: whoever fills a cache after what it kept was dropped then reads no replica that is behind. */
  async tell(): Promise<void> {
    const names = [...this.#names];
    const callers = Array.from({ length: Math.ceil(names.length / notedAtOnce) }, (_, place) =>
      names.slice(place * notedAtOnce, (place + 1) * notedAtOnce),
    );
    await Promise.all(callers.map((some) => this.#database.writer(some).noteWrite()));
    await forget(this.#caches, names);
  }
}
