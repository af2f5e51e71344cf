import { type Clock, type Log, silentLog, systemClock } from '../kernel/index.ts';
import { cacheKey } from './cache-key.ts';
import { CacheEntries, type CacheCodec, type Found, type Versions } from './cache-entries.ts';
import { CacheTags } from './cache-tags.ts';
import type { KeyValue, Lock } from './contract.ts';

/** `hit` fresh, `stale` old and being renewed, `miss` filled now, `bypass` filled now and kept nowhere. */
export type CacheStatus = 'hit' | 'stale' | 'miss' | 'bypass';

export interface Cached<Value> {
  readonly value: Value;
  readonly status: CacheStatus;
}

export interface CacheOptions<Value> {
  /** Stands before every key; change it with the shape of the values. */
  readonly name: string;
  /** For how long a value is served without a second thought. */
  readonly freshMs: number;
  /** For how long after that it is served while one process renews it, or while renewing fails. Default 0. */
  readonly staleMs?: number;
  /** How long one process may fill before others try too; default 10,000. */
  readonly fillMs?: number;
  /** How long to wait for what another process fills; default 2,000. */
  readonly waitMs?: number;
  /** Default JSON, which knows no bigint and no Date. What cannot be decoded is a miss. */
  readonly codec?: CacheCodec<Value>;
  readonly clock?: Clock;
  readonly log?: Log;
  /** For metrics; must not throw. */
  readonly onOutcome?: (status: CacheStatus) => void;
}

/** One value to read, and how to make it. */
export interface CacheRequest<Value> {
  readonly key: string;
  readonly fill: () => Promise<Value>;
  /** The value is dropped with any of these, at most 50; the same for every request of one key. */
  readonly tags?: readonly string[];
}

export interface Cache<Value> {
  /** The value, from the cache or from `fill`. Rejects only as `fill` does. */
  get(request: CacheRequest<Value>): Promise<Value>;
  /** The same, and where it came from. */
  read(request: CacheRequest<Value>): Promise<Cached<Value>>;
  /**
   * Drops what carries any of these tags, in all processes; call it after the commit. A fill that began before it gives
   * its older value to those alone who asked before it, and keeps it for nobody else. Never rejects: while the
   * store is down the tags are remembered, treated as dropped here, and dropped for all when it is back. A process
   * that dies meanwhile forgets them, so others may serve such a value until its time ends.
   */
  invalidateTags(tags: readonly string[]): Promise<void>;
  /** Drops everything in this cache. */
  clear(): Promise<void>;
  close(): void;
}

const pollMs = 25;
const tagsMax = 50;

/**
 * A cache that fills each key once: in this process by sharing the promise, among processes by a short lock. Without
 * the store it fills every time, still once at a time in each process.
 */
export function createCache<Value>(keyValue: KeyValue, options: CacheOptions<Value>): Cache<Value> {
  const cache = new SharedCache(keyValue, options);
  return {
    get: async (request) => (await cache.read(request)).value,
    read: (request) => cache.read(request),
    invalidateTags: (tags) => cache.invalidate(tags),
    clear: () => cache.clear(),
    close: () => cache.close(),
  };
}

interface Flight<Value> {
  readonly tags: readonly string[];
  /** Of its tags, before it began; undefined where the store did not say. */
  readonly versions: Versions | undefined;
  readonly result: Promise<Cached<Value>>;
}

class SharedCache<Value> {
  readonly #keyValue: KeyValue;
  readonly #options: CacheOptions<Value>;
  readonly #log: Log;
  readonly #tags: CacheTags;
  readonly #entries: CacheEntries<Value>;
  readonly #flights = new Map<string, Flight<Value>>();

  constructor(keyValue: KeyValue, options: CacheOptions<Value>) {
    this.#keyValue = keyValue;
    this.#options = options;
    this.#log = options.log ?? silentLog;
    const { name, freshMs, staleMs = 0, fillMs = 10_000 } = options;
    this.#tags = new CacheTags(keyValue, { name, lifetimeMs: 2 * (freshMs + staleMs + fillMs) });
    this.#entries = new CacheEntries(keyValue, this.#tags, {
      name,
      freshMs,
      staleMs,
      codec: options.codec ?? jsonCodec(),
      clock: options.clock ?? systemClock,
    });
  }

  async read(request: CacheRequest<Value>): Promise<Cached<Value>> {
    const { key, tags = [] } = request;
    if (tags.length > tagsMax) throw new RangeError(`A cached value has at most ${tagsMax} tags`);
    const found = await this.#entries.find(key, tags);
    const cached = await this.#serve(request, found);
    this.#options.onOutcome?.(cached.status);
    return cached;
  }

  async invalidate(tags: readonly string[]): Promise<void> {
    // A fill that began before the change must not answer those who ask after it.
    for (const [key, flight] of this.#flights) {
      if (flight.tags.some((tag) => tags.includes(tag))) this.#flights.delete(key);
    }
    await this.#tags.invalidate(tags);
  }

  async clear(): Promise<void> {
    this.#flights.clear();
    await this.#tags.invalidateAll();
  }

  close(): void {
    this.#tags.close();
  }

  async #serve(request: CacheRequest<Value>, found: Found<Value>): Promise<Cached<Value>> {
    if (found.kind === 'fresh') return { value: found.value, status: 'hit' };
    if (found.kind !== 'stale') return this.#fillOnce(request, found);
    this.#fillOnce(request, found).catch((error: unknown) => {
      this.#log.warn(
        { cache: this.#options.name, err: error },
        'Renewing a cached value failed; the old one is served',
      );
    });
    return { value: found.value, status: 'stale' };
  }

  #fillOnce(request: CacheRequest<Value>, found: Found<Value>): Promise<Cached<Value>> {
    const flying = this.#flights.get(request.key);
    const versions = found.kind === 'unknown' ? undefined : found.versions;
    if (flying && isAsNew(flying.versions, versions)) return flying.result;
    const result = versions === undefined ? this.#fillUnkept(request) : this.#fillShared(request);
    const flight: Flight<Value> = { tags: request.tags ?? [], versions, result };
    this.#flights.set(request.key, flight);
    const land = (): void => {
      if (this.#flights.get(request.key) === flight) this.#flights.delete(request.key);
    };
    result.then(land, land);
    return result;
  }

  async #fillUnkept({ fill }: CacheRequest<Value>): Promise<Cached<Value>> {
    return { value: await fill(), status: 'bypass' };
  }

  async #fillShared(request: CacheRequest<Value>): Promise<Cached<Value>> {
    const turn = await this.#waitForTurn(request);
    if ('value' in turn) return { value: turn.value, status: 'hit' };
    try {
      return await (turn.isStoreUp ? this.#fillAndKeep(request) : this.#fillUnkept(request));
    } finally {
      await turn.lock?.release().catch(() => false);
    }
  }

  /** Until this process may fill, or another one has filled, or it took too long. */
  async #waitForTurn({ key, tags = [] }: CacheRequest<Value>): Promise<Turn<Value>> {
    const { name, fillMs = 10_000, waitMs = 2_000 } = this.#options;
    const endsAtMs = performance.now() + waitMs;
    for (;;) {
      const lock = await this.#keyValue.lock(cacheKey(`${name}~fill:`, key), { ttlMs: fillMs }).catch(() => undefined);
      const found = await this.#entries.find(key, tags);
      if (found.kind === 'fresh' || (found.kind === 'stale' && !lock)) {
        await lock?.release().catch(() => false);
        return { value: found.value };
      }
      const isStoreUp = found.kind !== 'unknown';
      if (lock || !isStoreUp || performance.now() >= endsAtMs) return { lock, isStoreUp };
      await pause(pollMs);
    }
  }

  async #fillAndKeep(request: CacheRequest<Value>): Promise<Cached<Value>> {
    // The tags are read before the fill begins: a change meanwhile makes what is kept invalid at once.
    const versions = await this.#tags.versions(request.tags ?? []).catch(() => undefined);
    if (!versions) return this.#fillUnkept(request);
    const value = await request.fill();
    const isKept = await this.#entries.keep(request.key, value, versions);
    return { value, status: isKept ? 'miss' : 'bypass' };
  }
}

/**
 * Whether a fill that began at some versions of its tags has what somebody must see who finds others: a change in another
 * process since it began may be one that they have heard of.
 */
function isAsNew(begun: Versions | undefined, found: Versions | undefined): boolean {
  if (begun === undefined || found === undefined) return begun === found;
  return begun.length === found.length && begun.every((version, place) => version === found[place]);
}

type Turn<Value> = { readonly value: Value } | { readonly lock: Lock | undefined; readonly isStoreUp: boolean };

function jsonCodec<Value>(): CacheCodec<Value> {
  return {
    encode: (value) => JSON.stringify(value),
    // The name of the cache stands for the shape of its values, so what we wrote is what we read.
    decode: (text) => JSON.parse(text) as Value,
  };
}

function pause(durationMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, durationMs);
  return promise;
}
