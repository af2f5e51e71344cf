import { afterAll, beforeAll, expect, test } from 'vitest';
import { deviceOf } from '../src/auth/sessions.ts';
import { demoPassword, type MoveAccesWorld, newMember, openMoveAccesWorld } from './move-acces-world.ts';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

interface SessionRow {
  readonly id: string;
  readonly device: string;
  readonly is_current: boolean;
}

let world: MoveAccesWorld;
beforeAll(async () => {
  world = await openMoveAccesWorld();
});
afterAll(() => world.close());

/** Somebody new, with so many sessions. */
async function member(sessions: number, agents: readonly string[] = []) {
  const body = newMember();
  const email = String(body['email']);
  const made = (await world.api('/auth/register', { body })).json<{ user_id: number }>();
  const signedIn: Tokens[] = [];
  for (let place = 0; place < sessions; place += 1) {
    const headers = { 'user-agent': agents[place] ?? 'test' };
    const answer = await world.api('/auth/login', { body: { email, password: demoPassword }, headers });
    signedIn.push(answer.json<Tokens>());
  }
  return { email, id: made.user_id, signedIn };
}

const statusOf = async (token: string | undefined): Promise<number> => (await world.api('/users/me', { token })).status;

test('G05 a member sees where they are signed in, without anything that is a token', async () => {
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
  const { signedIn } = await member(2, [agent, 'Dart/3.9 (dart:io)']);
  const answer = await world.api('/users/me/sessions', { token: signedIn[1]?.access_token });
  const { sessions } = answer.json<{ sessions: SessionRow[] }>();
  expect(sessions.map(({ device, is_current: isCurrent }) => [device, isCurrent])).toEqual([
    ['the app', true],
    ['Firefox on Linux', false],
  ]);
  for (const { refresh_token: token } of signedIn) expect(answer.text).not.toContain(token);
});

test.each([
  ['', 'unknown device'],
  ['curl/8.1', 'curl'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit Version/19 Safari/604.1', 'Safari on iPhone'],
])('the device of "%s" is %s', (agent, device) => {
  expect(deviceOf(agent)).toBe(device);
});

test('G04 ending one session leaves the others, and nobody ends another’s', async () => {
  const { signedIn } = await member(2);
  const other = await member(1);
  const token = signedIn[0]?.access_token;
  const { sessions } = (await world.api('/users/me/sessions', { token })).json<{ sessions: SessionRow[] }>();
  const second = sessions.find(({ is_current: isCurrent }) => !isCurrent)?.id ?? '';
  const end = (by: string | undefined) => world.api(`/users/me/sessions/${second}`, { method: 'DELETE', token: by });
  expect((await end(other.signedIn[0]?.access_token)).status).toBe(404);
  expect((await end(token)).status).toBe(204);
  expect((await end(token)).json()).toMatchObject({ code: 'session_not_found' });
  expect([await statusOf(token), await statusOf(signedIn[1]?.access_token)]).toEqual([200, 401]);
});

test('logout-all ends them all, the caller’s included', async () => {
  const { signedIn } = await member(3);
  const answer = await world.api('/auth/logout-all', { method: 'POST', token: signedIn[0]?.access_token });
  expect(answer.json()).toEqual({ sessions_ended: 3 });
  for (const { access_token: token } of signedIn) expect(await statusOf(token)).toBe(401);
});

test('G07 G08 a new password needs the current one, ends the other sessions, and leaves the given row alone', async () => {
  const { email, signedIn } = await member(2);
  const token = signedIn[0]?.access_token;
  const row = `select password_hash from acces_app where email = '${email}'`;
  const before = await world.sql(row);
  const change = (current: string, next: string) =>
    world.api('/users/me/password', { token, body: { current_password: current, new_password: next } });
  expect((await change('not the password', 'a new pass phrase')).json()).toMatchObject({
    status: 401,
    code: 'current_password_wrong',
  });
  expect((await change(demoPassword, 'short')).json()).toMatchObject({ errors: [{ loc: ['body', 'new_password'] }] });
  expect((await change(demoPassword, 'a new pass phrase')).status).toBe(204);
  expect([await statusOf(token), await statusOf(signedIn[1]?.access_token)]).toEqual([200, 401]);
  const signIn = async (password: string) => (await world.api('/auth/login', { body: { email, password } })).status;
  expect([await signIn(demoPassword), await signIn('a new pass phrase')]).toEqual([401, 200]);
  expect(await world.sql(row)).toEqual(before);
});

test('G13 staff end the sessions of a member; members may not', async () => {
  const { id, signedIn } = await member(2);
  const path = `/admin/members/${id}/sessions`;
  const token = signedIn[0]?.access_token;
  expect((await world.api(path, { token })).status).toBe(403);
  expect((await world.api(path, { method: 'DELETE', token })).status).toBe(403);
  const listed = await world.api(path, { token: world.tokens.staff });
  expect(listed.json()).toMatchObject({ count: 2 });
  const [first] = listed.json<{ sessions: SessionRow[] }>().sessions;
  const one = { method: 'DELETE', token: world.tokens.staff };
  expect((await world.api(`${path}/${first?.id ?? ''}`, one)).status).toBe(204);
  expect((await world.api(path, one)).json()).toEqual({ sessions_ended: 1 });
  for (const { access_token: each } of signedIn) expect(await statusOf(each)).toBe(401);
});

test('F08 whatever a refresh and a logout do at once, nothing works after the logout has answered', async () => {
  const { signedIn, email } = await member(1);
  let tokens = signedIn[0];
  for (let round = 0; round < 25; round += 1) {
    const token = tokens?.refresh_token ?? '';
    const body = { refresh_token: token };
    const [refreshed] = await Promise.all([world.api('/auth/refresh', { body }), world.api('/auth/logout', { body })]);
    const minted = refreshed.status === 200 ? refreshed.json<Tokens>() : undefined;
    expect(await statusOf(minted?.access_token ?? tokens?.access_token)).toBe(401);
    expect((await world.api('/auth/refresh', { body: { refresh_token: minted?.refresh_token ?? token } })).status).toBe(
      401,
    );
    tokens = (await world.api('/auth/login', { body: { email, password: demoPassword } })).json<Tokens>();
  }
});

test('F17 no refresh token stands in the database', async () => {
  const { signedIn } = await member(1);
  const rows = JSON.stringify(await world.sql('select * from refresh_tokens'));
  expect(rows).not.toContain(signedIn[0]?.refresh_token);
});

test('compatible mode keeps the refresh token of clients that never store another', async () => {
  const kept = await openMoveAccesWorld({ environment: { REFRESH_MODE: 'compatible' } });
  try {
    const body = { email: 'lea@demo.example', password: demoPassword };
    const { refresh_token: token } = (await kept.api('/auth/login', { body })).json<Tokens>();
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await kept.api('/auth/refresh', { body: { refresh_token: token } });
      expect(answer.json<Tokens>().refresh_token).toBe(token);
    }
    await kept.api('/auth/logout', { body: { refresh_token: token } });
    expect((await kept.api('/auth/refresh', { body: { refresh_token: token } })).status).toBe(401);
  } finally {
    await kept.close();
  }
});
