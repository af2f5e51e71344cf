import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertEnded } from '../place.ts';
import { openOtherSystem, type OtherSystem } from './other-system.ts';
import {
  login,
  logout,
  meStatuses,
  newMember,
  password,
  refresh,
  refreshed,
  registered,
  signIn,
  somebody,
  type Tokens,
} from './people.ts';
import { head, sendRaw, statusesIn } from './raw.ts';
import { connectTo } from './socket.ts';
import { appSecret, startTwo, type TwoProcesses } from './two-processes.ts';

interface AuditRow {
  readonly action: string;
  readonly ip_address: string;
  readonly user_agent: string;
  readonly created_at: Date;
  readonly request_id: string;
  readonly resource_type: string;
}

const redis = redisProgram();
const both = [0, 1] as const;
const metricsToken = 'a token of the tests for the metrics';
const patience = { timeout: 30_000, interval: 20 };

describe.skipIf(redis.unreachable !== undefined)('what two processes tell', () => {
  let other: OtherSystem;
  let two: TwoProcesses;
  /** Everything that nobody may keep. */
  const secrets: string[] = [appSecret, metricsToken, password];
  beforeAll(async () => {
    other = await openOtherSystem();
    two = await startTwo({}, [{}, {}], other);
  });
  afterAll(async () => {
    await two.close();
    await other.close();
  });

  const remember = <T extends Tokens>(tokens: T): T => {
    secrets.push(tokens.refresh_token.slice(3), ...tokens.access_token.split('.').slice(1));
    return tokens;
  };
  const auditOf = (from: string): Promise<readonly AuditRow[]> =>
    two.sql<AuditRow>('select * from audit_logs where ip_address = $1 order by id', [from]);

  test('L01 each thing that happens to a session or an account is one row: when, who, what, from where', async () => {
    const from = two.address();
    const headers = { 'user-agent': 'agent of L01' };
    const asked = { from, headers };
    const body = newMember();
    const email = String(body['email']);
    expect((await two.api('/auth/register', { ...asked, body })).status).toBe(201);
    await login(two, email, { ...asked, password: 'not the password' });
    const first = remember(await signIn(two, email, asked));
    const second = remember((await refresh(two, first.refresh_token, asked)).json<Tokens>());
    const token = second.access_token;
    const socket = await connectTo(two, `?token=${token}`, asked);
    await two.api('/users/me', { ...asked, method: 'PATCH', token, body: { rue: 'Rue Neuve 2' } });
    const change = { current_password: password, new_password: 'a new pass phrase' };
    await two.api('/users/me/password', { ...asked, token, body: { ...change, current_password: 'wrong one' } });
    await two.api('/users/me/password', { ...asked, token, body: change });
    await two.api('/admin/members', { ...asked, token });
    await refresh(two, second.refresh_token, asked);
    await refresh(two, first.refresh_token, asked);
    const third = remember(await signIn(two, email, { from, headers, password: 'a new pass phrase' }));
    await logout(two, third.refresh_token, asked);
    await refresh(two, third.refresh_token, asked);
    expect(await socket.closed).toBe(4401);
    // Nobody waits for the row of a socket that has ended.
    await expect
      .poll(async () => (await auditOf(from)).map(({ action }) => action), patience)
      .toContain('ws_disconnect');
    const rows = await auditOf(from);
    const expected = ['register', 'login_failed', 'login', 'refresh', 'ws_connect', 'update_profile'];
    expected.push('password_change_failed', 'password_changed', 'refused', 'refresh', 'token_theft');
    expected.push('login', 'logout', 'refresh_failed');
    expect(rows.map(({ action }) => action).filter((action) => action !== 'ws_disconnect')).toEqual(expected);
    for (const row of rows) {
      expect(Math.abs(Date.now() - row.created_at.getTime())).toBeLessThan(60_000);
      expect(row).toMatchObject({ ip_address: from, user_agent: 'agent of L01' });
      expect(row.resource_type).not.toBe('');
      expect(row.request_id).not.toBe('');
    }
    assertEnded(await two.place.run(['move-acces', 'staff', '--email', email]), 0);
    const given = await two.sql("select method from audit_logs where action = 'role_changed'");
    expect(given).toEqual([{ method: 'CLI' }]);
  });

  test('L01 a sign-in that the throttle of its account refuses is a row of its own', async () => {
    const email = await registered(two);
    for (let attempt = 0; attempt < 20; attempt += 1) await login(two, email, { password: 'a guess' });
    const from = two.address();
    expect((await login(two, email, { from })).status).toBe(429);
    expect((await auditOf(from)).map(({ action }) => action)).toEqual(['login_throttled']);
  });

  test('L02 line breaks, colours and JSON in what a client sends make one row and one line', async () => {
    const from = two.address();
    const evil = 'evil\r\nHTTP/1.1 200 OK\u001b[31m","level":"error","x":"@demo.example';
    await login(two, evil, { from });
    const body = JSON.stringify({ email: 'nobody@demo.example', password: 'a guess' });
    for (const { port } of two.servers) {
      const agent = 'User-Agent: agent\u001b[31m {"level":"fatal"} \t\u00ff';
      const sent = [
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        `X-Forwarded-For: ${from}`,
        agent,
      ];
      const [status] = statusesIn(await sendRaw(port, head('POST', '/auth/login', ...sent) + body));
      expect([400, 401]).toContain(status);
    }
    const rows = await auditOf(from);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThanOrEqual(3);
    expect(JSON.stringify(rows)).not.toContain('demo.example');
    for (const server of two.servers) {
      const lines = server.stdout().split('\n').filter(Boolean);
      for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
      expect(server.stdout()).not.toContain('\u001b');
    }
  });

  test('L05 the metrics are public by promise, and a token closes them', async () => {
    expect((await two.api('/metrics')).status).toBe(200);
    await two.servers[1].stop();
    await two.restart(1, { METRICS_TOKEN: metricsToken });
    expect((await two.api('/metrics', { at: 1 })).status).toBe(404);
    expect((await two.api('/metrics', { at: 1, token: 'another token' })).status).toBe(404);
    expect((await two.api('/metrics', { at: 1, token: metricsToken })).status).toBe(200);
    for (let place = 0; place < 50; place += 1) await two.api(`/made-up/${place}`, { method: 'DELETE', at: 1 });
    expect((await two.api('/metrics', { at: 1, token: metricsToken })).text).not.toContain('made-up');
  });

  test('L07 without the database nobody is let in, nothing is told of it, and it goes on by itself', async () => {
    const person = remember(await somebody(two));
    other.proxy.cut();
    for (const at of both) {
      const answers = [await login(two, person.email, { at }), await refresh(two, person.refresh_token, { at })];
      for (const answer of answers) {
        expect(answer.status).toBe(503);
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
        expect(answer.text).not.toMatch(/ {4}at |select |ECONN|postgres|node_modules/i);
      }
      expect((await two.api('/health', { at })).json()).toMatchObject({ status: 'healthy' });
      expect((await two.api('/ready', { at })).status).toBe(503);
    }
    await other.proxy.mend();
    for (const at of both) {
      await expect.poll(async () => (await two.api('/ready', { at })).status, patience).toBe(200);
      expect((await login(two, person.email, { at })).status).toBe(200);
    }
    expect((await refresh(two, person.refresh_token)).status).toBe(200);
  });

  test('L07 an error that nobody foresaw is a 500 without a word of why, and the process lives', async () => {
    const { access_token: token } = remember(await somebody(two));
    await two.write('alter table abonnement rename to abonnement_gone');
    const answers = await Promise.all(both.map((at) => two.api('/users/me/abonnements', { token, at })));
    await two.write('alter table abonnement_gone rename to abonnement');
    for (const answer of answers) {
      expect(answer.json()).toMatchObject({ status: 500, code: 'internal_error' });
      expect(answer.text).not.toMatch(/relation|abonnement_gone|select| {4}at /i);
    }
    for (const at of both) expect((await two.api('/users/me/abonnements', { token, at })).status).toBe(200);
  });

  test('L08 every refusal is a problem of RFC 9457', async () => {
    const { access_token: token, from } = remember(await somebody(two));
    const refusals = [
      [400, await two.api('/auth/login', { body: 'not json' })],
      [401, await two.api('/users/me')],
      [403, await two.api('/admin/members', { token })],
      [404, await two.api('/nowhere')],
      [405, await two.api('/auth/login')],
      [409, await two.api('/auth/register', { body: newMember({ email: (await somebody(two)).email }) })],
      [413, await two.api('/auth/login', { body: 'x'.repeat(1_100_000) })],
      [415, await two.api('/auth/login', { body: 'a=b', headers: { 'content-type': 'text/plain' } })],
      [422, await two.api('/auth/login', { body: {} })],
    ] as const;
    for (const [status, answer] of refusals) {
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      const said = answer.json();
      expect(said).toMatchObject({ status, instance: expect.stringMatching(/^\//) as string });
      for (const member of ['type', 'title', 'detail', 'code', 'request_id']) expect(said[member]).toBeTypeOf('string');
      expect(answer.headers.get('x-request-id')).toBe(said['request_id']);
    }
    for (let attempt = 0; attempt < 5; attempt += 1) await login(two, 'nobody@demo.example', { from });
    const limited = await login(two, 'nobody@demo.example', { from });
    expect([limited.status, limited.headers.get('content-type')]).toEqual([429, 'application/problem+json']);
  });

  test('L10 while nothing can be audited nobody signs in, and nothing is left of the try', async () => {
    const email = await registered(two);
    const families = () => two.sql('select count(*) as count from refresh_families');
    const before = await families();
    await two.write('alter table audit_logs rename to audit_logs_gone');
    const body = newMember();
    const answers = [await login(two, email), await two.api('/auth/register', { body })];
    await two.write('alter table audit_logs_gone rename to audit_logs');
    expect(answers.map(({ status }) => status)).toEqual([500, 500]);
    expect(await families()).toEqual(before);
    expect(await two.sql('select email from users where email = $1', [body['email']])).toEqual([]);
    expect((await login(two, email)).status).toBe(200);
  });

  test('L11 health and documents tell no secret', async () => {
    for (const path of ['/', '/health', '/ready', '/docs', '/redoc', '/openapi.json', '/metrics']) {
      const { text, status } = await two.api(path, { at: 0 });
      expect(status).toBe(200);
      const hidden = [...secrets, new URL(other.proxy.urlFor(other.urls.application)).password, two.place.folder];
      for (const secret of hidden) expect(text).not.toContain(secret);
    }
  });

  test('M07 a process that is killed in the middle of refreshes costs nobody their session', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, () => somebody(two)));
    let answered = 0;
    const first = Promise.withResolvers<undefined>();
    const sent = people.map(async ({ refresh_token: token }) => {
      await refresh(two, token, { at: 0 }).catch(() => undefined);
      answered += 1;
      first.resolve(undefined);
    });
    await first.promise;
    two.servers[0].signalGroup('SIGKILL');
    await Promise.all(sent);
    expect(answered).toBe(20);
    for (const { refresh_token: token } of people) {
      const answer = await refresh(two, token, { at: 1 });
      expect(answer.status).toBe(200);
      const again = remember(answer.json<Tokens>());
      expect((await two.api('/users/me', { token: again.access_token, at: 1 })).status).toBe(200);
    }
    await two.restart(0);
    const forks = await two.sql(`select family_id from refresh_tokens where used_at is null
      group by family_id having count(*) > 1`);
    expect(forks).toEqual([]);
    const next = remember(await refreshed(two, (await somebody(two)).refresh_token));
    expect(await meStatuses(two, next.access_token)).toEqual([200, 200]);
  });

  test('L04 no password, token or hash of all of this is in any log or audit row', async () => {
    const texts = [...two.written()];
    texts.push(JSON.stringify(await two.sql('select row_to_json(t)::text as row from audit_logs t')));
    const hashes = await two.sql<{ hash: string }>('select password_hash as hash from acces_app');
    expect(hashes.length).toBeGreaterThan(10);
    secrets.push('a new pass phrase', ...hashes.map(({ hash }) => hash.slice(-30)));
    expect(secrets.length).toBeGreaterThan(50);
    expect(secrets.filter((secret) => texts.some((text) => text.includes(secret)))).toEqual([]);
    for (const text of texts) expect(text).not.toMatch(/\$argon2id\$|\beyJ[\w-]{10,}\.|\bqr_[\w-]{43}\b/);
  });
});
