import type { Database, Db } from '../contract.ts';

/** Where a read went, and why: the label values of its metric. */
export type ReadRoute =
  | { readonly server: 'replica'; readonly reason: 'current' }
  | { readonly server: 'primary'; readonly reason: PrimaryReason };

/**
 * Why the primary answered a read: the replica is `down` or `behind`, the caller has an `own_write` that it may not have
 * yet, it is not known whether they have (`unknown_writes`), the replica failed the read (`retried`), or there is `none`.
 */
export type PrimaryReason = 'down' | 'behind' | 'own_write' | 'unknown_writes' | 'retried' | 'none';

/** `foreign`: it answers, but is no replica of this primary (promoted, another system, another timeline). */
export type ReplicaStatus = 'current' | 'behind' | 'down' | 'foreign';

export interface ReplicaState {
  readonly status: ReplicaStatus;
  /** How old the newest state is that the replica surely has, in milliseconds; undefined where that is unknown. */
  readonly lagMs: number | undefined;
  /** Log that it had not replayed when it was last asked, in bytes. */
  readonly lagBytes: number | undefined;
  /** Why it is not current, without user or password. */
  readonly reason?: string;
}

/** Writes of a caller, noted so that their reads wait for no replica: see `RoutedDatabase.writer`. */
export interface CallerWrites extends Pick<Database, 'transact' | 'runAlone'> {
  /**
   * Notes a write that was made by other means (a coalesced set). Call it after the commit and before anybody is told.
   * It never rejects; where the shared note cannot be made it waits, at most the window, until none is needed.
   */
  noteWrite(): Promise<void>;
}

/** The reads of one request; see `RoutedDatabase.reader`. */
export interface CallerReads extends Db {
  /**
   * Several reads of one state, all on one server. What the replica fails is read anew on the primary, so `work` may run
   * twice and does nothing but read.
   */
  snapshot<T>(work: (db: Db) => Promise<T>): Promise<T>;
}

/**
 * A database whose reads may go to a replica. A caller is named by keys: the actor's id for one who has signed in, a
 * resource for strangers (`client:PEPJ800101HNE`). Whoever reads under a key sees at least what was written under it.
 */
export interface RoutedDatabase extends Database {
  /**
   * For the reads of one request. A read goes to the replica where that surely has what was written under the keys,
   * else to the primary, and so do those after it, so that a request does not go back in time.
   * @param callers 1 to 8 keys; a key without writers is as good as none
   */
  reader(callers: readonly string[]): CallerReads;
  /** Writes on the primary that are noted under the keys, before the caller hears of them, however they end. */
  writer(callers: readonly string[]): CallerWrites;
  /** Undefined without a replica. */
  replicaState(): ReplicaState | undefined;
}
