import { createHash, timingSafeEqual } from 'node:crypto';
import type { StoredPassword } from '@quinta/platform/identity';

const digests: ReadonlyMap<number, 'md5' | 'sha1'> = new Map([
  [32, 'md5'],
  [40, 'sha1'],
]);

/**
 * Hashes that only the earliest tables hold: MD5 and SHA-1 of the password alone, in hexadecimal. Undefined for
 * anything else. They are checked so that their owners can sign in once more, and get a hash worth the name.
 */
export function readPlainDigest(stored: string): StoredPassword | undefined {
  const digest = /^[0-9a-f]+$/i.test(stored) ? digests.get(stored.length) : undefined;
  if (!digest) return undefined;
  const expected = Buffer.from(stored, 'hex');
  return {
    signature: `plain:${digest}`,
    matches: async (password) => timingSafeEqual(createHash(digest).update(password).digest(), expected),
  };
}

/**
 * A hash of each kind that the tables may hold, so that each failed sign-in costs as much as all of them. The passwords
 * of these samples are chance that nobody kept; a digest of one round costs nothing that could be measured.
 */
export const sampleHashes = {
  none: [],
  bcrypt: ['$2b$12$F5Lx4cTt8hUkQm0oXn7v3eS8dZb1yRkJw2pGqHa6fVtIu9EoNcMOa'],
  all: ['$2b$12$F5Lx4cTt8hUkQm0oXn7v3eS8dZb1yRkJw2pGqHa6fVtIu9EoNcMOa'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
