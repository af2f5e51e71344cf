import { createHash } from 'node:crypto';
import type { KeyValue } from '../../keyvalue/index.ts';

/** Tells the other processes which callers have written. */
export interface SharedWrites {
  /** Rejects where it could not be told. */
  tell(keys: readonly string[]): Promise<void>;
  /** Undefined where none of them has written within the window; else why nobody may rely on that. */
  heard(keys: readonly string[]): Promise<'own_write' | 'unknown_writes' | undefined>;
  close(): void;
}

/** More than a store takes to answer, less than by which the window is longer than the greatest lag. */
const answerMaxMs = 300;

/**
 * On the key-value store, each caller's writes are a limit of one in the window, which also counts what it refuses: the
 * window begins anew with each write, by the clock of the store, atomically, and what counts is never dropped early.
 * A key is hashed, since it may hold what is personal.
 *
 * A store that was away may have lost what it knew: nothing it says counts until the window has passed since.
 */
export function sharedWrites(
  keyValue: KeyValue,
  { scope, windowMs }: { readonly scope: string; readonly windowMs: number },
): SharedWrites {
  let isUp = true;
  let trustedFromMs = performance.now() + windowMs;
  const stopWatching = keyValue.watchHealth((health) => {
    if (health.isUp && !isUp) trustedFromMs = performance.now() + windowMs;
    isUp = health.isUp;
  });
  const limitOf = (key: string): { key: string; limit: number; windowMs: number } => {
    const hash = createHash('sha256').update(key).digest('base64url').slice(0, 22);
    return { key: `wrote:${scope}:${hash}`, limit: 1, windowMs };
  };
  return {
    async tell(keys) {
      await Promise.all(keys.map((key) => keyValue.take({ ...limitOf(key), countRefused: true })));
    },
    async heard(keys) {
      if (keys.length === 0) return undefined;
      const askedMs = performance.now();
      if (!isUp || askedMs < trustedFromMs) return 'unknown_writes';
      try {
        const answers = await Promise.all(keys.map((key) => keyValue.take({ ...limitOf(key), cost: 0 })));
        if (answers.some(({ allowed }) => !allowed)) return 'own_write';
      } catch {
        return 'unknown_writes'; // why is in the log of the store
      }
      return isUp && performance.now() - askedMs < answerMaxMs ? undefined : 'unknown_writes';
    },
    close: stopWatching,
  };
}
