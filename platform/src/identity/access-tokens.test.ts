import { jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { Problem } from '../kernel/index.ts';
import {
  ana,
  claims,
  forged,
  header,
  other,
  seconds,
  secret,
  sessionId,
  start,
  tokensOf,
} from './test/forged-tokens.ts';

/** A clock that a test moves by hand, by seconds. */
function standing(): { now: () => Date; advance: (by: number) => void } {
  let ms = start;
  return { now: () => new Date(ms), advance: (by) => void (ms += by * 1000) };
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

  it('are known without waiting once they were verified, for as long as they are good', async () => {
    const clock = standing();
    const tokens = tokensOf({ clock });
    const { token } = await tokens.sign(ana);
    expect(tokens.remembered(token)).toBeUndefined();
    const verified = await tokens.verify(token);
    expect(tokens.remembered(token)).toBe(verified);
    expect(tokensOf({ clock }).remembered(token)).toBeUndefined();
    clock.advance(-6);
    expect(tokens.remembered(token)).toBeUndefined();
    clock.advance(6 + 904);
    expect(tokens.remembered(token)).toBe(verified);
    clock.advance(1);
    expect(tokens.remembered(token)).toBeUndefined();
  });

  it('are known by all of their text, not by their MAC alone', async () => {
    const tokens = tokensOf();
    const { token } = await tokens.sign(ana);
    await tokens.verify(token);
    const [head = '', payload = '', mac = ''] = token.split('.');
    const admin = Buffer.from(JSON.stringify({ ...claims, role: 'admin' })).toString('base64url');
    for (const altered of [
      `${head}.${admin}.${mac}`,
      `.${payload}.${mac}`,
      mac,
      ` ${token}`,
      `${head}.${payload}x.${mac}`,
    ]) {
      expect(tokens.remembered(altered)).toBeUndefined();
      await expect(tokens.verify(altered)).rejects.toMatchObject(tokenInvalid);
    }
    expect(await tokens.verify(token)).toMatchObject({ role: 'cajero' });
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
