import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoPassword, type MoveAccesWorld, openMoveAccesWorld } from './move-acces-world.ts';

describe('with the promised limits', () => {
  let world: MoveAccesWorld;
  beforeAll(async () => {
    world = await openMoveAccesWorld({
      environment: {
        RATE_LIMIT_LOGIN_PER_MIN: '5',
        RATE_LIMIT_API_PER_5MIN: '100',
        TRUST_PROXY: '127.0.0.1/32',
        ACCOUNT_FAILURES_PER_15MIN: '6',
      },
    });
  });
  afterAll(() => world.close());

  const from = (address: string) => ({ 'x-forwarded-for': address });
  const signIn = (address: string, password = demoPassword, email = 'lea@demo.example') =>
    world.api('/auth/login', { body: { email, password }, headers: from(address) });

  test('D02 D17 of 200 sign-ins at once from one address five reach the hasher, and the others are told when', async () => {
    const before = world.moveAcces.passwords.stats.finished;
    const answers = await Promise.all(Array.from({ length: 200 }, () => signIn('192.0.2.1')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(195);
    expect(world.moveAcces.passwords.stats.finished - before).toBe(5);
    // The API's own limit of 100 was reached on the way.
    const policies = new Set(answers.map(({ headers }) => headers.get('ratelimit-policy')));
    expect(policies).toEqual(new Set(['"login";q=5;w=60', '"api";q=100;w=300']));
    const refused = answers.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused?.json()).toMatchObject({ code: 'too_many_requests' });
  });

  test('D05 the hop that the proxy saw counts, whatever stands left of it', async () => {
    const statuses: number[] = [];
    for (let place = 0; place < 8; place += 1) {
      statuses.push((await signIn(`203.0.113.${place}, 192.0.2.2`)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
  });

  test('D07 D08 a network of IPv6 is one customer, and a mapped address is its IPv4', async () => {
    const statuses: number[] = [];
    for (let place = 0; place < 7; place += 1) statuses.push((await signIn(`2001:db8:1:2::${place + 1}`)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
    const mapped = ['::ffff:192.0.2.3', '192.0.2.3', '::ffff:192.0.2.3', '192.0.2.3', '192.0.2.3', '192.0.2.3'];
    const folded: number[] = [];
    for (const address of mapped) folded.push((await signIn(address)).status);
    expect(folded).toEqual([200, 200, 200, 200, 200, 429]);
  });

  test('D13 guesses from many addresses meet a throttle, and the owner’s own address still gets in', async () => {
    expect((await signIn('198.51.100.1', demoPassword, 'mia@demo.example')).status).toBe(200);
    const guesses: number[] = [];
    for (let place = 0; place < 9; place += 1) {
      guesses.push((await signIn(`198.51.100.${50 + place}`, 'a guess', 'mia@demo.example')).status);
    }
    expect(guesses).toEqual([401, 401, 401, 401, 401, 401, 429, 429, 429]);
    expect((await signIn('198.51.100.99', demoPassword, 'mia@demo.example')).json()).toMatchObject({
      code: 'account_throttled',
    });
    expect((await signIn('198.51.100.1', demoPassword, 'mia@demo.example')).status).toBe(200);
  });

  test('D13 guesses at once from many addresses are no more than one after the other, and wait for those before them', async () => {
    const before = world.moveAcces.passwords.stats.finished;
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, place) => signIn(`198.51.102.${place}`, 'a guess', 'noah@demo.example')),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(6);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(54);
    expect(world.moveAcces.passwords.stats.finished - before).toBe(6);
    const rows = await world.sql("select count(*) as count from audit_logs where action = 'login_throttled'");
    expect(Number(rows[0]?.['count'])).toBeGreaterThanOrEqual(54);
  });

  test('B11 a hundred who sign in at once with the right password all come in, though few may fail', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, place) => signIn(`198.51.103.${place}`, demoPassword, 'staff@demo.example')),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200));
  });

  test('an address that nobody has is throttled in the same words', async () => {
    const statuses: number[] = [];
    for (let place = 0; place < 8; place += 1) {
      statuses.push((await signIn(`198.51.101.${place}`, 'a guess', 'nobody@demo.example')).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
  });

  test('the API counts every route but health, metrics and the documents', async () => {
    const headers = from('192.0.2.200');
    const statuses: number[] = [];
    for (let place = 0; place < 102; place += 1) {
      statuses.push((await world.api(place % 2 === 0 ? '/users/me' : '/access/key', { headers })).status);
    }
    expect(statuses.slice(-2)).toEqual([429, 429]);
    expect(statuses.slice(0, 100)).not.toContain(429);
    for (const path of ['/health', '/metrics', '/docs', '/openapi.json', '/']) {
      expect((await world.api(path, { headers })).status).toBe(200);
    }
  });
});

test('D04 ten thousand forged address headers change nothing where no proxy is trusted', async () => {
  const world = await openMoveAccesWorld({ environment: { RATE_LIMIT_LOGIN_PER_MIN: '5' } });
  try {
    const names = ['x-forwarded-for', 'x-real-ip', 'forwarded', 'cf-connecting-ip', 'true-client-ip'];
    const before = world.moveAcces.passwords.stats.finished;
    for (let batch = 0; batch < 20; batch += 1) {
      const tries = Array.from({ length: 100 }, (_, place) => {
        const address = `10.${batch}.${place}.1`;
        // Five headers a request, each of them another address.
        const headers = Object.fromEntries(
          names.map((name) => [name, name === 'forwarded' ? `for=${address}` : address]),
        );
        return world.api('/auth/login', { body: { email: 'lea@demo.example', password: demoPassword }, headers });
      });
      await Promise.all(tries);
    }
    expect(world.moveAcces.passwords.stats.finished - before).toBe(5);
    const rows = await world.sql("select distinct ip_address from audit_logs where method <> 'CLI'");
    expect(rows).toEqual([{ ip_address: '127.0.0.1' }]);
  } finally {
    await world.close();
  }
});
