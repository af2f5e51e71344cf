import { createHmac, randomUUID } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { Problem } from '../kernel/index.ts';
import { type AccessTokens, type AccessTokensOptions, createAccessTokens } from './access-tokens.ts';

const secret = 'k'.repeat(32);
const other = 'o'.repeat(32);
const start = Date.UTC(2026, 0, 15, 12);
const sessionId = '01890a5d-ac96-774b-bcce-b302099a8057';
const ana = { subject: '7', name: 'Ana Belén', role: 'cajero', sessionId };

/** A clock that a test moves by hand. */
function standing(): { now: () => Date; advance: (seconds: number) => void } {
  let ms = start;
  return { now: () => new Date(ms), advance: (seconds) => void (ms += seconds * 1000) };
}

function tokensOf(options: Partial<AccessTokensOptions> = {}): AccessTokens {
  const clock = { now: () => new Date(start) };
  const keys = [{ kid: 'k1', secret }];
  return createAccessTokens({ keys, issuer: 'quinta', audience: 'mexa', ttlSeconds: 900, clock, ...options });
}

const seconds = start / 1000;
const claims = {
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
const header = { alg: 'HS256', typ: 'at+jwt', kid: 'k1' };

/** A token whose every byte the test chooses, with a good MAC over it. */
function forged(head: unknown, payload: unknown, { key = secret, digest = 'sha256' } = {}): string {
  const part = (value: unknown): string =>
    Buffer.from(Buffer.isBuffer(value) || typeof value === 'string' ? value : JSON.stringify(value)).toString(
      'base64url',
    );
  const signed = `${part(head)}.${part(payload)}`;
  return `${signed}.${createHmac(digest, key).update(signed).digest('base64url')}`;
}

const tokenInvalid = {
  code: 'token_invalid',
  status: 401,
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
};
const tokenExpired = { ...tokenInvalid, code: 'token_expired' };

describe('access tokens', () => {
  it('say who signed in, for how long, and under which id', async () => {
    const { token, expiresInSeconds, tokenId } = await tokensOf().sign(ana);
    expect(expiresInSeconds).toBe(900);
    expect(await tokensOf().verify(token)).toEqual({
      id: '7',
      name: 'Ana Belén',
      role: 'cajero',
      sessionId,
      tokenId,
      expiresAt: new Date(start + 900_000),
    });
    expect((await tokensOf().sign(ana)).tokenId).not.toBe(tokenId);
  });

  it('are JWTs that another library reads, and its tokens are read here', async () => {
    const key = Buffer.from(secret);
    const { token, tokenId } = await tokensOf().sign(ana);
    const options = { issuer: 'quinta', audience: 'mexa', typ: 'at+jwt', algorithms: ['HS256'] };
    const { payload, protectedHeader } = await jwtVerify(token, key, { ...options, currentDate: new Date(start) });
    expect(protectedHeader).toEqual(header);
    expect(payload).toMatchObject({ sub: '7', jti: tokenId, sid: sessionId, role: 'cajero', name: 'Ana Belén' });
    const theirs = await new SignJWT(claims).setProtectedHeader(header).sign(key);
    expect(await tokensOf().verify(theirs)).toMatchObject({ id: '7', sessionId });
  });

  it('expire, with five seconds for clocks that differ, remembered or not', async () => {
    const clock = standing();
    const remembering = tokensOf({ clock });
    const { token } = await remembering.sign(ana);
    await remembering.verify(token);
    clock.advance(904);
    expect(await remembering.verify(token)).toMatchObject({ id: '7' });
    expect(await tokensOf({ clock }).verify(token)).toMatchObject({ id: '7' });
    clock.advance(1);
    await expect(remembering.verify(token)).rejects.toMatchObject(tokenExpired);
    await expect(tokensOf({ clock }).verify(token)).rejects.toMatchObject(tokenExpired);
  });

  it('are not good before they were issued, even when the clock was set back after a first look', async () => {
    const clock = standing();
    const remembering = tokensOf({ clock });
    const { token } = await remembering.sign(ana);
    await remembering.verify(token);
    clock.advance(-5);
    expect(await remembering.verify(token)).toMatchObject({ id: '7' });
    clock.advance(-1);
    await expect(remembering.verify(token)).rejects.toMatchObject(tokenInvalid);
    await expect(tokensOf({ clock }).verify(token)).rejects.toMatchObject(tokenInvalid);
  });

  it('live no longer than is configured now, whatever they say themselves', async () => {
    const clock = standing();
    const long = forged(header, { ...claims, exp: seconds + 86_400 });
    expect(await tokensOf({ clock }).verify(long)).toMatchObject({ expiresAt: new Date(start + 900_000) });
    clock.advance(905);
    await expect(tokensOf({ clock }).verify(long)).rejects.toMatchObject(tokenExpired);
  });

  it('stay good while their key is kept for verification, and not after', async () => {
    const { token } = await tokensOf().sign(ana);
    const next = { kid: 'k2', secret: other };
    const rotated = tokensOf({ keys: [next, { kid: 'k1', secret }] });
    expect(await rotated.verify(token)).toMatchObject({ id: '7' });
    const { token: newer } = await rotated.sign(ana);
    expect(await tokensOf({ keys: [next] }).verify(newer)).toMatchObject({ id: '7' });
    await expect(tokensOf({ keys: [next] }).verify(token)).rejects.toMatchObject(tokenInvalid);
    await expect(tokensOf().verify(newer)).rejects.toMatchObject(tokenInvalid);
  });

  it('of one service are none of another', async () => {
    const { token } = await tokensOf().sign(ana);
    await expect(tokensOf({ audience: 'sofipo' }).verify(token)).rejects.toMatchObject(tokenInvalid);
    await expect(tokensOf({ issuer: 'elsewhere' }).verify(token)).rejects.toMatchObject(tokenInvalid);
  });

  it('that are bad are not remembered, and good ones only by the verifier that saw them', async () => {
    const mexa = tokensOf();
    const { token } = await mexa.sign(ana);
    await mexa.verify(token);
    const bad = `${token.slice(0, -5)}AAAAA`;
    for (let round = 0; round < 2; round++) await expect(mexa.verify(bad)).rejects.toBeInstanceOf(Problem);
    await expect(tokensOf({ audience: 'sofipo' }).verify(token)).rejects.toBeInstanceOf(Problem);
  });

  it('never stand in the error that refuses them', async () => {
    const { token } = await tokensOf().sign(ana);
    const problem: unknown = await tokensOf({ audience: 'sofipo' })
      .verify(token)
      .catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    expect(`${String(problem)} ${JSON.stringify(problem)}`).not.toContain(token.slice(0, 30));
  });
});

const refused = { code: 'token_invalid', status: 401 };

/** What is said to a token, under a name that a failed test can show. */
async function verdictOn(token: string, name: string): Promise<[string, unknown]> {
  const error: unknown = await tokensOf()
    .verify(token)
    .catch((problem: unknown) => problem);
  return [name, error instanceof Problem ? { code: error.code, status: error.status } : error];
}

const badHeaders: readonly unknown[] = [
  { ...header, alg: 'none' },
  { ...header, alg: 'nOnE' },
  { ...header, alg: 'HS512' },
  { ...header, alg: 'RS256' },
  { ...header, alg: undefined },
  { ...header, typ: 'JWT' },
  { ...header, typ: 'refresh+jwt' },
  { ...header, typ: undefined },
  { ...header, typ: 7 },
  { ...header, kid: undefined },
  { ...header, kid: 'k2' },
  { ...header, kid: '__proto__' },
  { ...header, kid: '../../dev/null' },
  { ...header, kid: "' or 1=1 --" },
  { ...header, kid: ['k1'] },
  { ...header, kid: 'k'.repeat(10_000) },
  { ...header, crit: ['exp'] },
  { ...header, crit: [], b64: false },
  { ...header, b64: false },
  [],
  'null',
  '{"alg":"HS256","typ":"at+jwt","kid":"k1"',
  '{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"k1"}',
];

const badPayloads: readonly unknown[] = [
  [claims],
  'null',
  '"text"',
  '{"sub":',
  Buffer.from(JSON.stringify({ ...claims, name: 'Ren\u00e9' }), 'latin1'),
  JSON.stringify(claims).replace('{', '{"role":"admin",'),
  ...['iss', 'aud', 'sub', 'jti', 'iat', 'nbf', 'exp', 'sid', 'name', 'role'].flatMap((claim) => [
    { ...claims, [claim]: undefined },
    { ...claims, [claim]: null },
    { ...claims, [claim]: ['mexa'] },
    { ...claims, [claim]: {} },
    { ...claims, [claim]: '' },
  ]),
  { ...claims, exp: String(claims.exp) },
  { ...claims, exp: claims.exp + 0.5 },
  { ...claims, exp: 1e308 },
  { ...claims, exp: 8_640_000_000_001 },
  { ...claims, exp: -1 },
  { ...claims, iat: seconds + 6 },
  { ...claims, nbf: seconds + 6 },
  { ...claims, sid: 'no-uuid' },
  { ...claims, sub: 'x'.repeat(256) },
  { ...claims, aud: ['mexa', 'sofipo'] },
];

describe('what is no access token of ours', () => {
  it('is told from one by the header alone', async () => {
    expect(await tokensOf().verify(forged(header, claims))).toMatchObject({ id: '7' });
    expect(await tokensOf().verify(forged({ ...header, typ: 'application/AT+JWT' }, claims))).toMatchObject({
      id: '7',
    });
    const verdicts = badHeaders.map((head) => verdictOn(forged(head, claims), JSON.stringify(head)));
    expect(await Promise.all(verdicts)).toEqual(badHeaders.map((head) => [JSON.stringify(head), refused]));
  });

  it('is told from one by each of its claims', async () => {
    const verdicts = badPayloads.map((payload) => verdictOn(forged(header, payload), JSON.stringify(payload)));
    const expected = badPayloads.map((payload) => [JSON.stringify(payload), refused]);
    expect(await Promise.all(verdicts)).toEqual(expected);
  });

  it('is signed with another key or another digest', async () => {
    for (const key of ['', 'secret', other, `${secret} `]) {
      await expect(tokensOf().verify(forged(header, claims, { key }))).rejects.toMatchObject(tokenInvalid);
    }
    for (const digest of ['sha1', 'sha384', 'sha512']) {
      await expect(tokensOf().verify(forged(header, claims, { digest }))).rejects.toMatchObject(tokenInvalid);
    }
  });

  it('is one of ours with any one bit changed, the spare bits of its last character included', async () => {
    const { token } = await tokensOf().sign(ana);
    const tokens = tokensOf();
    const accepted: number[] = [];
    for (let bit = 0; bit < token.length * 8; bit++) {
      const bytes = Buffer.from(token, 'latin1');
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await tokens.verify(bytes.toString('latin1')).then(
        () => accepted.push(bit),
        (error: unknown) => expect(error).toMatchObject(tokenInvalid),
      );
    }
    expect(accepted).toEqual([]);
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spellings = last
      .split('')
      .map((character) => token.slice(0, -1) + character)
      .filter((text) => text !== token);
    for (const text of spellings) await expect(tokens.verify(text)).rejects.toMatchObject(tokenInvalid);
  });

  it('is cut, has other parts, or is no token at all', async () => {
    const { token } = await tokensOf().sign(ana);
    const [head = '', payload = '', mac = ''] = token.split('.');
    const texts = [
      '',
      '.',
      '..',
      'x',
      `${head}.${payload}`,
      `${head}.${payload}.`,
      `${token}.x`,
      ` ${token}`,
      `${token}\n`,
    ];
    const cut = [token.slice(0, -1), token.slice(1), `${head}.${payload}.${mac.slice(0, 20)}`, `${token}=`];
    const all = [...texts, ...cut, `qr_${mac}`, 'x'.repeat(5_000_000)];
    const verdicts = await Promise.all(all.map((text) => verdictOn(text, text.slice(0, 400))));
    expect(verdicts).toEqual(all.map((text) => [text.slice(0, 400), refused]));
  });
});

describe('a configuration of access tokens', () => {
  it.each([
    [{ keys: [] }, /key to sign/],
    [{ keys: [{ kid: 'k1', secret: 'k'.repeat(31) }] }, /31 bytes; it needs at least 32/],
    [{ keys: [{ kid: 'k1', secret: new Uint8Array(31) }] }, /31 bytes/],
    [
      {
        keys: [
          { kid: 'k1', secret },
          { kid: 'k1', secret: other },
        ],
      },
      /Two keys are named "k1"/,
    ],
    [{ keys: [{ kid: '', secret }] }, /named by/],
    [{ keys: Array.from({ length: 17 }, (_, index) => ({ kid: `k${index}`, secret })) }, /At most 16/],
    [{ ttlSeconds: 0 }, /lives from 1/],
    [{ ttlSeconds: 86_401 }, /lives from 1/],
    [{ ttlSeconds: 1.5 }, /lives from 1/],
    [{ issuer: '' }, /issuer/],
    [{ audience: '' }, /audience/],
  ])('%#: is refused with a sentence', (options, sentence) => {
    expect(() => tokensOf(options)).toThrow(sentence);
  });

  it('never says the secret that it refuses', () => {
    const short = 'a short one that nobody may see';
    expect(() => tokensOf({ keys: [{ kid: 'k1', secret: short }] })).toThrow(/^(?!.*nobody).*$/);
  });

  it('signs nothing that it would not take back', async () => {
    for (const wrong of [{ subject: '' }, { name: 'n'.repeat(256) }, { role: '' }, { sessionId: '7' }]) {
      await expect(tokensOf().sign({ ...ana, ...wrong })).rejects.toBeInstanceOf(RangeError);
    }
  });
});
