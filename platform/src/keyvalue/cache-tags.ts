import { randomUUID } from 'node:crypto';
import { cacheKey } from './cache-key.ts';
import type { KeyValue } from './contract.ts';

/** So many tags are remembered while the store is down; beyond that the whole cache is dropped instead. */
const pendingMax = 1_000;
/** At least so long; longer where the values live longer. */
const ttlMinMs = 86_400_000;
/** Every entry carries this one, so that a cache can be emptied. */
const everything = '';

export interface TagOptions {
  readonly name: string;
  /** A tag must outlive every value that carries it. One that ended all the same makes misses, never hits. */
  readonly lifetimeMs: number;
}

/**
 * Tags as version keys: a value notes the versions of its tags, and is good while they are still the same. Dropping a
 * tag writes a new version, whatever the number of values that carry it.
 */
export class CacheTags {
  readonly #keyValue: KeyValue;
  readonly #options: TagOptions;
  /** Tags that the store does not know yet to be dropped, each with the number of its last drop. */
  readonly #pending = new Map<string, number>();
  #drops = 0;
  readonly #unwatch: () => void;

  constructor(keyValue: KeyValue, options: TagOptions) {
    this.#keyValue = keyValue;
    this.#options = options;
    this.#unwatch = keyValue.watchHealth(({ isUp }) => {
      if (isUp) void this.#flush();
    });
  }

  /** The keys of the versions, in the order in which a value notes them. */
  keysOf(tags: readonly string[]): string[] {
    return [everything, ...tags].map((tag) => this.#keyOf(tag));
  }

  /** Whether one of these was dropped here without the store knowing it yet. */
  areDoubtful(tags: readonly string[]): boolean {
    return this.#pending.size > 0 && [everything, ...tags].some((tag) => this.#pending.has(tag));
  }

  /** The present versions; a tag without one gets its first. Rejects when the store is down. */
  async versions(tags: readonly string[]): Promise<string[]> {
    const keys = this.keysOf(tags);
    const present = await this.#keyValue.getMany(keys);
    return Promise.all(keys.map(async (key, index) => present[index] ?? this.#renew(key)));
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    this.#drops += 1;
    for (const tag of tags) this.#pending.set(tag, this.#drops);
    if (this.#pending.size > pendingMax) {
      this.#pending.clear();
      this.#pending.set(everything, this.#drops);
    }
    await this.#flush();
  }

  async invalidateAll(): Promise<void> {
    await this.invalidate([everything]);
  }

  close(): void {
    this.#unwatch();
  }

  async #flush(): Promise<void> {
    await Promise.all([...this.#pending].map(([tag, drop]) => this.#drop(tag, drop)));
  }

  async #drop(tag: string, drop: number): Promise<void> {
    try {
      await this.#renew(this.#keyOf(tag));
    } catch {
      return; // it stays pending: doubtful here, and tried again with the next drop or when the store is back
    }
    // A later drop of the same tag has its own write to wait for.
    if (this.#pending.get(tag) === drop) this.#pending.delete(tag);
  }

  async #renew(key: string): Promise<string> {
    const version = randomUUID();
    await this.#keyValue.set(key, version, { ttlMs: Math.max(ttlMinMs, this.#options.lifetimeMs) });
    return version;
  }

  #keyOf(tag: string): string {
    return cacheKey(`${this.#options.name}~tag:`, tag);
  }
}
