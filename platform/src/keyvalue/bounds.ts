import type { Lifetime, TakeLimit } from './contract.ts';

/** The largest limit a sliding log keeps: it remembers each admitted attempt of the window. */
export const limitMax = 10_000;
export const keysPerCallMax = 100;
const keyLengthMax = 512;
const valueLengthMax = 1_048_576;
const ttlMaxMs = 366 * 86_400_000;

/** A limit with its defaults filled in. */
export type FullTakeLimit = Required<TakeLimit>;

/** Keys of 1 to 512 characters. `~` at the start is kept for the adapters' own keys. Throws a RangeError. */
export function checkKey(key: string): void {
  if (key.length === 0 || key.length > keyLengthMax || key.startsWith('~')) {
    throw new RangeError(`A key has 1 to ${keyLengthMax} characters and does not start with "~"`);
  }
}

export function checkKeys(keys: readonly string[]): void {
  if (keys.length > keysPerCallMax) throw new RangeError(`At most ${keysPerCallMax} keys in one call`);
  for (const key of keys) checkKey(key);
}

export function checkValue(value: string): void {
  if (value.length > valueLengthMax) throw new RangeError(`A value has at most ${valueLengthMax} characters`);
}

export function checkLifetime({ ttlMs }: Lifetime): number {
  return checkWhole('ttlMs', ttlMs, 1, ttlMaxMs);
}

export function checkLimit(limit: TakeLimit): FullTakeLimit {
  checkKey(limit.key);
  checkWhole('limit', limit.limit, 1, limitMax);
  checkWhole('windowMs', limit.windowMs, 1, ttlMaxMs);
  const cost = checkWhole('cost', limit.cost ?? 1, 0, limit.limit);
  return { ...limit, cost, countRefused: limit.countRefused ?? false };
}

function checkWhole(name: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} is a whole number from ${min} to ${max}, not ${value}`);
  }
  return value;
}
