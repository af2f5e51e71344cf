import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { login, meStatuses, newMember, password, registered, saidBy, signIn, somebody } from './people.ts';
import { head, sendRaw, statusesIn } from './raw.ts';
import { hashesOf, startTwo, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
/** Of the letter x, 72 times: all that bcrypt looks at. */
const bcryptOf72 = '$2b$05$SpPvwwTxS4KmjevqNuVJyuqk4pnehk5WCZgJSRaF0x5rbcSnsr0zC';

describe.skipIf(redis.unreachable !== undefined)('registration and sign-in on two processes', () => {
  let two: TwoProcesses;
  beforeAll(async () => {
    two = await startTwo();
  });
  afterAll(() => two.close());

  const register = (changes: Readonly<Record<string, unknown>> = {}) =>
    two.api('/auth/register', { body: newMember(changes) });

  test('A01 who registers is told nothing of a password, and signs in on either process', async () => {
    const body = newMember({ password: 'fifteen letters' });
    const made = await two.api('/auth/register', { body, at: 0 });
    expect(made.status).toBe(201);
    const { user_id: id } = made.json<{ user_id: number }>();
    expect(made.json()).toEqual({ user_id: id, email: body['email'], prenom: 'Eva', nom: 'Muster' });
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect((await login(two, String(body['email']), { password: 'fifteen letters', at: 1 })).status).toBe(200);
  });

  test.each([
    ['A02 seven characters', 'seven77'],
    ['A04 one of the most common', 'password1'],
  ])('%s are refused as a password', async (_why, weak) => {
    const answer = await register({ password: weak });
    expect(answer.status).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'validation_failed', errors: [{ loc: ['body', 'password'] }] });
  });

  test.each([
    ['A05 sixteen letters of one case', 'meadowlarksinged'],
    ['A05 spaces and emoji', '🐄  🐄  🐄  🐄'],
  ])('%s are a password', async (_why, odd) => {
    const email = await registered(two, { password: odd });
    expect((await login(two, email, { password: odd })).status).toBe(200);
  });

  test('A07 a password of a megabyte is refused at once, and nothing is hashed', async () => {
    const before = await hashesOf(two);
    const tries: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const startedMs = performance.now();
      const answer = await register({ password: 'x'.repeat(1_048_000) });
      tries.push(performance.now() - startedMs);
      expect(answer.status).toBe(422);
    }
    expect((await register({ password: 'x'.repeat(1_100_000) })).status).toBe(413);
    expect((await login(two, 'lea@demo.example', { password: 'x'.repeat(1_000_000) })).status).toBe(422);
    // The quickest of five: the others may have waited for this machine.
    expect(Math.min(...tries)).toBeLessThan(50);
    expect(await hashesOf(two)).toBe(before);
  });

  test('A10 fields that are nobody’s to set are refused, and nobody is staff by them', async () => {
    const extras = [{ role: 'staff' }, { role: 'admin' }, { is_verified: true }, { id: 1 }, { user_id: 1 }];
    for (const extra of extras) expect((await register(extra)).status).toBe(422);
    const poisoned = JSON.stringify(newMember()).replace('{', '{"__proto__":{"role":"staff"},');
    expect((await two.api('/auth/register', { body: poisoned })).status).toBe(400);
    expect(await two.sql('select role from member_roles')).toEqual([]);
  });

  test('A11 a taken address is a documented 409, after as much hashing as a new one', async () => {
    const email = await registered(two);
    const before = await hashesOf(two);
    const answer = await register({ email });
    expect(answer.status).toBe(409);
    expect(answer.json()).toMatchObject({ detail: 'User with this email already exists' });
    expect((await hashesOf(two)) - before).toBe(1);
  });

  test('B01 a sign-in answers as promised', async () => {
    const email = await registered(two);
    const answer = await login(two, email.toUpperCase());
    expect(answer.json()).toMatchObject({ token_type: 'bearer', expires_in: 900, user: { email } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('B02 whoever may not sign in hears the same, byte for byte', async () => {
    const [known, bare] = [await registered(two), await registered(two)];
    await two.write(`delete from acces_app where email = '${bare}'`);
    const answers = [
      await login(two, known, { password: 'not the password' }),
      await login(two, 'nobody@demo.example'),
      await login(two, bare),
      await login(two, 'no address at all'),
    ];
    expect(new Set(answers.map(saidBy)).size).toBe(1);
    expect(answers[0]?.json()).toMatchObject({ status: 401, detail: 'Incorrect email or password' });
    expect(new Set(answers.map(({ text }) => text.length)).size).toBe(1);
  });

  test('B04 a password is compared as it was sent', async () => {
    const email = await registered(two);
    for (const other of [` ${password}`, `${password} `, password.toUpperCase(), `${password}\u0000`]) {
      expect((await login(two, email, { password: other })).status).toBe(401);
    }
    expect((await login(two, email)).status).toBe(200);
  });

  test('B05 all of a password counts, also against a bcrypt hash of its first 72 bytes', async () => {
    const long = 'x'.repeat(72);
    const email = await registered(two);
    await two.write(`update acces_app set password_hash = '${bcryptOf72}' where email = '${email}'`);
    expect((await login(two, email, { password: `${long}y` })).status).toBe(401);
    expect((await login(two, email, { password: long })).status).toBe(200);
    const ours = await registered(two, { password: `${long}1` });
    expect((await login(two, ours, { password: `${long}2` })).status).toBe(401);
  });

  test('B07 of a field that is there twice the last one counts, and a form is not read', async () => {
    const email = await registered(two);
    const twice = (first: string, last: string): string =>
      `{"email":"${email}","password":"${first}","password":"${last}"}`;
    const sent = [twice('not the password', password), twice(password, 'not the password')];
    const statuses: number[] = [];
    for (const body of sent) statuses.push((await two.api('/auth/login', { body })).status);
    expect(statuses).toEqual([200, 401]);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const form = await two.api('/auth/login', { body: `email=${email}&password=x&password=${password}`, headers });
    expect(form.status).toBe(415);
  });

  test('B08 no other method signs in', async () => {
    const body = { email: 'lea@demo.example', password };
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await two.api('/auth/login', { method, body });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    }
    expect((await two.api('/auth/login')).status).toBe(405);
    for (const { port } of two.servers) {
      expect(statusesIn(await sendRaw(port, head('TRACE', '/auth/login')))).toEqual([405]);
    }
  });

  test('B10 one more sign-in is one more session, and leaves the others', async () => {
    const first = await somebody(two);
    const second = await signIn(two, first.email);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    const { count } = (await two.api('/users/me/sessions', { token: second.access_token })).json<{ count: number }>();
    expect(count).toBe(2);
    expect(await meStatuses(two, first.access_token)).toEqual([200, 200]);
  });

  test('B11 a hundred right sign-ins of one member at once all succeed', async () => {
    const email = await registered(two);
    const answers = await Promise.all(Array.from({ length: 100 }, () => login(two, email)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test('B13 no other spelling of the path signs in beside the limit', async () => {
    const body = { email: 'nobody@demo.example', password };
    const elsewhere = ['/login', '/api/login', '/auth/Login', '//auth//login', '/auth%2flogin', '/auth/login/../login'];
    for (const path of elsewhere.slice(0, 5)) expect((await two.api(path, { body })).status).toBe(404);
    const from = two.address();
    const statuses: number[] = [];
    for (const path of ['/auth/login', '/auth/login/', '/auth/login', '/auth/login/', '/auth/login?', '/auth/login/']) {
      statuses.push((await two.api(path, { body, from })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });

  test.each(['admin', 'root', 'administrator', 'staff@demo.example'])(
    'B14 %s has no password of its name',
    async (name) => {
      expect((await login(two, name, { password: name })).status).toBe(401);
    },
  );
});
