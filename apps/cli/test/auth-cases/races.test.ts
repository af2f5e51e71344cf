import { call, redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tally } from '../clients.ts';
import { login, logout, meStatuses, newMember, refresh, registered, signIn, somebody, type Tokens } from './people.ts';
import { hashesOf, roundsOf, startTwo, statusFromOutside, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
const both = [0, 1] as const;
const longMs = 3_600_000;

/** `QUINTA_TEST_ROUNDS=1000 npm test -- auth-cases/races` runs each of these races so often. */
describe.skipIf(redis.unreachable !== undefined)('races on two processes', { timeout: longMs }, () => {
  let two: TwoProcesses;
  beforeAll(async () => {
    two = await startTwo();
  });
  afterAll(() => two.close());

  const onBoth = <T>(count: number, work: (at: 0 | 1) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, place) => work(both[place % 2] ?? 0)));

  test('A08 fifty who register one address at once: one 201, the others 409, and one row', async () => {
    for (let round = 0; round < roundsOf(3); round += 1) {
      const body = newMember();
      const answers = await onBoth(50, (at) => two.api('/auth/register', { body, at }));
      expect(tally(answers)).toEqual({ 201: 1, 409: 49 });
      const rows = await two.sql('select user_id from users where email = $1', [body['email']]);
      expect(rows).toHaveLength(1);
      expect(await two.sql('select email from acces_app where email = $1', [body['email']])).toHaveLength(1);
    }
  });

  test('D02 of two hundred sign-ins at once from one address five reach the hasher', async () => {
    for (let round = 0; round < roundsOf(5); round += 1) {
      const [from, before] = [two.address(), await hashesOf(two)];
      const email = `nobody${round}@demo.example`;
      const answers = await onBoth(200, (at) => login(two, email, { from, at, password: 'a guess' }));
      expect(tally(answers)).toEqual({ 401: 5, 429: 195 });
      expect((await hashesOf(two)) - before).toBe(5);
    }
  });

  test('D04 ten thousand forged address headers of a peer that is no proxy change nothing', async () => {
    const names = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'cf-connecting-ip', 'true-client-ip'] as const;
    const email = await registered(two);
    const before = await hashesOf(two);
    const statuses: number[] = [];
    for (let batch = 0; batch < 40; batch += 1) {
      const tries = Array.from({ length: 50 }, (_, place) => {
        const address = `10.${batch}.${place}.1`;
        const headers = Object.fromEntries(
          names.map((name) => [name, name === 'forwarded' ? `for=${address}` : address]),
        );
        const url = `${two.servers[both[place % 2] ?? 0].address}/auth/login`;
        return statusFromOutside(url, { headers, body: { email, password: 'a guess' } });
      });
      statuses.push(...(await Promise.all(tries)));
    }
    expect(tally(statuses.map((status) => ({ status })))).toEqual({ 401: 5, 429: 1_995 });
    expect((await hashesOf(two)) - before).toBe(5);
    const rows = await two.sql("select distinct ip_address from audit_logs where ip_address like '127.%'");
    expect(rows).toEqual([{ ip_address: '127.0.0.2' }]);
  });

  test('F02 fifty refreshes of one token at once give one successor, and it works', async () => {
    const { email } = await somebody(two);
    for (let round = 0; round < roundsOf(5); round += 1) {
      const { refresh_token: token } = await signIn(two, email);
      const answers = await onBoth(50, (at) => refresh(two, token, { at }));
      expect(tally(answers)).toEqual({ 200: 50 });
      const successors = [...new Set(answers.map((answer) => answer.json<Tokens>().refresh_token))];
      expect(successors).toHaveLength(1);
      const [access] = answers.map((answer) => answer.json<Tokens>().access_token);
      expect(await meStatuses(two, access)).toEqual([200, 200]);
      expect((await refresh(two, successors[0])).status).toBe(200);
      await logout(two, successors[0] ?? '');
    }
    const forks = await two.sql(`select family_id from refresh_tokens where used_at is null
      group by family_id having count(*) > 1`);
    expect(forks).toEqual([]);
  });

  test('F08 a refresh beside a logout leaves nothing that works on either', async () => {
    const { email } = await somebody(two);
    for (let round = 0; round < roundsOf(5); round += 1) {
      const first = await signIn(two, email);
      const [refreshed] = await Promise.all([
        refresh(two, first.refresh_token, { at: round % 2 === 0 ? 0 : 1 }),
        logout(two, first.refresh_token, { at: round % 2 === 0 ? 1 : 0 }),
      ]);
      expect([200, 401]).toContain(refreshed.status);
      const minted = refreshed.status === 200 ? refreshed.json<Tokens>() : first;
      // The process that did not see the logout learns of it within a second.
      await expect
        .poll(() => meStatuses(two, minted.access_token), { timeout: 1_000, interval: 5 })
        .toEqual([401, 401]);
      for (const at of both) expect((await refresh(two, minted.refresh_token, { at })).status).toBe(401);
    }
  });

  /** How many of forty sign-ins from one address were tried, and how long the slowest waited. */
  async function tried(): Promise<{ readonly count: number; readonly slowestMs: number }> {
    const [from, email] = [two.address(), `nobody.${two.address()}@demo.example`];
    let slowestMs = 0;
    const answers = await onBoth(40, async (at) => {
      const startedMs = performance.now();
      const answer = await login(two, email, { from, at, password: 'a guess' });
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      return answer;
    });
    const { 401: count = 0, 429: refused = 0 } = tally(answers);
    expect(count + refused).toBe(40);
    return { count, slowestMs };
  }

  test('D10 with Redis paused or gone nothing hangs, and each process keeps to its own budget', async () => {
    const { access_token: token } = await somebody(two);
    for (let round = 0; round < roundsOf(3); round += 1) {
      two.store.pause();
      // Two processes that know of one process each: each admits five, and none more.
      const paused = await tried();
      expect(paused.count).toBeLessThanOrEqual(10);
      expect(paused.slowestMs).toBeLessThan(5_000);
      expect(await meStatuses(two, token)).toEqual([200, 200]);
      two.store.resume();
      await two.store.kill();
      const gone = await tried();
      expect(gone.count).toBe(10);
      expect(gone.slowestMs).toBeLessThan(5_000);
      expect(await meStatuses(two, token)).toEqual([200, 200]);
      const local = await two.metric(/^quinta_limit_decisions_total\{.*source="local"/);
      expect(local).toBeGreaterThan(0);
      await two.store.restart();
    }
  });

  const readiness = async (at: 0 | 1) => {
    const answer = await call(`${two.servers[at].address}/ready`);
    return { status: answer.status, says: answer.json<{ status: string }>().status };
  };
  const expectReady = async (says: 'ready' | 'degraded'): Promise<void> => {
    for (const at of both) {
      await expect.poll(() => readiness(at), { timeout: 30_000, interval: 20 }).toEqual({ status: 200, says });
    }
  };

  test('D10 /ready says that Redis is gone, and that the service works without it', async () => {
    await expectReady('ready');
    await two.store.kill();
    await expectReady('degraded');
    const email = await registered(two);
    for (const at of both) expect((await login(two, email, { at })).status).toBe(200);
    await two.store.restart();
    await expectReady('ready');
  });

  test('D11 a Redis that comes back empty replays nothing, counts nothing twice and lets nobody begin anew', async () => {
    for (let round = 0; round < roundsOf(3); round += 1) {
      await expectReady('ready');
      const [from, email] = [two.address(), `late${round}@demo.example`];
      const attempt = async (at: 0 | 1): Promise<number> =>
        (await login(two, email, { from, at, password: 'a guess' })).status;
      expect([await attempt(0), await attempt(0), await attempt(0)]).toEqual([401, 401, 401]);
      two.store.pause();
      await onBoth(20, attempt);
      two.store.resume();
      await two.store.kill();
      await two.store.restart();
      await expectReady('ready');
      // The process that admitted five of this window admits none more, whatever the empty store says.
      expect(await attempt(0)).toBe(429);
      // An address that is new to both has its five, not fewer: no queued request was sent behind its back.
      const fresh = await tried();
      expect(fresh.count).toBe(5);
    }
  });
});
