import { describe, expect, it } from 'vitest';
import { Problem } from '../kernel/index.ts';
import { ana, claims, forged, header, other, seconds, secret, tokensOf } from './test/forged-tokens.ts';

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
      await expect(tokensOf().verify(forged(header, claims, { key }))).rejects.toMatchObject(refused);
    }
    for (const digest of ['sha1', 'sha384', 'sha512']) {
      await expect(tokensOf().verify(forged(header, claims, { digest }))).rejects.toMatchObject(refused);
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
        (error: unknown) => expect(error).toMatchObject(refused),
      );
    }
    expect(accepted).toEqual([]);
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spellings = last
      .split('')
      .map((character) => token.slice(0, -1) + character)
      .filter((text) => text !== token);
    for (const text of spellings) await expect(tokens.verify(text)).rejects.toMatchObject(refused);
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
