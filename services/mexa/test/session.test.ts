import { writeStatement } from '@quinta/platform/database';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HttpAnswer } from '@quinta/platform/testing';
import { issueMexaToken } from '../src/demo.ts';
import type { SessionAnswer } from '../src/auth/sign-in.ts';
import { auditOf } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { goodPassword, newPerson, signIn, tryLogin } from './people.ts';
import { expectProblem } from './problem-body.ts';
import { countOf } from './sql.ts';
import { atOnce, statuses } from './vouchers.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

const otherPassword = 'ocho faroles en el muelle';

const refresh = (token: string, where = world): Promise<HttpAnswer> =>
  where.api('/auth/refresh', { body: { refresh_token: token } });
const statusOfMe = async (token: string, where = world): Promise<number> =>
  (await where.api('/auth/me', { token })).status;
const changePassword = (token: string, current: string, next: string): Promise<HttpAnswer> =>
  world.api('/auth/change-password', { token, body: { current_password: current, new_password: next } });

describe('refreshing', () => {
  test('gives a new pair, and both old and new access tokens speak for the session', async () => {
    const first = await signIn(world, await newPerson(world));
    const answer = await refresh(first.refresh_token);
    expect(answer.status).toBe(200);
    const second = answer.json<SessionAnswer>();
    expect(second.user).toEqual(first.user);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);
    expect([await statusOfMe(first.access_token), await statusOfMe(second.access_token)]).toEqual([200, 200]);
  });

  test('again within the grace time gives the same successor, even twenty times at once', async () => {
    const { refresh_token: token } = await signIn(world, await newPerson(world));
    const answers = await atOnce(20, () => refresh(token));
    expect(statuses(answers)).toEqual({ 200: 20 });
    const successors = new Set(answers.map((answer) => answer.json<SessionAnswer>().refresh_token));
    expect(successors.size).toBe(1);
    expect((await refresh([...successors][0] ?? '')).status).toBe(200);
  });

  test('with a token whose successor was used is theft: the session ends, and the audit says so', async () => {
    const first = await signIn(world, await newPerson(world));
    const second = (await refresh(first.refresh_token)).json<SessionAnswer>();
    const third = (await refresh(second.refresh_token)).json<SessionAnswer>();
    const stolen = await refresh(first.refresh_token);
    expectProblem(stolen, 401, 'refresh_reused');
    expect(stolen.headers.get('www-authenticate')).toContain('invalid_token');
    for (const { access_token: token } of [first, second, third]) expect(await statusOfMe(token)).toBe(401);
    for (const { refresh_token: token } of [first, second, third]) {
      expectProblem(await refresh(token), 401, 'refresh_invalid');
    }
    const rows = await auditOf(world, stolen.headers.get('x-request-id') ?? '');
    expect(rows).toMatchObject([{ action: 'token_theft', resource_type: 'session', user_id: first.user.id }]);
    expect(
      await countOf(world.owner, "audit_logs where action = 'token_theft' and user_id = $1", [first.user.id]),
    ).toBe(1);
  });

  test('twice without a grace time is theft at once, and another session of the same user goes on', async () => {
    const strict = await openMexaWorld({ environment: { REFRESH_GRACE_S: '0' } });
    try {
      const person = await newPerson(strict);
      const [session, other] = [await signIn(strict, person), await signIn(strict, person)];
      expect((await refresh(session.refresh_token, strict)).status).toBe(200);
      expectProblem(await refresh(session.refresh_token, strict), 401, 'refresh_reused');
      expect(await statusOfMe(session.access_token, strict)).toBe(401);
      expect(await statusOfMe(other.access_token, strict)).toBe(200);
    } finally {
      await strict.close();
    }
  });

  test.each(['x', 'A'.repeat(43), 'é'])('with %j is a 401', async (token) => {
    expect(expectProblem(await refresh(token), 401, 'refresh_invalid').status).toBe(401);
  });

  test.each<[unknown]>([[{}], [{ refresh_token: '' }], [{ refresh_token: 1 }], [{ refresh_token: 'x'.repeat(201) }]])(
    'with %j is a 422',
    async (body) => {
      expect(expectProblem(await world.api('/auth/refresh', { body }), 422, 'validation_failed').status).toBe(422);
    },
  );

  test('shows the role that the user has by now', async () => {
    const person = await newPerson(world);
    await world.api(`/usuarios/${person.id}`, {
      method: 'PATCH',
      token: world.tokens.admin,
      body: { role: 'auditor' },
    });
    const session = await signIn(world, person);
    expect((await refresh(session.refresh_token)).json<SessionAnswer>().user.role).toBe('auditor');
    expect((await world.api('/audit-logs', { token: session.access_token })).status).toBe(200);
  });
});

describe('signing out', () => {
  test('ends the session at once, that one alone, with one audit row', async () => {
    const person = await newPerson(world);
    const [session, other] = [await signIn(world, person), await signIn(world, person)];
    const answer = await world.api('/auth/logout', { method: 'POST', token: session.access_token });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expectProblem(await world.api('/auth/me', { token: session.access_token }), 401, 'token_invalid');
    expectProblem(await refresh(session.refresh_token), 401, 'refresh_invalid');
    expect((await world.api('/auth/logout', { method: 'POST', token: session.access_token })).status).toBe(401);
    expect(await statusOfMe(other.access_token)).toBe(200);
    expect(await auditOf(world, answer.headers.get('x-request-id') ?? '')).toMatchObject([
      { action: 'logout', resource_type: 'usuario', resource_id: person.id, user_id: person.id },
    ]);
  });

  test('twenty times at once leaves one audit row', async () => {
    const { access_token: token, user } = await signIn(world, await newPerson(world));
    await atOnce(20, () => world.api('/auth/logout', { method: 'POST', token }));
    expect(await countOf(world.owner, "audit_logs where action = 'logout' and user_id = $1", [user.id])).toBe(1);
  });
});

describe('changing the password', () => {
  test('ends every other session of the user and keeps this one', async () => {
    const person = await newPerson(world);
    const [mine, other] = [await signIn(world, person), await signIn(world, person)];
    const answer = await changePassword(mine.access_token, goodPassword, otherPassword);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect([await statusOfMe(mine.access_token), await statusOfMe(other.access_token)]).toEqual([200, 401]);
    expect((await refresh(mine.refresh_token)).status).toBe(200);
    expectProblem(await refresh(other.refresh_token), 401, 'refresh_invalid');
    expect((await tryLogin(world, person.username, goodPassword)).status).toBe(401);
    expect((await tryLogin(world, person.username, otherPassword)).status).toBe(200);
    const rows = await auditOf(world, answer.headers.get('x-request-id') ?? '');
    expect(rows).toMatchObject([
      { action: 'password_changed', user_id: person.id, resource_id: person.id, old_values: null, new_values: null },
    ]);
  });

  test('wants the current one, and a failed attempt is audited', async () => {
    const { access_token: token, user } = await signIn(world, await newPerson(world));
    const answer = await changePassword(token, otherPassword, otherPassword);
    const { errors } = expectProblem(answer, 422, 'current_password_wrong');
    expect(errors?.[0]?.loc).toEqual(['body', 'current_password']);
    expect(await auditOf(world, answer.headers.get('x-request-id') ?? '')).toMatchObject([
      { action: 'password_change_failed', user_id: user.id },
    ]);
  });

  test.each([
    ['short', 'password_too_short'],
    ['password123', 'password_too_common'],
    ['OWN NAME', 'password_is_identifier'],
  ])('to %s is refused', async (next, type) => {
    const person = await newPerson(world);
    const { access_token: token } = await signIn(world, person);
    const answer = await changePassword(token, goodPassword, next === 'OWN NAME' ? person.username : next);
    const { errors } = expectProblem(answer, 422, 'validation_failed');
    expect(errors).toMatchObject([{ loc: ['body', 'new_password'], type }]);
    expect((await tryLogin(world, person.username, goodPassword)).status).toBe(200);
  });

  test('two ways at once changes it one way', async () => {
    const person = await newPerson(world);
    const { access_token: token } = await signIn(world, person);
    const wanted = Array.from({ length: 4 }, (_, place) => `${otherPassword} ${place}`);
    const answers = await Promise.all(wanted.map((next) => changePassword(token, goodPassword, next)));
    expect(statuses(answers)).toEqual({ 204: 1, 422: 3 });
    const winner = wanted[answers.findIndex(({ status }) => status === 204)] ?? '';
    for (const password of [goodPassword, ...wanted]) {
      expect((await tryLogin(world, person.username, password)).status).toBe(password === winner ? 200 : 401);
    }
  });
});

describe.each<[string, object]>([
  ['another role', { role: 'cajero' }],
  ['a switch to off', { active: false }],
])('%s', (_, change) => {
  test('ends all sessions of a user at once', async () => {
    const person = await newPerson(world);
    const sessions = [await signIn(world, person), await signIn(world, person)];
    await world.api(`/usuarios/${person.id}`, { method: 'PATCH', token: world.tokens.admin, body: change });
    for (const session of sessions) {
      expect(await statusOfMe(session.access_token)).toBe(401);
      expectProblem(await refresh(session.refresh_token), 401, 'refresh_invalid');
    }
  });
});

test('another name or address leaves the sessions alone', async () => {
  const person = await newPerson(world);
  const session = await signIn(world, person);
  const body = { email: `new-${person.email}` };
  await world.api(`/usuarios/${person.id}`, { method: 'PATCH', token: world.tokens.admin, body });
  expect(await statusOfMe(session.access_token)).toBe(200);
});

test('a token of one database is nothing to another', async () => {
  const other = await openMexaWorld();
  try {
    expect(await statusOfMe(await issueMexaToken(other.mexa, {}), world)).toBe(401);
  } finally {
    await other.close();
  }
});

test.each([
  ['switched off', 'disabled_at = now()'],
  ['given another password', "password_hash = '!'"],
])('whoever is %s while their password is being checked is not let in', async (_, change) => {
  const person = await newPerson(world);
  const { signing } = await world.owner.transact(async (tx) => {
    const update = writeStatement<[number], never>('test.change', `update usuarios set ${change} where id = $1`);
    await tx.run(update, [person.id]);
    const attempt = tryLogin(world, person.username, person.password);
    const waiting = 'pg_locks where not granted';
    await vi.waitFor(async () => expect(await countOf(world.application, waiting)).toBeGreaterThan(0));
    return { signing: attempt };
  });
  expectProblem(await signing, 401, 'credentials_invalid');
  expect(await countOf(world.owner, 'refresh_families where subject = $1', [String(person.id)])).toBe(0);
});
