import { pbkdf2, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { parseOptions, verify as verifyArgon2 } from '@node-rs/argon2';
import { verify as verifyBcrypt } from '@node-rs/bcrypt';

/** A stored verifier that was read and found affordable. */
export interface StoredPassword {
  /** Algorithm and parameters without salt: two with the same text cost the same. */
  readonly signature: string;
  matches(password: string): Promise<boolean>;
}

/**
 * The dearest stored hash that is still checked. A hash is data, and in a legacy table somebody else's: a cost beyond
 * these would hang the sign-in of whoever planted it. Each maximum takes about a second on a slow core, several times
 * what the systems named below ever wrote by default.
 */
export const storedCostMax = {
  argon2MemoryKiB: 262_144,
  argon2Passes: 16,
  argon2Lanes: 16,
  /** memory in KiB times passes */
  argon2Work: 1_048_576,
  bcryptCost: 14,
  scryptMemoryBytes: 256 * 1024 * 1024,
  /** N * r * p; werkzeug writes 32768 * 8 * 1 */
  scryptWork: 2_097_152,
  /** werkzeug 3.1 writes 1,000,000 */
  pbkdf2Iterations: 2_000_000,
  storedLength: 512,
} as const;

/** A bcrypt hash knows 72 bytes of its password; what is longer cannot be compared whole and never matches. */
const bcryptPasswordBytesMax = 72;
/** What `pbkdf2:sha256$…` means where werkzeug left the count out: its default since 2.3. */
const pbkdf2IterationsDefault = 600_000;

const scryptAsync = promisify<string, string, number, object, Buffer>(scrypt);
const pbkdf2Async = promisify(pbkdf2);

/**
 * Reads a stored verifier: Argon2 in PHC form, bcrypt (`$2a$`, `$2b$`, `$2y$`), and what werkzeug's
 * `generate_password_hash` writes, `scrypt:N:r:p$salt$hex` and `pbkdf2:digest[:iterations]$salt$hex`, where the salt
 * is text as it stands. Undefined for anything else: absent, empty, "!", malformed or too dear.
 */
export function readStoredPassword(stored: string | undefined): StoredPassword | undefined {
  if (stored === undefined || stored.length > storedCostMax.storedLength) return undefined;
  if (stored.startsWith('$argon2')) return readArgon2(stored);
  if (stored.startsWith('$2')) return readBcrypt(stored);
  if (stored.startsWith('scrypt:')) return readScrypt(stored);
  if (stored.startsWith('pbkdf2:')) return readPbkdf2(stored);
  return undefined;
}

/** The signature of an Argon2id hash (version 1.3) with the salt and tag lengths of the library's own hashes. */
export function argon2Signature(cost: { memoryKiB: number; passes: number; lanes: number }): string {
  return `argon2:2:1:16:32:${cost.memoryKiB}:${cost.passes}:${cost.lanes}`;
}

function readArgon2(stored: string): StoredPassword | undefined {
  const parsed = parsedOrUndefined(() => parseOptions(stored));
  if (!parsed) return undefined;
  const { algorithm, version, saltLen, outputLen, memoryCost, timeCost, parallelism } = parsed;
  const isAffordable =
    memoryCost <= storedCostMax.argon2MemoryKiB &&
    timeCost <= storedCostMax.argon2Passes &&
    parallelism <= storedCostMax.argon2Lanes &&
    memoryCost * timeCost <= storedCostMax.argon2Work;
  if (!isAffordable) return undefined;
  return {
    signature: `argon2:${algorithm}:${version}:${saltLen}:${outputLen}:${memoryCost}:${timeCost}:${parallelism}`,
    // A hash whose header reads well and whose rest does not makes the library throw: no match.
    matches: (password) => verifyArgon2(stored, password).catch(() => false),
  };
}

function readBcrypt(stored: string): StoredPassword | undefined {
  const [, cost] = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(stored) ?? [];
  if (cost === undefined || Number(cost) < 4 || Number(cost) > storedCostMax.bcryptCost) return undefined;
  return {
    signature: `bcrypt:${Number(cost)}`,
    matches: async (password) => {
      const isSame = await verifyBcrypt(password, stored);
      // bcrypt repeats its key with a NUL between, so that "a" and "a\0a" are one key to it.
      const isWhole = Buffer.byteLength(password) <= bcryptPasswordBytesMax && !password.includes('\0');
      return isSame && isWhole;
    },
  };
}

function readScrypt(stored: string): StoredPassword | undefined {
  const match = /^scrypt:(\d{1,8}):(\d{1,4}):(\d{1,4})\$([^$]{1,128})\$((?:[0-9a-fA-F]{2}){16,64})$/.exec(stored);
  if (!match) return undefined;
  const [, cost = '', blocks = '', lanes = '', salt = '', hex = ''] = match;
  const [N, r, p] = [Number(cost), Number(blocks), Number(lanes)];
  const isPowerOfTwo = N > 1 && (N & (N - 1)) === 0;
  const isAffordable = 128 * N * r <= storedCostMax.scryptMemoryBytes && N * r * p <= storedCostMax.scryptWork;
  if (!isPowerOfTwo || r < 1 || p < 1 || !isAffordable) return undefined;
  const expected = Buffer.from(hex, 'hex');
  // What RFC 7914 keeps in memory, and room for the library's own.
  const maxmem = 128 * r * (N + p + 2) + 1_048_576;
  return {
    signature: `scrypt:${N}:${r}:${p}`,
    matches: async (password) =>
      timingSafeEqual(await scryptAsync(password, salt, expected.length, { N, r, p, maxmem }), expected),
  };
}

const digestBytes: ReadonlyMap<string, number> = new Map([
  ['sha1', 20],
  ['sha256', 32],
  ['sha512', 64],
]);

function readPbkdf2(stored: string): StoredPassword | undefined {
  const match = /^pbkdf2:(sha1|sha256|sha512)(?::(\d{1,8}))?\$([^$]{1,128})\$((?:[0-9a-fA-F]{2})+)$/.exec(stored);
  if (!match) return undefined;
  const [, digest = '', count = pbkdf2IterationsDefault, salt = '', hex = ''] = match;
  const iterations = Number(count);
  const expected = Buffer.from(hex, 'hex');
  const isAffordable = iterations >= 1 && iterations <= storedCostMax.pbkdf2Iterations;
  if (!isAffordable || expected.length !== digestBytes.get(digest)) return undefined;
  return {
    signature: `pbkdf2:${digest}:${iterations}`,
    matches: async (password) =>
      timingSafeEqual(await pbkdf2Async(password, salt, iterations, expected.length, digest), expected),
  };
}

function parsedOrUndefined<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined; // malformed: the same to us as no hash at all
  }
}
