import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tally } from '../clients.ts';
import { assertEnded } from '../place.ts';
import { login, logout, meStatuses, password, refresh, registered, signIn, somebody, staffToken } from './people.ts';
import { connectTo } from './socket.ts';
import { startTwo, type TwoProcesses } from './two-processes.ts';

interface SessionRow {
  readonly id: string;
  readonly is_current: boolean;
}

const redis = redisProgram();
const withinASecond = { timeout: 1_000, interval: 10 };

describe.skipIf(redis.unreachable !== undefined)('sessions and the profile on two processes', () => {
  let two: TwoProcesses;
  let staff: string;
  beforeAll(async () => {
    two = await startTwo();
    staff = await staffToken(two);
  });
  afterAll(() => two.close());

  const expectEnded = (token: string) => expect.poll(() => meStatuses(two, token), withinASecond).toEqual([401, 401]);
  const expectAlive = async (token: string) => expect(await meStatuses(two, token)).toEqual([200, 200]);
  const sessionsOf = async (token: string): Promise<readonly SessionRow[]> =>
    (await two.api('/users/me/sessions', { token })).json<{ sessions: SessionRow[] }>().sessions;

  test('G01 after a logout the access token is refused on both, within a second', async () => {
    const person = await somebody(two);
    await expectAlive(person.access_token);
    expect((await logout(two, person.refresh_token, { at: 0 })).status).toBe(204);
    await expectEnded(person.access_token);
  });

  test('G02 after a logout nothing is refreshed, and a second logout hears the same', async () => {
    const person = await somebody(two);
    expect((await logout(two, person.refresh_token, { at: 0 })).status).toBe(204);
    expect((await refresh(two, person.refresh_token, { at: 1 })).status).toBe(401);
    for (const token of [person.refresh_token, 'no token']) expect((await logout(two, token)).status).toBe(204);
  });

  test('G04 this session, another, all others, or all of them: what was meant ends, and nothing else', async () => {
    const first = await somebody(two);
    const [second, third] = [await signIn(two, first.email), await signIn(two, first.email)];
    const stranger = await somebody(two);
    const current = (await sessionsOf(second.access_token)).find(({ is_current: isCurrent }) => isCurrent)?.id ?? '';
    const end = (token: string) => two.api(`/users/me/sessions/${current}`, { method: 'DELETE', token });
    expect((await end(stranger.access_token)).status).toBe(404);
    expect((await end(first.access_token)).status).toBe(204);
    await expectEnded(second.access_token);
    await expectAlive(first.access_token);
    await logout(two, third.refresh_token);
    await expectEnded(third.access_token);
    await expectAlive(first.access_token);
    const all = await two.api('/auth/logout-all', { method: 'POST', token: first.access_token });
    expect(all.json()).toEqual({ sessions_ended: 1 });
    await expectEnded(first.access_token);
    await expectAlive(stranger.access_token);
  });

  test('G05 a member sees where they are signed in, and nothing that is a token', async () => {
    const person = await somebody(two);
    const from = two.address();
    const phone = await signIn(two, person.email, { from, headers: { 'user-agent': 'Dart/3.9 (dart:io)' } });
    const answer = await two.api('/users/me/sessions', { token: phone.access_token });
    const { sessions } = answer.json<{ sessions: Readonly<Record<string, unknown>>[] }>();
    expect(sessions).toHaveLength(2);
    expect(sessions[0]).toMatchObject({ device: 'the app', ip_address: from, is_current: true });
    expect(sessions[1]).toMatchObject({ ip_address: person.from, is_current: false });
    for (const key of ['created_at', 'last_used_at', 'expires_at']) expect(sessions[0]?.[key]).toMatch(/Z$/);
    for (const { access_token: access, refresh_token: token } of [person, phone]) {
      for (const part of [token.slice(3), ...access.split('.').slice(1)]) expect(answer.text).not.toContain(part);
    }
  });

  test('G07 a password changes only with the current one', async () => {
    const { access_token: token, email } = await somebody(two);
    const change = (body: unknown) => two.api('/users/me/password', { token, body });
    expect((await change({ new_password: 'a new pass phrase' })).status).toBe(422);
    const wrong = await change({ current_password: 'not the password', new_password: 'a new pass phrase' });
    expect(wrong.json()).toMatchObject({ status: 401, code: 'current_password_wrong' });
    expect((await login(two, email)).status).toBe(200);
  });

  test('G08 a new password ends the other sessions and their sockets, and tells the one that stays', async () => {
    const person = await somebody(two);
    const other = await signIn(two, person.email);
    const [mine, theirs] = await Promise.all([
      connectTo(two, `?token=${person.access_token}`, { at: 0 }),
      connectTo(two, `?token=${other.access_token}`, { at: 1 }),
    ]);
    const body = { current_password: password, new_password: 'a new pass phrase' };
    expect((await two.api('/users/me/password', { token: person.access_token, body, at: 0 })).status).toBe(204);
    expect(await theirs.closed).toBe(4401);
    await mine.hears('session_revoked');
    await expectEnded(other.access_token);
    await expectAlive(person.access_token);
    expect((await refresh(two, other.refresh_token)).status).toBe(401);
    expect((await login(two, person.email)).status).toBe(401);
    expect((await login(two, person.email, { password: 'a new pass phrase' })).status).toBe(200);
  });

  test('G13 staff end all sessions of a member, on both within a second; members may not', async () => {
    const person = await somebody(two);
    const other = await signIn(two, person.email);
    const path = `/admin/members/${person.id}/sessions`;
    expect((await two.api(path, { method: 'DELETE', token: person.access_token })).status).toBe(403);
    const ended = await two.api(path, { method: 'DELETE', token: staff, at: 0 });
    expect(ended.json()).toEqual({ sessions_ended: 2 });
    await expectEnded(person.access_token);
    await expectEnded(other.access_token);
  });

  test('G14 a member has as many sessions as devices, and one request ends them', async () => {
    const email = await registered(two);
    const all = await Promise.all(Array.from({ length: 25 }, () => signIn(two, email)));
    for (const { access_token: token } of all.slice(0, 5)) await expectAlive(token);
    const last = all.at(-1)?.access_token ?? '';
    expect(await sessionsOf(last)).toHaveLength(25);
    const ended = await two.api('/auth/logout-all', { method: 'POST', token: last });
    expect(ended.json()).toEqual({ sessions_ended: 25 });
    for (const { access_token: token } of all.slice(0, 5)) await expectEnded(token);
  });

  test('H01 a member sees their profile, nothing of a password, and no cache keeps it', async () => {
    const { access_token: token, id, email } = await somebody(two);
    const answer = await two.api('/users/me', { token, at: 0 });
    expect(answer.json()).toMatchObject({ user_id: id, email, prenom: 'Eva', npa: '1963', tel: null });
    expect(answer.text).not.toMatch(/password|hash|argon|role/);
    expect(answer.headers.get('cache-control')).toMatch(/^private, no-cache$|no-store/);
    const headers = { 'if-none-match': answer.headers.get('etag') ?? '' };
    expect((await two.api('/users/me', { token, headers, at: 1 })).status).toBe(304);
  });

  test('H02 fields that are nobody’s to set change nothing', async () => {
    const { access_token: token, id } = await somebody(two);
    const row = () => two.sql('select * from users where user_id = $1', [id]);
    const before = await row();
    const extras = [
      { role: 'staff' },
      { user_id: 1 },
      { email_verified: true },
      { abonnement_state: 'active' },
      { password },
    ];
    for (const body of extras) expect((await two.api('/users/me', { method: 'PATCH', token, body })).status).toBe(422);
    expect(await row()).toEqual(before);
    expect(await two.sql('select user_id from member_roles where user_id = $1', [id])).toEqual([]);
  });

  test('H04 of two changes of what both have seen one is made, and the other hears that it has changed', async () => {
    const { access_token: token } = await somebody(two);
    const seen = await two.api('/users/me', { token });
    const headers = { 'if-match': seen.headers.get('etag') ?? '' };
    const patch = (at: 0 | 1) =>
      two.api('/users/me', { method: 'PATCH', token, headers, body: { rue: `Rue ${at + 1}` }, at });
    const answers = await Promise.all([patch(0), patch(1)]);
    expect(tally(answers)).toEqual({ 200: 1, 412: 1 });
    const made = answers.findIndex(({ status }) => status === 200);
    expect((await two.api('/users/me', { token })).json()).toMatchObject({ rue: `Rue ${made + 1}` });
    const later = { 'if-match': answers[made]?.headers.get('etag') ?? '' };
    const next = await two.api('/users/me', { method: 'PATCH', token, headers: later, body: { rue: 'Rue 3' } });
    expect(next.status).toBe(200);
  });

  test('H05 who is staff no longer is refused at once, whatever their token says', async () => {
    const { email } = await somebody(two);
    const give = async (...more: readonly string[]): Promise<void> => {
      assertEnded(await two.place.run(['move-acces', 'staff', '--email', email, ...more]), 0);
    };
    await give();
    const { access_token: token } = await signIn(two, email);
    expect((await two.api('/admin/members', { token })).status).toBe(200);
    await give('--remove');
    const both = async (): Promise<readonly number[]> =>
      Promise.all(([0, 1] as const).map(async (at) => (await two.api('/admin/members', { token, at })).status));
    await expect.poll(both, withinASecond).toEqual([401, 401]);
    const again = await signIn(two, email);
    expect((await two.api('/admin/members', { token: again.access_token })).status).toBe(403);
  });

  test('H07 a door opens from the first day of a subscription to its last, in UTC', async () => {
    const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
    const cases = [
      [day(0), day(0), 'current'],
      [day(-30), day(-1), 'ended'],
      [day(1), day(30), 'not_started'],
    ] as const;
    for (const [start, stop, reason] of cases) {
      const { id, access_token: token } = await somebody(two);
      await two.write(`insert into abonnement (user_id, abo_state, abo_name, abo_date_start, abo_date_stop)
        values (${id}, 'active', 'Annuel', '${start}', '${stop}')`);
      for (const at of [0, 1] as const) {
        const answer = await two.api('/access/check', { token: staff, body: { user_id: id }, at });
        expect(answer.json()).toMatchObject({ allowed: reason === 'current', reason });
      }
      const current = await two.api('/users/me/abonnements/current', { token });
      expect(current.status).toBe(reason === 'current' ? 200 : 404);
    }
  });

  test('H08 nobody takes the address of another', async () => {
    const [one, other] = [await somebody(two), await somebody(two)];
    const taken = await two.api('/users/me', {
      method: 'PATCH',
      token: one.access_token,
      body: { email: other.email },
    });
    expect(taken.status).toBe(422);
    expect((await signIn(two, other.email)).id).toBe(other.id);
  });

  const nasty = [
    "'; drop table users; --",
    "' or '1'='1",
    '%',
    '_%',
    '\\',
    '{"$ne":null}',
    '$.npa',
    '${7*7}',
    '\u0000',
    '🐄',
  ];

  test.each(nasty)('H10 %j is text wherever it stands', async (text) => {
    const { access_token: token, email } = await somebody(two);
    const users = () => two.sql('select count(*) as count from users');
    const before = await users();
    const answers = [];
    for (const field of ['first_name', 'last_name', 'rue', 'localite', 'npa', 'tel']) {
      answers.push(await two.api('/users/me', { method: 'PATCH', token, body: { [field]: text } }));
    }
    answers.push(await login(two, text), await login(two, 'lea@demo.example', { password: `${text} as a password` }));
    const asked = encodeURIComponent(text);
    for (const path of [`/admin/members?q=${asked}`, `/admin/audit-logs?action=${asked}`, `/admin/members/${asked}`]) {
      answers.push(await two.api(path, { token: staff }));
    }
    for (const { status, text: said } of answers) {
      expect(status).toBeLessThan(500);
      expect(said).not.toMatch(/syntax error|SQLSTATE|pg_|select .* from/i);
    }
    // What looks like a pattern is none: it finds whoever is called so.
    const found = answers.at(-3)?.text.match(/"email":"[^"]+"/g) ?? [];
    expect(found.filter((one) => !one.includes(email))).toEqual([]);
    expect(await users()).toEqual(before);
  });
});
