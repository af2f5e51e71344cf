/** A look at the primary: all that had been committed before `atMs` lies before `position` in its log. */
interface Look {
  readonly atMs: number;
  readonly position: bigint;
}

const looksMax = 64;

/**
 * Until when a replica surely has everything. The primary is looked at now and then; once the replica has replayed the
 * log up to where the primary was at a look, it has every commit that was acknowledged before that look. So commits need
 * no position of their own: the time of this process at which each was acknowledged is enough.
 */
export class Coverage {
  #looks: Look[] = [];
  #untilMs = Number.NEGATIVE_INFINITY;
  #replayed = 0n;
  #lagBytes: bigint | undefined;

  /** Everything acknowledged before this time is on the replica. */
  get untilMs(): number {
    return this.#untilMs;
  }

  get lagBytes(): number | undefined {
    return this.#lagBytes === undefined ? undefined : Number(this.#lagBytes);
  }

  /** How far the replica had replayed when it was last asked. */
  get replayed(): bigint {
    return this.#replayed;
  }

  /** @param atMs a time before the primary was asked */
  look(atMs: number, position: bigint): void {
    this.#looks.push({ atMs, position });
    // Forgetting one costs precision alone: the next covers all that it did.
    if (this.#looks.length > looksMax) this.#looks.shift();
  }

  replay(position: bigint): void {
    const newest = this.#looks.findLast((look) => look.position <= position);
    const last = this.#looks.at(-1);
    this.#replayed = position;
    this.#lagBytes = last && (last.position > position ? last.position - position : 0n);
    if (!newest) return;
    this.#untilMs = Math.max(this.#untilMs, newest.atMs);
    this.#looks = this.#looks.filter(({ atMs }) => atMs >= newest.atMs);
  }

  /**
   * One of the servers was lost or is another one. A replica that comes back may have gone back, since it replays again
   * from its last checkpoint, and positions of another primary mean nothing: only what is looked at from now on counts.
   */
  lose(): void {
    this.#looks = [];
    this.#untilMs = Number.NEGATIVE_INFINITY;
    this.#replayed = 0n;
    this.#lagBytes = undefined;
  }
}
