import { createHmac, randomUUID } from 'node:crypto';
import { type AccessTokens, type AccessTokensOptions, createAccessTokens } from '../access-tokens.ts';

export const secret = 'k'.repeat(32);
export const other = 'o'.repeat(32);
export const start = Date.UTC(2026, 0, 15, 12);
export const sessionId = '01890a5d-ac96-774b-bcce-b302099a8057';
export const ana = { subject: '7', name: 'Ana Belén', role: 'cajero', sessionId };

/** The tokens of one service, at a clock that stands. */
export function tokensOf(options: Partial<AccessTokensOptions> = {}): AccessTokens {
  const clock = { now: () => new Date(start) };
  const keys = [{ kid: 'k1', secret }];
  return createAccessTokens({ keys, issuer: 'quinta', audience: 'mexa', ttlSeconds: 900, clock, ...options });
}

export const seconds = start / 1000;
export const claims = {
  iss: 'quinta',
  aud: 'mexa',
  sub: '7',
  jti: randomUUID(),
  iat: seconds,
  nbf: seconds,
  exp: seconds + 900,
  sid: sessionId,
  name: 'Ana',
  role: 'cajero',
};
export const header = { alg: 'HS256', typ: 'at+jwt', kid: 'k1' };

/** A token whose every byte the test chooses, with a good MAC over it. */
export function forged(head: unknown, payload: unknown, { key = secret, digest = 'sha256' } = {}): string {
  const part = (value: unknown): string =>
    Buffer.from(Buffer.isBuffer(value) || typeof value === 'string' ? value : JSON.stringify(value)).toString(
      'base64url',
    );
  const signed = `${part(head)}.${part(payload)}`;
  return `${signed}.${createHmac(digest, key).update(signed).digest('base64url')}`;
}
