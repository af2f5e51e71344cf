import { createHash } from 'node:crypto';

const plainLengthMax = 200;

/** A key as the caller wrote it where that fits, else its hash: long queries make long keys. */
export function cacheKey(prefix: string, key: string): string {
  if (key.length <= plainLengthMax) return prefix + key;
  return `${prefix}sha256:${createHash('sha256').update(key).digest('base64url')}`;
}
