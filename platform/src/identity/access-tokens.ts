import { randomUUID } from 'node:crypto';
import { type Actor, type Clock, isUuid } from '../kernel/index.ts';
import { type Claims, macLength, openCompact, signCompact } from './compact-jws.ts';
import { invalidTokenHeaders, tokenExpired, tokenInvalid } from './problems.ts';
import { rememberTokens } from './remembered-tokens.ts';
import { type SigningKey, signingKeys } from './signing-keys.ts';

export interface AccessTokensOptions {
  /** The first one signs; all of them verify, so that an old key lives on until its last token has expired. */
  readonly keys: readonly SigningKey[];
  readonly issuer: string;
  readonly audience: string;
  /** From 1 to 86,400. No token is accepted for longer than this after it was issued, whatever it says itself. */
  readonly ttlSeconds: number;
  readonly clock: Clock;
}

export interface AccessTokenSubject {
  /** The key of the user as text. */
  readonly subject: string;
  readonly name: string;
  readonly role: string;
  /** The refresh family. */
  readonly sessionId: string;
}

export interface SignedAccessToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly tokenId: string;
}

/** Who a token speaks for. */
export interface VerifiedToken extends Actor {
  readonly tokenId: string;
  readonly expiresAt: Date;
}

export interface AccessTokens {
  /** Throws a RangeError for what `verify` would not take back. */
  sign(subject: AccessTokenSubject): Promise<SignedAccessToken>;
  /**
   * Throws Problem `token_expired` or `token_invalid` (401). Says nothing of revocation: ask `watchRevocations` about
   * the session.
   */
  verify(token: string): Promise<VerifiedToken>;
  /**
   * Who a token speaks for that `verify` has found good before and that still is; undefined for every other one. It
   * waits for nothing, so that a request whose token is known need not wait either.
   */
  remembered(token: string): VerifiedToken | undefined;
}

/** Clocks of two hosts may differ by this much. */
const clockToleranceSeconds = 5;
const rememberedMax = 10_000;
const ttlSecondsMax = 86_400;
const textLengthMax = 255;
const unsignable = `Subject, name and role have 1 to ${textLengthMax} characters, and the session is a UUID`;
/** The last second that a Date can hold. */
const latestSecond = 8_640_000_000_000;
const tokenType = 'at+jwt';
/** Nothing of ours comes near; a longer text is not even hashed. */
const tokenLengthMax = 4_096;

interface Lifetime {
  readonly verified: VerifiedToken;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

interface Remembered extends Lifetime {
  readonly token: string;
}

/**
 * Access tokens: JWT with HMAC-SHA256 alone, typed `at+jwt` (RFC 9068), each claim checked as RFC 8725 asks. The
 * header's `kid` chooses among our own keys and nothing else in a header is ever followed.
 *
 * A token that was verified once is remembered until it expires (10,000 at most): well under a microsecond instead of
 * about ten. It is looked up by its MAC and then compared whole, since even to hash all of it would cost more. Each
 * instance remembers for itself, so no other verifier's verdict is ever taken over.
 *
 * Throws a RangeError for keys that are missing, short (under 32 bytes) or share a `kid`, and for a life out of bounds.
 */
export function createAccessTokens(options: AccessTokensOptions): AccessTokens {
  const { issuer, audience, ttlSeconds, clock } = options;
  if (issuer === '' || audience === '') throw new RangeError('Access tokens need an issuer and an audience');
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > ttlSecondsMax) {
    throw new RangeError(`An access token lives from 1 to ${ttlSecondsMax} seconds, not ${ttlSeconds}`);
  }
  const { signing, find } = signingKeys(options.keys);
  const knownTokens = rememberTokens<Remembered>(rememberedMax);

  const sign = ({ subject, name, role, sessionId }: AccessTokenSubject): SignedAccessToken => {
    if (!isText(subject) || !isText(name) || !isText(role) || !isUuid(sessionId)) throw new RangeError(unsignable);
    const iat = Math.floor(clock.now().getTime() / 1000);
    const exp = iat + ttlSeconds;
    const tokenId = randomUUID();
    const claims = { iss: issuer, aud: audience, sub: subject, jti: tokenId, iat, nbf: iat, exp, sid: sessionId };
    const token = signCompact(tokenType, signing.kid, signing.key, { ...claims, name, role });
    return { token, expiresInSeconds: ttlSeconds, tokenId };
  };

  const recall = (token: string): Remembered | undefined => {
    const known = knownTokens.get(token.slice(-macLength));
    return known?.token === token ? known : undefined;
  };

  const verify = (token: string): VerifiedToken => {
    if (token.length > tokenLengthMax) throw invalid();
    const nowMs = clock.now().getTime();
    const known = recall(token);
    if (known) return stillGood(known, nowMs);
    const claims = openCompact(token, { typ: tokenType, find });
    if (!claims || claims['iss'] !== issuer || claims['aud'] !== audience) throw invalid();
    const read = { token, ...readClaims(claims, ttlSeconds) };
    const verified = stillGood(read, nowMs);
    knownTokens.set(token.slice(-macLength), read);
    return verified;
  };

  const remembered = (token: string): VerifiedToken | undefined => {
    const known = recall(token);
    return known && isGoodAt(known, clock.now().getTime()) ? known.verified : undefined;
  };

  return {
    // Promises, so that a key held elsewhere (a key service, a hardware module) changes no caller.
    sign: (subject) => Promise.try(sign, subject),
    verify: (token) => Promise.try(verify, token),
    remembered,
  };
}

/** Whole seconds, texts of a sane length, a session's id; no token is good for longer than `ttlSeconds`. */
function readClaims({ sub, jti, iat, nbf, exp, sid, name, role }: Claims, ttlSeconds: number): Lifetime {
  if (!isSecond(iat) || !isSecond(nbf) || !isSecond(exp)) throw invalid();
  if (!isText(sub) || !isText(jti) || !isText(sid) || !isText(name) || !isText(role) || !isUuid(sid)) throw invalid();
  const end = Math.min(exp, iat + ttlSeconds);
  return {
    verified: { id: sub, name, role, sessionId: sid, tokenId: jti, expiresAt: new Date(end * 1000) },
    notBeforeMs: (Math.max(nbf, iat) - clockToleranceSeconds) * 1000,
    notAfterMs: (end + clockToleranceSeconds) * 1000,
  };
}

function isSecond(claim: unknown): claim is number {
  return Number.isSafeInteger(claim) && Number(claim) >= 0 && Number(claim) <= latestSecond;
}

function isText(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== '' && claim.length <= textLengthMax;
}

function isGoodAt({ notBeforeMs, notAfterMs }: Lifetime, nowMs: number): boolean {
  return nowMs >= notBeforeMs && nowMs < notAfterMs;
}

function stillGood({ verified, notBeforeMs, notAfterMs }: Lifetime, nowMs: number): VerifiedToken {
  if (nowMs >= notAfterMs) throw tokenExpired({}, { headers: invalidTokenHeaders });
  if (nowMs < notBeforeMs) throw invalid();
  return verified;
}

function invalid(): Error {
  return tokenInvalid({}, { headers: invalidTokenHeaders });
}
