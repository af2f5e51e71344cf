import { createHash, createSecretKey, type KeyObject } from 'node:crypto';

/** A secret of HMAC-SHA256 under the name that tokens carry as `kid`. */
export interface SigningKey {
  readonly kid: string;
  /** Text is taken as UTF-8. At least 32 bytes (RFC 7518 section 3.2). */
  readonly secret: string | Uint8Array;
}

export interface SigningKeys {
  readonly signing: { readonly kid: string; readonly key: KeyObject };
  readonly find: (kid: string) => KeyObject | undefined;
}

const secretBytesMin = 32;
const keysMax = 16;
const kidForm = /^[\w.-]{1,64}$/;

/** Throws a RangeError that names the key, never the secret. */
export function signingKeys(keys: readonly SigningKey[]): SigningKeys {
  const byKid = new Map<string, KeyObject>();
  if (keys.length > keysMax) throw new RangeError(`At most ${keysMax} keys verify at once`);
  for (const { kid, secret } of keys) {
    if (!kidForm.test(kid)) throw new RangeError('A key is named by 1 to 64 letters, digits, ".", "_" or "-"');
    if (byKid.has(kid)) throw new RangeError(`Two keys are named "${kid}"`);
    byKid.set(kid, secretKey(secret, `The secret of key "${kid}"`));
  }
  const [first] = byKid;
  if (!first) throw new RangeError('Access tokens need a key to sign with');
  return {
    signing: { kid: first[0], key: first[1] },
    find: (kid) => byKid.get(kid),
  };
}

/** A secret as a key object, which no inspection or log prints. Throws a RangeError under 32 bytes. */
export function secretKey(secret: string | Uint8Array, name: string): KeyObject {
  const bytes = Buffer.from(secret);
  if (bytes.length < secretBytesMin) {
    throw new RangeError(`${name} has ${bytes.length} bytes; it needs at least ${secretBytesMin}`);
  }
  return createSecretKey(bytes);
}

/**
 * A secret and the one before it as keys, the first of which signs. A key's name is a part of its own digest, so that
 * every process gives the same secret the same name.
 */
export function namedKeys(secret: string, previous: string | undefined): SigningKey[] {
  return [secret, previous].flatMap((key) => (key === undefined ? [] : [{ kid: keyNameOf(key), secret: key }]));
}

function keyNameOf(secret: string): string {
  return createHash('sha256').update(`quinta kid ${secret}`).digest('base64url').slice(0, 8);
}
