import { createHash } from 'node:crypto';
import { call, redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiOf, demoPassword } from '../clients.ts';
import { logout, meStatuses, refresh, refreshed, signIn, somebody, type Tokens } from './people.ts';
import { connectTo } from './socket.ts';
import { startTwo, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
const soon = { timeout: 5_000, interval: 20 };

describe.skipIf(redis.unreachable !== undefined)('refresh tokens on two processes', () => {
  let two: TwoProcesses;
  beforeAll(async () => {
    two = await startTwo();
  });
  afterAll(() => two.close());

  const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
  /** Lets the grace of a token pass. */
  const age = (token: string): Promise<void> =>
    two.write(`update refresh_tokens set used_at = used_at - interval '31 seconds'
      where token_hash = '\\x${hashOf(token)}'`);
  const familyOf = async ({ refresh_token: token }: Tokens): Promise<string> => {
    const rows = await two.sql<{ family_id: string }>(
      `select family_id from refresh_tokens where token_hash = '\\x${hashOf(token)}'`,
    );
    return rows[0]?.family_id ?? '';
  };
  /** Both processes refuse an access token, which the one that did nothing learns within a second. */
  const expectEnded = (token: string) => expect.poll(() => meStatuses(two, token), soon).toEqual([401, 401]);

  test('F01 a refresh gives a new pair, and the old token is dead after its grace', async () => {
    const first = await somebody(two);
    const second = await refreshed(two, first.refresh_token);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);
    expect(await meStatuses(two, second.access_token)).toEqual([200, 200]);
    await age(first.refresh_token);
    expect((await refresh(two, first.refresh_token)).status).toBe(401);
  });

  test('F04 a token that is used again after its grace ends the whole session: tokens and sockets', async () => {
    const first = await somebody(two);
    const second = await refreshed(two, first.refresh_token);
    const sockets = await Promise.all(
      ([0, 1] as const).map((at) => connectTo(two, `?token=${second.access_token}`, { at })),
    );
    await age(first.refresh_token);
    const theft = await refresh(two, first.refresh_token);
    expect(theft.json()).toMatchObject({ status: 401, code: 'refresh_reused' });
    expect((await refresh(two, second.refresh_token)).status).toBe(401);
    await expectEnded(second.access_token);
    expect(await Promise.all(sockets.map(({ closed }) => closed))).toEqual([4401, 4401]);
    const rows = await two.sql('select revoked_reason from refresh_families where id = $1', [await familyOf(first)]);
    expect(rows).toEqual([{ revoked_reason: 'reuse' }]);
  });

  test('F05 the grandparent is theft, even within the grace of the parent', async () => {
    const first = await somebody(two);
    const second = await refreshed(two, first.refresh_token);
    expect((await refreshed(two, first.refresh_token)).refresh_token).toBe(second.refresh_token);
    const third = await refreshed(two, second.refresh_token);
    expect((await refresh(two, first.refresh_token)).json()).toMatchObject({ code: 'refresh_reused' });
    await expectEnded(third.access_token);
  });

  test('F07 what two who refresh at once get works, once and again', async () => {
    const first = await somebody(two);
    const [one, other] = await Promise.all([refreshed(two, first.refresh_token), refreshed(two, first.refresh_token)]);
    expect(one.refresh_token).toBe(other.refresh_token);
    expect(await meStatuses(two, one.access_token)).toEqual([200, 200]);
    expect(await meStatuses(two, other.access_token)).toEqual([200, 200]);
    const child = await refreshed(two, one.refresh_token);
    expect((await refresh(two, child.refresh_token)).status).toBe(200);
  });

  test('F10 a changed token, and the key of a session, refresh nothing and end nothing', async () => {
    const victim = await somebody(two);
    const { refresh_token: token } = victim;
    const family = await familyOf(victim);
    const digits = token.slice(3);
    const forged = [
      `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
      `qr_${digits.split('').toReversed().join('')}`,
      token.toUpperCase(),
      `${token}=`,
      ` ${token}`,
      digits,
      `qr_${family}`,
      family,
      hashOf(token),
    ];
    for (const each of forged) expect([each, (await refresh(two, each)).status]).toEqual([each, 401]);
    for (const each of forged) expect((await logout(two, each)).status).toBe(204);
    expect((await refresh(two, token)).status).toBe(200);
  });

  test('F11 a session that is deleted refreshes nothing', async () => {
    const person = await somebody(two);
    const family = await familyOf(person);
    await two.write(
      `delete from refresh_tokens where family_id = '${family}'`,
      `delete from refresh_families where id = '${family}'`,
    );
    expect((await refresh(two, person.refresh_token)).status).toBe(401);
  });

  test('F13 a session ends after its time, however busy it is', async () => {
    const first = await somebody(two);
    const second = await refreshed(two, first.refresh_token);
    await two.write(`update refresh_families set absolute_expires_at = now() - interval '1 second'
      where id = '${await familyOf(second)}'`);
    for (const at of [0, 1] as const) expect((await refresh(two, second.refresh_token, { at })).status).toBe(401);
  });

  test('F14 a token of one service refreshes nothing at another', async () => {
    const person = await somebody(two);
    const mexa = await two.place.start(['start', 'mexa'], { DATABASE_URL: '', MIGRATION_DATABASE_URL: '' });
    const body = { username: 'cajero.demo', password: demoPassword(two.place) };
    const theirs = (await call(`${apiOf(mexa)}/auth/login`, { body })).json<Tokens>();
    const elsewhere = await call(`${apiOf(mexa)}/auth/refresh`, { body: { refresh_token: person.refresh_token } });
    expect(elsewhere.status).toBe(401);
    expect((await refresh(two, theirs.refresh_token)).status).toBe(401);
    expect(await meStatuses(two, theirs.access_token)).toEqual([401, 401]);
    expect((await refresh(two, person.refresh_token)).status).toBe(200);
    await mexa.stop();
  });

  test.each([
    [{}, 422],
    [{ refresh_token: '' }, 422],
    [{ refresh_token: null }, 422],
    [{ refresh_token: ['qr_'] }, 422],
    [{ refresh_token: { $ne: '' } }, 422],
    [{ refresh_token: 'x'.repeat(1_000_000) }, 422],
    [{ refresh_token: 'x'.repeat(1_100_000) }, 413],
    [[], 422],
    ['not json', 400],
  ])('F16 what is no refresh token is refused (%#)', async (body, status) => {
    expect((await two.api('/auth/refresh', { body })).status).toBe(status);
  });

  test('F17 the tables hold digests alone, of tokens with 256 bits of chance', async () => {
    const email = (await somebody(two)).email;
    const tokens: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      const { refresh_token: token } = await signIn(two, email);
      tokens.push(token, (await refreshed(two, token)).refresh_token);
    }
    for (const token of tokens) expect(token).toMatch(/^qr_[\w-]{43}$/);
    expect(new Set(tokens.map((token) => token.slice(3, 9))).size).toBe(tokens.length);
    const dumps = await Promise.all(
      ['refresh_tokens', 'refresh_families', 'audit_logs'].map((table) =>
        two.sql(`select row_to_json(t)::text as row from ${table} t`),
      ),
    );
    const dump = JSON.stringify(dumps);
    expect(dump).toContain(hashOf(tokens[0] ?? ''));
    for (const token of tokens) {
      expect(dump).not.toContain(token.slice(3));
      expect(dump).not.toContain(Buffer.from(token.slice(3), 'base64url').toString('hex'));
    }
  });
});
