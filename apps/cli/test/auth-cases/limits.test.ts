import { type ClientRequest, request } from 'node:http';
import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tally } from '../clients.ts';
import { login, password, registered, somebody } from './people.ts';
import { sendRaw, statusesIn } from './raw.ts';
import { hashesOf, roundsOf, startTwo, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
const both = [0, 1] as const;

describe.skipIf(redis.unreachable !== undefined)('limits on two processes', () => {
  let two: TwoProcesses;
  beforeAll(async () => {
    two = await startTwo();
  });
  afterAll(() => two.close());

  let people = 0;
  /** An address that no member has, and that nobody has tried: its throttle is as new. */
  const nobody = (): string => {
    people += 1;
    return `nobody${people}@demo.example`;
  };

  /** Tries to sign in once from each address, one after the other. */
  async function statusesFrom(addresses: readonly string[], email = nobody()): Promise<readonly number[]> {
    const statuses: number[] = [];
    for (const from of addresses) statuses.push((await login(two, email, { from, password: 'a guess' })).status);
    return statuses;
  }

  const sixth = [401, 401, 401, 401, 401, 429];

  test('D01 the sixth sign-in of a minute from one address is refused, and no hash runs for it', async () => {
    const from = two.address();
    expect(await statusesFrom(Array.from({ length: 5 }, () => from))).toEqual(sixth.slice(0, 5));
    const before = await hashesOf(two);
    for (const at of both) {
      const refused = await login(two, 'lea@demo.example', { from, at });
      expect(refused.json()).toMatchObject({ status: 429, code: 'too_many_requests' });
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(await hashesOf(two)).toBe(before);
  });

  test('D05 the hop that the trusted proxy saw counts, whatever stands left of it', async () => {
    const real = two.address();
    const forged = ['1.1.1.1', 'localhost', '', '127.0.0.1', '"><script>', '::1'];
    expect(await statusesFrom(forged.map((spoof) => `${spoof}, ${real}`))).toEqual(sixth);
  });

  test('D07 a network of IPv6 is one customer, another network another', async () => {
    expect(await statusesFrom([1, 2, 3, 4, 5, 6].map((host) => `2001:db8:1:2:${host}::${host}`))).toEqual(sixth);
    expect(await statusesFrom(['2001:db8:1:3::1'])).toEqual([401]);
  });

  test('D08 an IPv4 address is one however it is written, and two are two', async () => {
    const spellings = ['::ffff:198.51.100.7', '::ffff:c633:6407', '198.51.100.7', '0:0:0:0:0:ffff:c633:6407'];
    expect(await statusesFrom([...spellings, '[::ffff:198.51.100.7]:443', '198.51.100.7:80'])).toEqual(sixth);
    expect(await statusesFrom(['::ffff:198.51.100.8', '::ffff:c633:6409'])).toEqual([401, 401]);
  });

  test('D13 guesses from a hundred addresses meet a throttle, and the owner’s own address still gets in', async () => {
    const { email, from } = await somebody(two);
    const guesses = await statusesFrom(
      Array.from({ length: 100 }, () => two.address()),
      email,
    );
    expect(guesses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    expect(tally(guesses.slice(20).map((status) => ({ status })))).toEqual({ 429: 80 });
    const elsewhere = await login(two, email);
    expect(elsewhere.json()).toMatchObject({ status: 429, code: 'account_throttled' });
    for (const at of both) expect((await login(two, email, { from, at })).status).toBe(200);
  });

  test('D14 an address is one account however it is spelt', async () => {
    const email = await registered(two);
    const spellings = [email, email.toUpperCase(), ` ${email} `, email.replace('demo', 'DEMO')];
    for (const spelling of spellings) {
      expect(
        await statusesFrom(
          Array.from({ length: 5 }, () => two.address()),
          spelling,
        ),
      ).toEqual(sixth.slice(0, 5));
    }
    for (const spelling of spellings) expect(await statusesFrom([two.address()], spelling)).toEqual([429]);
  });

  test('D16 thousands of junk addresses push no count out, and take little memory', async () => {
    const victim = two.address();
    await statusesFrom(Array.from({ length: 5 }, () => victim));
    const memory = (): Promise<number> => two.metric(/^process_resident_memory_bytes/);
    const before = await memory();
    for (let batch = 0; batch < 40; batch += 1) {
      // No password and no hash: what counts is that the limit had to remember one more address.
      const junk = Array.from({ length: 100 }, () => two.api('/auth/login', { body: {} }));
      expect(tally(await Promise.all(junk))).toEqual({ 422: 100 });
    }
    expect((await memory()) - before).toBeLessThan(200_000_000);
    expect(await statusesFrom([victim, victim])).toEqual([429, 429]);
  });

  test('D17 the headers tell the policy, what is left and when, in whole numbers', async () => {
    const from = two.address();
    const told: (readonly (string | null)[])[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const { headers } = await login(two, nobody(), { from });
      told.push(['ratelimit-policy', 'ratelimit', 'retry-after'].map((name) => headers.get(name)));
    }
    expect(new Set(told.map(([policy]) => policy))).toEqual(new Set(['"login";q=5;w=60']));
    expect(told.map(([, left]) => left?.replace(/t=\d+$/, 't='))).toEqual(
      [4, 3, 2, 1, 0, 0].map((left) => `"login";r=${left};t=`),
    );
    expect(told.slice(0, 5).map(([, , after]) => after)).toEqual([null, null, null, null, null]);
    const [, left, after] = told.at(-1) ?? [];
    expect(Number(after)).toBeGreaterThan(0);
    expect(Number(after)).toBeLessThanOrEqual(60);
    expect(left).toMatch(/;t=\d+$/);
  });

  test('M01 requests that two servers could read in two ways are refused', async () => {
    const post = (headers: string, body: string): string =>
      `POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;
    const smuggled = '0\r\n\r\nGET /users/me HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const cases = [
      post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', smuggled),
      post('Transfer-Encoding: chunked\r\nContent-Length: 6\r\n', smuggled),
      post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}'),
      post('Transfer-Encoding: chunked, identity\r\n', smuggled),
      post('Transfer-Encoding : chunked\r\n', smuggled),
      post('Content-Length: 2\r\nX-A: one\r two\r\n', '{}'),
      post('Content-Length: 2\r\nX-A: one\r\n two\r\n', '{}'),
      'GET /health HTTP/1.1\rHost: localhost\r\r',
      'GET /health HTTP/1.1\nHost: localhost\nX-A : 1\n\n',
    ];
    for (const bytes of cases) {
      for (const { port } of two.servers) {
        expect([bytes, statusesIn(await sendRaw(port, bytes))]).toEqual([bytes, [400]]);
      }
    }
  });

  test('M02 bodies that are too large, too deep or too wide are refused at once', async () => {
    const deep = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
    const wide = (keys: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, place) => [place.toString(36), 1])));
    const cases = [
      ['x'.repeat(1_048_577), 413, 50],
      [deep, 422, 50],
      [`{"email":${deep},"password":${deep}}`, 422, 50],
      ['['.repeat(100_000), 400, 50],
      [wide(200_000), 413, 50],
      // It fits into a mebibyte, and to parse it takes most of this.
      [wide(100_000), 422, 250],
    ] as const;
    for (const [body, status, quickMs] of cases) {
      const times: number[] = [];
      for (let round = 0; round < 4; round += 1) {
        const startedMs = performance.now();
        const answer = await two.api('/auth/login', { body });
        times.push(performance.now() - startedMs);
        expect([body.slice(0, 20), answer.status]).toEqual([body.slice(0, 20), status]);
        expect(answer.text.length).toBeLessThan(20_000);
      }
      // The quickest of four: the others may have waited for this machine.
      expect({ body: body.slice(0, 20), isQuick: Math.min(...times) < quickMs }).toMatchObject({ isQuick: true });
    }
  });

  test('M04 of five hundred sign-ins at once the excess is refused, and everybody else is served', async () => {
    const { access_token: token } = await somebody(two);
    const refusedBefore = await two.metric(/^quinta_password_hashes\{.*state="refused"/);
    const state = { isOver: false };
    const flood = Promise.all(Array.from({ length: 500 }, () => login(two, nobody(), { password: 'a guess' }))).finally(
      () => (state.isOver = true),
    );
    const times: number[] = [];
    while (!state.isOver) {
      const startedMs = performance.now();
      expect((await two.api('/users/me', { token })).status).toBe(200);
      times.push(performance.now() - startedMs);
      const running = await two.metric(/^quinta_password_hashes\{.*state="running"/);
      expect(running).toBeLessThanOrEqual(2 * 3);
    }
    const answers = await flood;
    const counts = tally(answers);
    expect((counts[401] ?? 0) + (counts[503] ?? 0)).toBe(500);
    expect(counts[503]).toBeGreaterThan(0);
    expect((await two.metric(/^quinta_password_hashes\{.*state="refused"/)) - refusedBefore).toBe(counts[503]);
    for (const { status, headers } of answers) expect(headers.get('retry-after') !== null).toBe(status === 503);
    expect(times.length).toBeGreaterThan(2);
    // The benchmark has the promised bound; here it is that nobody waits for the queue of the sign-ins.
    expect(times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)]).toBeLessThan(1_000);
    expect(await two.metric(/^process_resident_memory_bytes/)).toBeLessThan(1_000_000_000);
  });

  test('M05 hundreds who hang up while their password is hashed give no place away and keep none', async () => {
    const { email, from } = await somebody(two);
    const begin = (at: 0 | 1): ClientRequest => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': two.address() };
      const sent = request(`${two.servers[at].address}/auth/login`, { method: 'POST', headers });
      sent.on('error', () => undefined);
      sent.end(JSON.stringify({ email: nobody(), password: 'a guess' }));
      return sent;
    };
    const started = (): Promise<number> => two.metric(/^quinta_password_hashes/);
    for (let batch = 0; batch < roundsOf(3); batch += 1) {
      const before = await started();
      const sent = Array.from({ length: 100 }, (_, place) => begin(both[place % 2] ?? 0));
      await expect.poll(started, { timeout: 10_000, interval: 1 }).toBeGreaterThan(before + 50);
      for (const each of sent) each.destroy();
    }
    const busy = () => two.metric(/^quinta_password_hashes\{.*state="(?:running|waiting)"/);
    await expect.poll(busy, { timeout: 30_000, interval: 20 }).toBe(0);
    // A place that was lost would be missing now: as many as there are run at once.
    const all = await Promise.all(Array.from({ length: 4 }, () => login(two, email, { from, password })));
    expect(tally(all)).toEqual({ 200: 4 });
  });
});
