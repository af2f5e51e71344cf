import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAccessTokens, namedKeys } from '@quinta/platform/identity';
import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPlace } from '../place.ts';
import { type Person, refresh, somebody } from './people.ts';
import { appSecret, startTwo, type TwoProcesses } from './two-processes.ts';

type Fields = Readonly<Record<string, unknown>>;

const redis = redisProgram();
const previousSecret = `${appSecret} before`;
const encoded = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const decoded = (part: string | undefined): Fields =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Fields;

/** A token as whoever holds a key could make it. */
function signed(header: unknown, payload: unknown, key = appSecret, algorithm = 'sha256'): string {
  const body = Buffer.isBuffer(payload) ? payload.toString('base64url') : encoded(payload);
  const text = `${encoded(header)}.${body}`;
  return `${text}.${createHmac(algorithm, key).update(text).digest('base64url')}`;
}

describe.skipIf(redis.unreachable !== undefined)('access tokens on two processes', () => {
  let two: TwoProcesses;
  let person: Person;
  let header: Fields;
  let claims: Fields;
  beforeAll(async () => {
    two = await startTwo({ APP_SECRET_PREVIOUS: previousSecret });
    person = await somebody(two);
    const [head, payload] = person.access_token.split('.');
    [header, claims] = [decoded(head), decoded(payload)];
  });
  afterAll(() => two.close());

  const me = (authorization: string) => two.api('/users/me', { headers: { authorization } });
  const statusOf = async (token: string): Promise<number> => (await me(`Bearer ${token}`)).status;

  /** Each is refused, by both processes, with the challenge of RFC 6750. */
  async function expectRefused(tokens: readonly string[]): Promise<void> {
    expect(tokens.length).toBeGreaterThan(0);
    // What the tests forge would be good if nothing were wrong with it.
    expect(await statusOf(signed(header, claims))).toBe(200);
    for (const token of tokens) {
      for (const at of [0, 1] as const) {
        const answer = await two.api('/users/me', { token, at });
        expect([token, answer.status]).toEqual([token, 401]);
      }
    }
  }

  test('E01 without a token the challenge names no error', async () => {
    const answer = await two.api('/users/me');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer(?!.*error)/);
  });

  test('E02 an expired token is refused as such', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const old = { ...claims, iat: seconds - 1_000, nbf: seconds - 1_000, exp: seconds - 100 };
    const answer = await two.api('/users/me', { token: signed(header, old) });
    expect(answer.json()).toMatchObject({ status: 401, code: 'token_expired' });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    // Good by its own word, and longer than any token of ours lives.
    await expectRefused([signed(header, { ...old, exp: seconds + 10_000 })]);
  });

  test('E04 no algorithm is none of ours, however it is spelt', async () => {
    const bare = ['none', 'None', 'nOnE', 'NONE', ''].map(
      (alg) => `${encoded({ ...header, alg })}.${encoded(claims)}.`,
    );
    const [head, payload] = person.access_token.split('.');
    await expectRefused([
      ...bare,
      `${head}.${payload}.`,
      `${head}.${payload}`,
      signed({ ...header, alg: 'none' }, claims),
    ]);
  });

  test('E05 another algorithm is refused, also with the right key', async () => {
    const swapped = ['HS384', 'HS512', 'RS256', 'ES256', 'hs256', ['HS256']].map((alg) =>
      signed({ ...header, alg }, claims),
    );
    const hashed = ['sha384', 'sha512'].map((name) =>
      signed({ ...header, alg: name.replace('sha', 'HS') }, claims, appSecret, name),
    );
    await expectRefused([...swapped, ...hashed]);
  });

  test('E07 no other key signs: none, a word, the samples of the documents', async () => {
    const words = [
      '',
      'secret',
      'password',
      'changeme',
      'change-me',
      'jwt_secret',
      'app_secret',
      'your-256-bit-secret',
      '123456',
    ];
    await expectRefused([...words, `${appSecret} `].map((key) => signed(header, claims, key)));
  });

  test('E07 a process with a short key, or a telling one in production, does not start', async () => {
    const place = openPlace();
    try {
      for (const secret of ['short', 'x'.repeat(31)]) {
        const outcome = await place.run(['start', 'move-acces'], { variables: { APP_SECRET: secret } });
        expect(outcome.status).not.toBe(0);
        expect(outcome.stderr).toContain('APP_SECRET');
        expect(outcome.stderr).not.toContain(secret);
      }
    } finally {
      await place.close();
    }
  });

  test('E08 no bit may differ, and nothing may be cut off', async () => {
    const { access_token: token } = person;
    const flipped = Array.from({ length: 60 }, (_, place) => {
      const bytes = Buffer.from(token, 'latin1');
      // Spread over header, payload and MAC, each time another bit that keeps it a header of HTTP.
      const at = Math.floor((place * token.length) / 60);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (place % 3));
      return bytes.toString('latin1');
    });
    const mac = token.lastIndexOf('.') + 1;
    const inMac = Array.from({ length: 43 * 6 }, (_, bit) => {
      const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const at = mac + Math.floor(bit / 6);
      const digit = digits.indexOf(token[at] ?? '') ^ (1 << (bit % 6));
      return `${token.slice(0, at)}${digits[digit] ?? ''}${token.slice(at + 1)}`;
    });
    const cut = [token.slice(0, -1), token.slice(0, -22), token.slice(0, mac), `${token}A`, `${token}=`];
    await expectRefused([...flipped, ...inMac, ...cut].filter((text) => /^[\w.+/=~-]+$/.test(text)));
  });

  test('E10 a key is chosen among ours by its name alone', async () => {
    const names = ['../../dev/null', "' or 1=1 --", 'k'.repeat(2_000), ['k1'], {}, 7, null, undefined, '__proto__', ''];
    await expectRefused(names.map((kid) => signed({ ...header, kid }, claims)));
    const long = await me(`Bearer ${signed({ ...header, kid: 'k'.repeat(10_000) }, claims)}`);
    expect(long.status).toBe(401);
  });

  test('E11 nothing in a header is followed', async () => {
    const asked: string[] = [];
    const listener = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    });
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    try {
      const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/keys`;
      const jwk = { kty: 'oct', k: encoded('a key of the attacker, which is long enough') };
      const pointers = [{ jku: url }, { x5u: url }, { jwk }, { x5c: [encoded('certificate')] }, { kid: url }];
      await expectRefused(
        pointers.map((pointer) =>
          signed({ ...header, ...pointer }, claims, 'a key of the attacker, which is long enough'),
        ),
      );
      // The listener would have heard: it hears us.
      await fetch(`${url}/of-ours`);
      expect(asked).toEqual(['/keys/of-ours']);
    } finally {
      listener.close();
    }
  });

  test('E13 a token of one kind is none of another', async () => {
    const { ticket } = (
      await two.api('/ws/ticket', { method: 'POST', token: person.access_token, from: person.from })
    ).json<{ ticket: string }>();
    const { codes } = (await two.api('/users/me/code', { token: person.access_token })).json<{
      codes: { code: string }[];
    }>();
    const kinds = ['JWT', 'refresh+jwt', 'id+jwt', 'at', '', undefined].map((typ) =>
      signed({ ...header, typ }, claims),
    );
    await expectRefused([person.refresh_token, ticket, codes[0]?.code ?? '', ...kinds]);
    expect((await refresh(two, person.access_token.slice(0, 500))).status).toBe(401);
    expect((await refresh(two, ticket)).status).toBe(401);
  });

  test('E14 a token of another service, or of another house, is refused', async () => {
    const changes = [
      { aud: 'mexa' },
      { aud: ['move-acces'] },
      { aud: undefined },
      { iss: 'elsewhere' },
      { iss: undefined },
    ];
    await expectRefused(changes.map((change) => signed(header, { ...claims, ...change })));
  });

  test('E16 times are whole seconds', async () => {
    const { exp, iat } = claims;
    const odd = [String(exp), Number(exp) + 0.5, 1e308, -1, null, undefined, [exp], {}];
    const tokens = [
      ...odd.map((one) => ({ exp: one })),
      ...odd.filter((one) => one !== undefined).map((one) => ({ iat: one })),
    ];
    expect(iat).toBeTypeOf('number');
    await expectRefused(tokens.map((change) => signed(header, { ...claims, ...change })));
    const infinite = JSON.stringify({ ...claims, exp: 0 }).replace('"exp":0', '"exp":1e999');
    await expectRefused([signed(header, infinite)]);
  });

  test('E17 a payload is an object of UTF-8 with each claim once', async () => {
    const latin = Buffer.from(JSON.stringify({ ...claims, name: 'Ren\u00e9' }), 'latin1');
    const twice = JSON.stringify(claims).replace('{', '{"role":"staff",');
    await expectRefused([
      signed(header, [claims]),
      ...['null', '"text"', '7', '{"sub":', ''].map((text) => signed(header, text)),
      signed(header, latin),
      signed(header, twice),
    ]);
  });

  test('E19 a token in the URL opens no resource', async () => {
    for (const name of ['token', 'access_token', 'bearer']) {
      expect((await two.api(`/users/me?${name}=${person.access_token}`)).status).toBe(401);
    }
  });

  test('E20 the scheme may be spelt in any case, and is Bearer', async () => {
    const { access_token: token } = person;
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER ', 'Bearer  '])
      expect((await me(`${scheme}${token}`)).status).toBe(200);
    const basic = Buffer.from(`user:${token}`).toString('base64');
    for (const other of [
      `Bearer\t${token}`,
      `Bearer${token}`,
      token,
      `Basic ${basic}`,
      `Token ${token}`,
      `Bearer ${token} x`,
    ]) {
      expect([other.slice(0, 8), (await me(other)).status]).toEqual([other.slice(0, 8), 401]);
    }
  });

  test('E22 the key before this one verifies until it is taken away', async () => {
    const tokensOf = (key: string) =>
      createAccessTokens({
        keys: namedKeys(key, undefined),
        issuer: 'quinta',
        audience: 'move-acces',
        ttlSeconds: 900,
        clock: { now: () => new Date() },
      });
    const subject = {
      subject: String(person.id),
      name: person.email,
      role: 'member',
      sessionId: String(claims['sid']),
    };
    const { token: old } = await tokensOf(previousSecret).sign(subject);
    expect(await statusOf(old)).toBe(200);
    const { token: unknown } = await tokensOf(`${appSecret} of somebody else`).sign(subject);
    expect(await statusOf(unknown)).toBe(401);
    await two.servers[1].stop();
    await two.restart(1, { APP_SECRET_PREVIOUS: '' });
    expect((await two.api('/users/me', { token: old, at: 1 })).status).toBe(401);
    expect((await two.api('/users/me', { token: person.access_token, at: 1 })).status).toBe(200);
  });
});
