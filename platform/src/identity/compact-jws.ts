import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { TextDecoder } from 'node:util';

/**
 * JSON Web Signature in its compact form (RFC 7515 section 7.1) with HMAC-SHA256 and nothing else, in the process's
 * own thread. A general library takes the MAC through WebCrypto, which costs some hundred microseconds here against
 * four, in the very thread pool that a flood of sign-ins keeps busy with Argon2; tests hold this against `jose`.
 *
 * What a header may say is fixed: `alg` HS256, the `typ` asked for, a `kid` of ours. `crit` and `b64` are refused,
 * everything else (`jku`, `jwk`, `x5u` …) is never read.
 */

export type Claims = Readonly<Record<string, unknown>>;

export interface JwsKeys {
  readonly typ: string;
  readonly find: (kid: string) => KeyObject | undefined;
}

const algorithm = 'HS256';
const tokenLengthMax = 4_096;
/** A 256-bit MAC in base64url, which a token ends with. */
export const macLength = 43;
/** Header, payload and MAC. */
const compactForm = /^([\w-]+)\.([\w-]+)\.([\w-]{43})$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function signCompact(typ: string, kid: string, key: KeyObject, claims: Claims): string {
  const header = encoded({ alg: algorithm, typ, kid });
  const signed = `${header}.${encoded(claims)}`;
  return `${signed}.${macOf(signed, key).toString('base64url')}`;
}

/** The claims of a token that one of the keys signed, or undefined for every other text. Looks at no claim itself. */
export function openCompact(token: string, keys: JwsKeys): Claims | undefined {
  if (token.length > tokenLengthMax) return undefined;
  const [, header, payload, mac] = compactForm.exec(token) ?? [];
  if (header === undefined || payload === undefined || mac === undefined) return undefined;
  const key = keyFor(header, keys);
  return key && isMac(mac, macOf(`${header}.${payload}`, key)) ? decoded(payload) : undefined;
}

function keyFor(segment: string, { typ, find }: JwsKeys): KeyObject | undefined {
  const header = decoded(segment);
  if (!header || header['alg'] !== algorithm || 'crit' in header || 'b64' in header) return undefined;
  const { kid, typ: given } = header as { kid?: unknown; typ?: unknown };
  // RFC 7515 section 4.1.9: a media type, whatever its letter case, whose "application/" may be left out.
  const isTyped = typeof given === 'string' && given.toLowerCase().replace(/^application\//, '') === typ;
  return isTyped && typeof kid === 'string' ? find(kid) : undefined;
}

function macOf(signed: string, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(signed).digest();
}

/** Base64 leaves spare bits in the last character: of the four spellings of a MAC only the canonical one is taken. */
function isMac(text: string, expected: Buffer): boolean {
  const given = Buffer.from(text, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected) && given.toString('base64url') === text;
}

function encoded(value: Claims): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A JSON object with each of its members once, or undefined. */
function decoded(segment: string): Claims | undefined {
  try {
    const text = utf8.decode(Buffer.from(segment, 'base64url'));
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return memberCount(text) === Object.keys(value).length ? (value as Claims) : undefined;
  } catch {
    return undefined; // no UTF-8, or no JSON: not one of ours
  }
}

/** How many strings with a colon behind them a JSON text holds: its members, where no value is an object. */
function memberCount(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon !== undefined) count += 1;
  return count;
}
