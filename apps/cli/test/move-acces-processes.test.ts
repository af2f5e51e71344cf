import { call, type HttpAnswer, PrivateRedis, redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { demoPassword, tally } from './clients.ts';
import { openPlace, type Place, type Server } from './place.ts';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const redis = redisProgram();
const rounds = 5;
let person = 0;

describe.skipIf(redis.unreachable !== undefined)('two processes of Move Acces on one database and one Redis', () => {
  let place: Place;
  let store: PrivateRedis;
  let servers: readonly [Server, Server];

  beforeAll(async () => {
    store = await PrivateRedis.start();
    // The promised limit of sign-ins, no limit that the tests themselves would meet, and hashes that cost little.
    place = openPlace({
      REDIS_URL: store.url,
      RATE_LIMIT_API_PER_5MIN: '10000',
      RATE_LIMIT_LOGIN_PER_MIN: '5',
      TRUST_PROXY: '127.0.0.1/32',
      ARGON2_MEMORY_KIB: '7168',
      ARGON2_PASSES: '5',
      ARGON2_LANES: '1',
      LEGACY_HASHES: 'none',
    });
    const one = await place.start(['start', 'move-acces']);
    servers = [one, await place.start(['start', 'move-acces'])];
  });
  afterAll(async () => {
    await place.close();
    await store.remove();
  });
  // Each test is a person of their own, with an address that nobody has used.
  beforeEach(() => {
    person += 1;
  });

  const addressed = (host = 1) => ({ 'x-forwarded-for': `192.0.${person}.${host}` });
  const post = (at: 0 | 1, path: string, body: unknown, host?: number): Promise<HttpAnswer> =>
    call(`${servers[at].address}${path}`, { body, headers: addressed(host) });
  const signIn = async (host?: number): Promise<Tokens> => {
    const answer = await post(0, '/auth/login', { email: 'lea@demo.example', password: demoPassword(place) }, host);
    expect(answer.status).toBe(200);
    return answer.json<Tokens>();
  };
  const me = async (at: 0 | 1, token: string): Promise<number> =>
    (await call(`${servers[at].address}/users/me`, { token, headers: addressed() })).status;

  test('D02 of 200 sign-ins at once five are tried, in every round', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const body = { email: `nobody${round}@demo.example`, password: 'not the password' };
      const sent = Array.from({ length: 200 }, (_, place_) =>
        call(`${servers[place_ % 2 === 0 ? 0 : 1].address}/auth/login`, { body, headers: addressed(round + 1) }),
      );
      expect(tally(await Promise.all(sent))).toEqual({ 401: 5, 429: 195 });
    }
  });

  test('F02 fifty refreshes of one token at once, on both, give one successor that works', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { refresh_token: token } = await signIn(round + 1);
      const body = { refresh_token: token };
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, place_) => post(place_ % 2 === 0 ? 0 : 1, '/auth/refresh', body)),
      );
      expect(tally(answers)).toEqual({ 200: 50 });
      const successors = new Set(answers.map((answer) => answer.json<Tokens>().refresh_token));
      expect(successors.size).toBe(1);
      expect((await post(1, '/auth/refresh', { refresh_token: [...successors][0] })).status).toBe(200);
    }
  });

  test('F08 a refresh beside a logout leaves nothing that works on either', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { refresh_token: token, access_token: access } = await signIn(round + 1);
      const body = { refresh_token: token };
      const [refreshed] = await Promise.all([post(0, '/auth/refresh', body), post(1, '/auth/logout', body)]);
      const minted =
        refreshed.status === 200 ? refreshed.json<Tokens>() : { access_token: access, refresh_token: token };
      // The process that did not see the logout learns of it within a second.
      await expect.poll(() => me(0, minted.access_token), { timeout: 5_000, interval: 20 }).toBe(401);
      expect(await me(1, minted.access_token)).toBe(401);
      expect((await post(0, '/auth/refresh', { refresh_token: minted.refresh_token })).status).toBe(401);
    }
  });

  test('J07 a logout on one process closes the socket on the other, and a push crosses over', async () => {
    const { access_token: access, refresh_token: token } = await signIn();
    const socket = new WebSocket(`${servers[1].address.replace('http', 'ws')}/ws?token=${access}`, {
      headers: addressed(),
    });
    const heard: string[] = [];
    const closed = new Promise<number>((resolve) => {
      socket.on('close', resolve);
    });
    socket.on('message', (data) => heard.push(Buffer.isBuffer(data) ? data.toString() : ''));
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    await call(`${servers[0].address}/users/me`, {
      method: 'PATCH',
      token: access,
      body: { rue: `Rue ${Date.now()}` },
      headers: addressed(),
    });
    await expect.poll(() => heard.join(), { timeout: 10_000, interval: 20 }).toContain('profile_updated');
    await post(0, '/auth/logout', { refresh_token: token });
    expect(await closed).toBe(4401);
  });

  test('D10 D11 with Redis paused, killed and back, no process admits more than its budget', async () => {
    const tried = async (host: number): Promise<number> => {
      const body = { email: 'nobody@demo.example', password: 'not the password' };
      const sent = Array.from({ length: 40 }, (_, place_) => post(place_ % 2 === 0 ? 0 : 1, '/auth/login', body, host));
      const counts = tally(await Promise.all(sent));
      return (counts[401] ?? 0) + (counts[200] ?? 0);
    };
    store.pause();
    // Two processes that know of one process each: each admits its whole budget of five, and none more.
    expect(await tried(1)).toBeLessThanOrEqual(10);
    store.resume();
    await store.kill();
    expect(await tried(2)).toBeLessThanOrEqual(10);
    expect(await me(0, (await signIn(99)).access_token)).toBe(200);
    await store.restart();
    expect(await tried(3)).toBeLessThanOrEqual(10);
  });

  test('/ready says that Redis is gone, and that the service works without it', async () => {
    await store.kill();
    const ready = async () => {
      const answer = await call(`${servers[0].address}/ready`);
      return { status: answer.status, says: answer.json<{ status: string }>().status };
    };
    await expect.poll(ready, { timeout: 30_000, interval: 50 }).toEqual({ status: 200, says: 'degraded' });
    await store.restart();
    await expect.poll(ready, { timeout: 30_000, interval: 50 }).toEqual({ status: 200, says: 'ready' });
  });
});
