import { type RealDatabaseCase, realDatabases } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoPassword, type MoveAccesWorld, newMember, openMoveAccesWorld } from './move-acces-world.ts';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const [, mariadb] = await realDatabases();
const engines: readonly (readonly [string, RealDatabaseCase | undefined])[] = [
  ['the embedded database', undefined],
  ...(mariadb && mariadb.unreachable === undefined ? [['MariaDB', mariadb] as const] : []),
];

test('MariaDB is among the engines, or its absence is said', () => {
  expect(mariadb?.unreachable ?? 'there').toBe(engines.length === 2 ? 'there' : mariadb?.unreachable);
});

describe.each(engines)('sign-in on %s', (_, real) => {
  let world: MoveAccesWorld;
  beforeAll(async () => {
    world = await openMoveAccesWorld(real ? { real } : {});
  });
  afterAll(() => world.close());

  const signIn = (email: string, password = demoPassword) => world.api('/auth/login', { body: { email, password } });
  const tokensOf = async (email = 'lea@demo.example'): Promise<Tokens> => (await signIn(email)).json<Tokens>();
  const refresh = (token: string) => world.api('/auth/refresh', { body: { refresh_token: token } });

  test('A01 a member registers and is told no secret', async () => {
    const body = newMember();
    const made = await world.api('/auth/register', { body });
    expect(made.status).toBe(201);
    const { user_id: id, ...rest } = made.json<{ user_id: number }>();
    expect(id).toBeGreaterThan(0);
    expect(rest).toEqual({ email: body['email'], prenom: 'Eva', nom: 'Muster' });
    expect(made.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    ['A02 too short', 'seven77'],
    ['A04 among the most common', 'password1'],
    ['the address itself', 'weak@demo.example'],
  ])('a password that is %s is refused by name of the field', async (_why, password) => {
    const answer = await world.api('/auth/register', { body: newMember({ email: 'weak@demo.example', password }) });
    expect(answer.status).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'validation_failed', errors: [{ loc: ['body', 'password'] }] });
  });

  test.each([
    ['A05 seventeen letters of one case', 'meadowlarksinging'],
    ['spaces and emoji', '🐄 🐄 🐄 🐄 🐄'],
  ])('%s are a password', async (_why, password) => {
    const body = newMember({ password });
    expect((await world.api('/auth/register', { body })).status).toBe(201);
    expect((await signIn(String(body['email']), password)).status).toBe(200);
  });

  test('A07 a password of a megabyte is refused before anything is hashed', async () => {
    const before = world.moveAcces.passwords.stats.finished;
    const answer = await world.api('/auth/register', { body: newMember({ password: 'x'.repeat(1_000_000) }) });
    expect([413, 422]).toContain(answer.status);
    expect((await signIn('lea@demo.example', 'x'.repeat(100_000))).status).toBe(422);
    expect(world.moveAcces.passwords.stats.finished).toBe(before);
  });

  test('A08 of fifty who register one address at once, one does, and the others hear 409', async () => {
    const body = newMember();
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.api('/auth/register', { body })));
    const statuses = answers.map(({ status }) => status).toSorted((one, other) => one - other);
    expect(statuses).toEqual([201, ...Array.from({ length: 49 }, () => 409)]);
    const rows = await world.sql(`select user_id from users where email = '${String(body['email'])}'`);
    expect(rows).toHaveLength(1);
    expect(answers.find(({ status }) => status === 409)?.json()).toMatchObject({
      detail: 'User with this email already exists',
    });
  });

  test.each([{ role: 'staff' }, { user_id: 1 }, { is_verified: true }])(
    'A10 a field that is nobody’s to set is refused: %o',
    async (extra) => {
      expect((await world.api('/auth/register', { body: newMember(extra) })).status).toBe(422);
    },
  );

  test('B01 a sign-in answers as promised', async () => {
    const answer = await signIn('LEA@demo.example');
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({
      token_type: 'bearer',
      expires_in: 900,
      user: { email: 'lea@demo.example', prenom: 'Léa', nom: 'Demo' },
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('B02 a wrong password, an unknown address and a member without a password hear the same', async () => {
    const body = newMember();
    await world.api('/auth/register', { body });
    await world.sql(`delete from acces_app where email = '${String(body['email'])}'`);
    const answers = [
      await signIn('lea@demo.example', 'not the password'),
      await signIn('nobody@demo.example'),
      await signIn(String(body['email'])),
      await signIn('no address at all'),
    ];
    const bodies = answers.map((answer) => {
      const { request_id: _id, ...rest } = answer.json<{ request_id: string }>();
      return { status: answer.status, ...rest };
    });
    expect(new Set(bodies.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(bodies[0]).toMatchObject({ status: 401, detail: 'Incorrect email or password' });
  });

  test.each([` ${demoPassword}`, `${demoPassword} `, demoPassword.toUpperCase(), ''])(
    'B04 a password is compared as it was sent: "%s" is another',
    async (password) => {
      expect((await signIn('lea@demo.example', password)).status).toBe(password === '' ? 422 : 401);
    },
  );

  test('B08 B13 no other path or method signs anybody in', async () => {
    const paths = ['/login', '/api/login', '/auth/Login', '//auth//login', '/auth%2flogin'];
    const body = { email: 'lea@demo.example', password: demoPassword };
    for (const path of paths) expect((await world.api(path, { body })).status).toBe(404);
    expect((await world.api('/auth/login')).status).toBe(405);
    expect((await world.api('/auth/login', { method: 'PUT', body })).headers.get('allow')).toBe('POST');
  });

  test('B11 thirty right sign-ins of one member at once all succeed', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => signIn('mia@demo.example')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => answer.json<Tokens>().refresh_token)).size).toBe(30);
  });

  test('F01 F04 a refresh gives a new pair, and the old token shown later ends the whole session', async () => {
    const first = await tokensOf('noah@demo.example');
    const second = (await refresh(first.refresh_token)).json<Tokens>();
    expect(second.refresh_token).not.toBe(first.refresh_token);
    const third = (await refresh(second.refresh_token)).json<Tokens>();
    // The grandparent: whoever shows it holds a copy.
    const theft = await refresh(first.refresh_token);
    expect(theft.status).toBe(401);
    expect(theft.json()).toMatchObject({ code: 'refresh_reused' });
    expect((await refresh(third.refresh_token)).status).toBe(401);
    expect((await world.api('/users/me', { token: third.access_token })).status).toBe(401);
  });

  test('F02 F07 fifty refreshes of one token at once give one successor, which works', async () => {
    const { refresh_token: token } = await tokensOf();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const successors = new Set(answers.map((answer) => answer.json<Tokens>().refresh_token));
    expect(successors.size).toBe(1);
    expect((await refresh([...successors][0] ?? '')).status).toBe(200);
  });

  test.each([
    [{}, 422],
    [{ refresh_token: '' }, 422],
    [{ refresh_token: null }, 422],
    [{ refresh_token: [] }, 422],
    [{ refresh_token: 'x'.repeat(501) }, 422],
    [{ refresh_token: 'qr_not-a-token' }, 401],
  ])('F10 F16 a refresh with %o is refused', async (body, status) => {
    expect((await world.api('/auth/refresh', { body })).status).toBe(status);
  });

  test('G01 G02 a logout ends the session at once, and a second one hears the same', async () => {
    const { access_token: access, refresh_token: token } = await tokensOf();
    const logout = () => world.api('/auth/logout', { body: { refresh_token: token } });
    expect([(await logout()).status, (await logout()).status]).toEqual([204, 204]);
    expect((await world.api('/auth/logout', { body: { refresh_token: 'no token' } })).status).toBe(204);
    expect((await world.api('/users/me', { token: access })).status).toBe(401);
    expect((await refresh(token)).status).toBe(401);
  });

  test('E01 E13 E19 what is no access token opens nothing', async () => {
    const bare = await world.api('/users/me');
    expect(bare.status).toBe(401);
    expect(bare.headers.get('www-authenticate')).not.toContain('error');
    const { refresh_token: token } = await tokensOf();
    const answer = await world.api('/users/me', { token });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect((await world.api(`/users/me?token=${world.tokens.lea}`)).status).toBe(401);
  });

  test('L01 every sign-in, failure, refresh and logout is in the audit', async () => {
    const rows = await world.sql('select action from audit_logs');
    const actions = new Set(rows.map((row) => row['action']));
    for (const action of ['register', 'login', 'login_failed', 'refresh', 'token_theft', 'logout']) {
      expect(actions).toContain(action);
    }
  });

  test('L02 an address and a user agent with line breaks make one row, and no address is kept whole', async () => {
    await world.api('/auth/login', {
      body: { email: 'evil\r\nrow: 1@demo.example', password: demoPassword },
      headers: { 'user-agent': 'agent-of-L02' },
    });
    const rows = await world.sql("select details from audit_logs where user_agent = 'agent-of-L02'");
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain('demo.example');
  });
});
