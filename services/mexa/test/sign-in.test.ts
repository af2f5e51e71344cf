import { pbkdf2Sync, scryptSync } from 'node:crypto';
import { call, type HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionAnswer } from '../src/auth/sign-in.ts';
import { auditOf } from './audit-trail.ts';
import { demoPassword, type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { freshName, goodPassword, newPerson, tryLogin } from './people.ts';
import { expectProblem } from './problem-body.ts';
import { countOf, sql } from './sql.ts';
import { atOnce, statuses } from './vouchers.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

const login = (body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
  world.api('/auth/login', { body, headers });
const auditOfAnswer = (answer: HttpAnswer) => auditOf(world, answer.headers.get('x-request-id') ?? '');

describe('signing in', () => {
  test.each([
    ['by name', { username: 'lucia.demo' }],
    ['by address in the field of the name', { username: 'lucia@demo.example' }],
    ['by address', { email: 'lucia@demo.example' }],
    ['by address in capitals', { email: 'LUCIA@Demo.Example' }],
  ])('%s gives a session, and one audit row', async (_, identifier) => {
    const answer = await login({ ...identifier, password: demoPassword }, { 'user-agent': 'caja-3' });
    expect(answer.status).toBe(200);
    const session = answer.json<SessionAnswer>();
    expect(session).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: expect.stringMatching(/^\S{43,}$/) as string,
      refresh_expires_at: expect.stringMatching(/Z$/) as string,
      user: expect.objectContaining({ username: 'lucia.demo', role: 'usuario', active: true }) as SessionAnswer['user'],
    });
    const me = await world.api('/auth/me', { token: session.access_token });
    expect(me.json()).toEqual(session.user);
    expect(await auditOfAnswer(answer)).toMatchObject([
      {
        action: 'login_success',
        resource_type: 'usuario',
        resource_id: session.user.id,
        user_id: session.user.id,
        user_agent: 'caja-3',
      },
    ]);
  });

  test('keeps refresh tokens by their digest alone', async () => {
    const { refresh_token: token } = (await tryLogin(world, 'lucia.demo', demoPassword)).json<SessionAnswer>();
    expect(await countOf(world.owner, 'refresh_tokens where token_hash = $1', [Buffer.from(token)])).toBe(0);
    const everything = await sql<{ text: string }>(
      world.owner,
      `select t::text as text from refresh_tokens t union all select f::text from refresh_families f
       union all select a::text from audit_logs a`,
    );
    expect(everything.length).toBeGreaterThan(10);
    expect(everything.filter(({ text }) => text.includes(token))).toEqual([]);
  });

  test.each<[string, () => Promise<object>, RegExp]>([
    ['a wrong password', async () => ({ username: 'lucia.demo', password: `${demoPassword}!` }), /^l\*\*\*$/],
    [
      'a password in capitals',
      async () => ({ username: 'lucia.demo', password: demoPassword.toUpperCase() }),
      /^l\*\*\*$/,
    ],
    [
      'a password with a space behind',
      async () => ({ username: 'lucia.demo', password: `${demoPassword} ` }),
      /^l\*\*\*$/,
    ],
    ['an unknown name', async () => ({ username: 'nobody-at-all', password: demoPassword }), /^n\*\*\*$/],
    ['an unknown address', async () => ({ email: 'nobody@else.example', password: demoPassword }), /^n\*\*\*@e\*\*\*$/],
    ['a name in capitals', async () => ({ username: 'LUCIA.DEMO', password: demoPassword }), /^L\*\*\*$/],
    [
      'a user who is switched off',
      async () => {
        const person = await newPerson(world);
        await world.api(`/usuarios/${person.id}`, { method: 'DELETE', token: world.tokens.admin });
        return { username: person.username, password: person.password };
      },
      /^p\*\*\*$/,
    ],
    [
      'a user without a password',
      async () => {
        const name = freshName();
        await sql(world.owner, "insert into usuarios (username, email, password_hash) values ($1, $1, '!')", [name]);
        return { username: name, password: '!' };
      },
      /^p\*\*\*$/,
    ],
  ])('with %s is the same 401, and is audited without saying who', async (_, credentials, masked) => {
    const answer = await login(await credentials());
    const { request_id: _id, ...body } = expectProblem(answer, 401, 'credentials_invalid');
    expect(body).toEqual({
      type: 'urn:quinta:problem:credentials_invalid',
      title: 'Unauthorized',
      status: 401,
      detail: 'The user name or the password is wrong.',
      code: 'credentials_invalid',
      instance: '/api/v1/auth/login',
      error: 'Unauthorized',
      message: 'The user name or the password is wrong.',
    });
    const rows = await auditOfAnswer(answer);
    expect(rows).toMatchObject([
      { action: 'login_failed', user_id: null, method: 'POST', endpoint: '/api/v1/auth/login' },
    ]);
    expect(rows[0]?.details).toEqual({ identifier: expect.stringMatching(masked) as string });
  });

  test.each<[string, unknown]>([
    ['neither name nor address', { password: 'x' }],
    ['both', { username: 'a', email: 'a@b.example', password: 'x' }],
    ['no password', { username: 'a' }],
    ['a password of 1,025 characters', { username: 'a', password: 'x'.repeat(1025) }],
    ['a name with a NUL', { username: 'a\u0000', password: 'x' }],
    ['a number as password', { username: 'a', password: 12345678 }],
  ])('with %s is a 422', async (_, body) => {
    expect(expectProblem(await login(body), 422, 'validation_failed').errors).toHaveLength(1);
  });
});

/** As `generate_password_hash` of werkzeug, the library of the earlier system, writes them. */
const werkzeug: readonly (readonly [string, (password: string) => string])[] = [
  [
    'scrypt',
    (password) =>
      `scrypt:32768:8:1$aSalt16Characters$${scryptSync(password, 'aSalt16Characters', 64, { N: 32768, r: 8, p: 1, maxmem: 2 ** 27 }).toString('hex')}`,
  ],
  [
    'pbkdf2 with its count',
    (password) =>
      `pbkdf2:sha256:260000$pepper12$${pbkdf2Sync(password, 'pepper12', 260_000, 32, 'sha256').toString('hex')}`,
  ],
  [
    'pbkdf2 by default',
    (password) => `pbkdf2:sha256$pepper12$${pbkdf2Sync(password, 'pepper12', 600_000, 32, 'sha256').toString('hex')}`,
  ],
];

describe.each(werkzeug)("the earlier system's %s", (_, hashOf) => {
  test('lets its owner in, and is an Argon2id hash afterwards', async () => {
    const name = freshName();
    await sql(world.owner, 'insert into usuarios (username, email, password_hash) values ($1, $2, $3)', [
      name,
      `${name}@example.com`,
      hashOf(goodPassword),
    ]);
    const stored = async () =>
      (
        await sql<{ hash: string }>(world.owner, 'select password_hash as hash from usuarios where username = $1', [
          name,
        ])
      )[0]?.hash;
    expect((await tryLogin(world, name, 'not the password')).status).toBe(401);
    expect(await stored()).toBe(hashOf(goodPassword));
    // Two at once: the second finds the hash that the first has made.
    const both = await Promise.all([tryLogin(world, name, goodPassword), tryLogin(world, name, goodPassword)]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    const upgraded = await stored();
    expect(upgraded).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await tryLogin(world, name, goodPassword)).status).toBe(200);
    expect(await stored()).toBe(upgraded);
    expect((await tryLogin(world, name, 'not the password')).status).toBe(401);
  });
});

test('an address that the earlier system kept in capitals signs in as it was written', async () => {
  const name = freshName();
  const [, hashOf] = werkzeug[0] ?? [];
  await sql(world.owner, 'insert into usuarios (username, email, password_hash) values ($1, $2, $3)', [
    name,
    `${name}@Example.COM`,
    hashOf?.(goodPassword),
  ]);
  expect((await login({ email: `${name}@Example.COM`, password: goodPassword })).status).toBe(200);
});

describe('the limit of attempts', () => {
  test('counts every attempt of an address, right or wrong, and says how long to wait', async () => {
    const limited = await openMexaWorld({ environment: { LOGIN_ATTEMPTS_PER_MINUTE: '3' } });
    try {
      const attempt = (password: string, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
        limited.api('/auth/login', { body: { username: 'lucia.demo', password }, headers });
      const first = await attempt('wrong');
      expect([first.status, first.headers.get('ratelimit-policy')]).toEqual([401, '"sign-in";q=3;w=60']);
      expect(first.headers.get('ratelimit')).toMatch(/^"sign-in";r=2;t=\d+$/);
      expect((await attempt(demoPassword)).status).toBe(200);
      expect((await limited.api('/auth/login', { body: {} })).status).toBe(422);
      const refused = await attempt(demoPassword);
      expectProblem(refused, 429, 'too_many_requests');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(refused.headers.get('ratelimit')).toMatch(/^"sign-in";r=0;t=\d+$/);
      expect(refused.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect((await attempt(demoPassword, { 'x-forwarded-for': '203.0.113.7' })).status).toBe(429);
      expect(await auditOf(limited, refused.headers.get('x-request-id') ?? '')).toEqual([]);
      expect((await limited.api('/vales', { token: limited.tokens.usuario })).status).toBe(200);
    } finally {
      await limited.close();
    }
  });

  test('lets through exactly its number of a hundred at once, on both prefixes together', async () => {
    const limited = await openMexaWorld({ environment: { LOGIN_ATTEMPTS_PER_MINUTE: '5' } });
    try {
      const answers = await atOnce(100, (place) =>
        call(`${limited.baseUrl}/${place % 2 === 0 ? 'api' : 'api/v1'}/auth/login`, {
          body: { username: 'x', password: 'y' },
        }),
      );
      expect(statuses(answers)).toEqual({ 401: 5, 429: 95 });
    } finally {
      await limited.close();
    }
  });

  test('behind a trusted proxy counts each client for itself', async () => {
    const behind = await openMexaWorld({ environment: { LOGIN_ATTEMPTS_PER_MINUTE: '1', TRUST_PROXY: '127.0.0.0/8' } });
    try {
      const from = (client: string): Promise<HttpAnswer> =>
        behind.api('/auth/login', { body: { username: 'x', password: 'y' }, headers: { 'x-forwarded-for': client } });
      const answers = [
        await from('203.0.113.7'),
        await from('203.0.113.8'),
        await from('203.0.113.7'),
        await from('9.9.9.9, 203.0.113.8'),
      ];
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 429, 429]);
      const [row] = await auditOf(behind, answers[0]?.headers.get('x-request-id') ?? '');
      expect(row?.ip_address).toBe('203.0.113.7');
    } finally {
      await behind.close();
    }
  });
});
