import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tally } from '../clients.ts';
import type { Variables } from '../place.ts';
import { login, logout, meStatuses, refresh, refreshed, registered, signIn, somebody, type Tokens } from './people.ts';
import { connectTo } from './socket.ts';
import { startTwo, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
const both = [0, 1] as const;
const skewMs = 60_000;

/** A process whose clock is wrong by so much: a module that Node loads before anything else. */
function clockOff(byMs: number): Variables {
  const script = `const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...parts) { if (parts.length === 0) super(Real.now() + ${byMs}); else super(...parts); }
      static now() { return Real.now() + ${byMs}; }
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

describe.skipIf(redis.unreachable !== undefined)('two processes whose clocks differ by two minutes', () => {
  let two: TwoProcesses;
  beforeAll(async () => {
    two = await startTwo({}, [clockOff(skewMs), clockOff(-skewMs)]);
  });
  afterAll(() => two.close());

  const madeAt = ({ access_token: token }: Tokens): number =>
    (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iat: number }).iat * 1_000;

  test('M08 refresh, theft and logout go by the clock of the database', async () => {
    const email = await registered(two);
    const [ahead, behind] = [await signIn(two, email, { at: 0 }), await signIn(two, email, { at: 1 })];
    // Their clocks are wrong indeed.
    expect(madeAt(ahead) - madeAt(behind)).toBeGreaterThan(1.9 * skewMs);
    const answers = await Promise.all(
      both.flatMap((at) => Array.from({ length: 10 }, () => refresh(two, ahead.refresh_token, { at }))),
    );
    expect(tally(answers)).toEqual({ 200: 20 });
    const successors = [...new Set(answers.map((answer) => answer.json<Tokens>().refresh_token))];
    expect(successors).toHaveLength(1);
    for (const at of both) expect((await refresh(two, ahead.refresh_token, { at })).status).toBe(200);
    const third = await refreshed(two, successors[0] ?? '');
    expect((await refresh(two, ahead.refresh_token, { at: 1 })).json()).toMatchObject({ code: 'refresh_reused' });
    expect((await refresh(two, third.refresh_token, { at: 0 })).status).toBe(401);
    expect(await meStatuses(two, behind.access_token)).toEqual([200, 200]);
    await logout(two, behind.refresh_token, { at: 0 });
    await expect.poll(() => meStatuses(two, behind.access_token), { timeout: 1_000, interval: 10 }).toEqual([401, 401]);
  });

  test('M08 limits count one minute, on both', async () => {
    const from = two.address();
    const statuses: number[] = [];
    for (const at of [0, 1, 1, 0, 0, 0, 1] as const) {
      statuses.push((await login(two, 'nobody@demo.example', { from, at, password: 'a guess' })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });

  test('M08 a ticket of one process opens a socket on the other', async () => {
    for (const at of both) {
      const email = await registered(two);
      const from = two.address();
      const { access_token: token } = await signIn(two, email, { at, from });
      const made = await two.api('/ws/ticket', { method: 'POST', token, at, from });
      const socket = await connectTo(two, `?ticket=${made.json<{ ticket: string }>().ticket}`, {
        at: at === 0 ? 1 : 0,
        from,
      });
      await socket.hears('welcome');
      expect(socket.heard).toContainEqual({ type: 'welcome', message: `Welcome ${email}!` });
      socket.raw.terminate();
    }
  });

  test('M08 who is refused by a process that is behind refreshes there, and is let in by both', async () => {
    const { email } = await somebody(two);
    const ahead = await signIn(two, email, { at: 0 });
    const [here, there] = await meStatuses(two, ahead.access_token);
    // Five seconds are forgiven to a token, and thirty to a member code: NTP is asked to do better than that.
    expect([here, there]).toEqual([200, 401]);
    const again = (await refresh(two, ahead.refresh_token, { at: 1 })).json<Tokens>();
    expect(await meStatuses(two, again.access_token)).toEqual([200, 200]);
  });
});
