import type { Clock } from '../kernel/index.ts';
import { cacheKey } from './cache-key.ts';
import type { CacheTags } from './cache-tags.ts';
import type { KeyValue } from './contract.ts';

export interface CacheCodec<Value> {
  encode(value: Value): string;
  /** Throws for a text that is none of its own. */
  decode(text: string): Value;
}

/** `unknown` when the store did not answer or its answer cannot be trusted now. */
export type Found<Value> =
  | { readonly kind: 'fresh' | 'stale'; readonly value: Value; readonly versions: Versions }
  | { readonly kind: 'absent'; readonly versions: Versions }
  | { readonly kind: 'unknown' };

/** What the tags of an entry stood at when it was looked for; undefined is a tag that has no version yet. */
export type Versions = readonly (string | undefined)[];

export interface EntryOptions<Value> {
  readonly name: string;
  readonly freshMs: number;
  readonly staleMs: number;
  readonly codec: CacheCodec<Value>;
  readonly clock: Clock;
}

/** Cached values as they lie in the store: `[freshUntilMs, versions of the tags, encoded value]`. */
export class CacheEntries<Value> {
  readonly #keyValue: KeyValue;
  readonly #tags: CacheTags;
  readonly #options: EntryOptions<Value>;

  constructor(keyValue: KeyValue, tags: CacheTags, options: EntryOptions<Value>) {
    this.#keyValue = keyValue;
    this.#tags = tags;
    this.#options = options;
  }

  /** One round trip: the value together with the present versions of its tags. */
  async find(key: string, tags: readonly string[]): Promise<Found<Value>> {
    if (this.#tags.areDoubtful(tags)) return { kind: 'unknown' };
    try {
      const [text, ...versions] = await this.#keyValue.getMany([this.#keyOf(key), ...this.#tags.keysOf(tags)]);
      return text === undefined ? { kind: 'absent', versions } : this.#read(text, versions);
    } catch {
      return { kind: 'unknown' }; // the store's owner logs the reason
    }
  }

  /** False when it could not be kept; the value is good all the same. */
  async keep(key: string, value: Value, versions: readonly string[]): Promise<boolean> {
    const { codec, clock, freshMs, staleMs } = this.#options;
    const text = JSON.stringify([clock.now().getTime() + freshMs, versions, codec.encode(value)]);
    try {
      await this.#keyValue.set(this.#keyOf(key), text, { ttlMs: freshMs + staleMs });
      return true;
    } catch {
      return false; // down, or too large to keep
    }
  }

  #read(text: string, versions: Versions): Found<Value> {
    const entry = parseEntry(text);
    if (!entry || !isSame(entry.versions, versions)) return { kind: 'absent', versions };
    try {
      const value = this.#options.codec.decode(entry.encoded);
      const isFresh = this.#options.clock.now().getTime() < entry.freshUntilMs;
      return { kind: isFresh ? 'fresh' : 'stale', value, versions };
    } catch {
      return { kind: 'absent', versions }; // written by another release
    }
  }

  #keyOf(key: string): string {
    return cacheKey(`${this.#options.name}:`, key);
  }
}

interface Entry {
  readonly freshUntilMs: number;
  readonly versions: readonly unknown[];
  readonly encoded: string;
}

function parseEntry(text: string): Entry | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return undefined;
    const [freshUntilMs, versions, encoded] = parsed as readonly unknown[];
    if (typeof freshUntilMs !== 'number' || !Array.isArray(versions) || typeof encoded !== 'string') return undefined;
    return { freshUntilMs, versions, encoded };
  } catch {
    return undefined; // not ours: a miss
  }
}

/** What was written are texts, so a tag that has no version now matches nothing: its last change is not known. */
function isSame(written: readonly unknown[], present: readonly (string | undefined)[]): boolean {
  return written.length === present.length && present.every((version, index) => version === written[index]);
}
