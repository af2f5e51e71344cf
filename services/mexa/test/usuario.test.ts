import { randomUUID } from 'node:crypto';
import { writeStatement } from '@quinta/platform/database';
import type { HttpAnswer } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Usuario } from '../src/usuario/usuario.ts';
import { auditOf, auditOfResource } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { freshName, goodPassword, newPerson, signIn, tryLogin } from './people.ts';
import { expectProblem } from './problem-body.ts';
import { countOf, sql } from './sql.ts';
import { atOnce, statuses } from './vouchers.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

const fieldsOf = (username: string) => ({ username, email: `${username}@example.com`, password: goodPassword });
const register = (body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
  world.api('/auth/register', { body, headers });
const create = (body: unknown): Promise<HttpAnswer> => world.api('/usuarios', { token: world.tokens.admin, body });
const change = (id: number, body: unknown, token = world.tokens.admin): Promise<HttpAnswer> =>
  world.api(`/usuarios/${id}`, { method: 'PATCH', token, body });

describe('registering', () => {
  test('makes an active usuario, whoever asks for more, and lets them in', async () => {
    const username = freshName();
    const answer = await register(fieldsOf(username));
    expect(answer.status).toBe(201);
    expect(answer.json()).toEqual({
      id: expect.any(Number) as number,
      username,
      email: `${username}@example.com`,
      role: 'usuario',
      active: true,
      created_at: expect.stringMatching(/Z$/) as string,
      updated_at: expect.stringMatching(/Z$/) as string,
    });
    expect((await signIn(world, { username, password: goodPassword })).user).toEqual(answer.json());
    expectProblem(await register({ ...fieldsOf(freshName()), role: 'admin' }), 422, 'validation_failed');
  });

  test('is closed where the configuration says so, and an admin still makes users', async () => {
    const closed = await openMexaWorld({ environment: { MEXA_REGISTRATION: 'closed' } });
    try {
      const username = freshName();
      expectProblem(await closed.api('/auth/register', { body: fieldsOf(username) }), 403, 'registration_closed');
      expect(await countOf(closed.owner, 'usuarios where username = $1', [username])).toBe(0);
      expect((await newPerson(closed)).id).toBeGreaterThan(0);
    } finally {
      await closed.close();
    }
  });

  test('twenty times at once with one name makes one user: one 201 and nineteen 409', async () => {
    const username = freshName();
    const answers = await atOnce(20, (place) =>
      register({ ...fieldsOf(username), email: `${username}${place}@example.com` }),
    );
    expect(statuses(answers)).toEqual({ 201: 1, 409: 19 });
    for (const answer of answers.filter(({ status }) => status === 409)) expectProblem(answer, 409, 'username_taken');
    expect(await countOf(world.owner, 'usuarios where username = $1', [username])).toBe(1);
  });

  test('twenty times at once with one address makes one user, whatever its case', async () => {
    const address = `${freshName()}@Example.com`;
    const answers = await atOnce(20, (place) =>
      register({ ...fieldsOf(freshName()), email: place % 2 === 0 ? address : address.toUpperCase() }),
    );
    expect(statuses(answers)).toEqual({ 201: 1, 409: 19 });
    for (const answer of answers.filter(({ status }) => status === 409)) expectProblem(answer, 409, 'email_taken');
    expect(await countOf(world.owner, 'usuarios where email = lower($1)', [address])).toBe(1);
  });

  test('again with one Idempotency-Key is the first answer, even twenty times at once', async () => {
    const [username, headers] = [freshName(), { 'idempotency-key': `r-${randomUUID()}` }];
    const answers = await atOnce(20, () => register(fieldsOf(username), headers));
    expect(statuses(answers)).toEqual({ 201: 20 });
    expect(answers.filter((answer) => answer.headers.get('idempotency-replayed') === 'true')).toHaveLength(19);
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expectProblem(await register(fieldsOf(freshName()), headers), 422, 'idempotency_key_reused');
  });

  test.each<[string, object, string, string]>([
    ['seven characters', { password: 'x9!aQ27' }, 'password', 'password_too_short'],
    ['257 characters', { password: 'aB3$'.repeat(65) }, 'password', 'password_too_long'],
    ['a common word', { password: 'password1' }, 'password', 'password_too_common'],
    ['a row of keys', { password: 'qwertyuiop' }, 'password', 'password_too_common'],
    ['a disguise', { password: 'P@ssw0rd123' }, 'password', 'password_too_common'],
    ['the own name', { username: 'maximiliana', password: 'Maximiliana' }, 'password', 'password_is_identifier'],
    [
      'the own address',
      { email: 'q@tortuga.example', password: 'q@tortuga.example' },
      'password',
      'password_is_identifier',
    ],
    ['no password', { password: '' }, 'password', 'too_small'],
    ['a NUL', { password: `${goodPassword}\u0000` }, 'password', 'text'],
    ['a name of two letters', { username: 'ab' }, 'username', 'invalid_format'],
    ['a name of 51 letters', { username: 'a'.repeat(51) }, 'username', 'invalid_format'],
    ['a name with a space', { username: 'ana mora' }, 'username', 'invalid_format'],
    ['a name that looks like an address', { username: 'ana@mora' }, 'username', 'invalid_format'],
    ['a name that begins with a dot', { username: '.ana' }, 'username', 'invalid_format'],
    ['no address', { email: 'ana' }, 'email', 'invalid_format'],
    ['an address of 101 letters', { email: `${'a'.repeat(89)}@example.com` }, 'email', 'too_big'],
  ])('with %s is refused', async (_, fields, field, type) => {
    const answer = await register({ ...fieldsOf(freshName()), ...fields });
    const { errors } = expectProblem(answer, 422, 'validation_failed');
    expect(errors).toContainEqual({ loc: ['body', field], msg: expect.any(String) as string, type });
    const { password } = fields as { password?: string };
    expect(answer.text).not.toContain(password ? JSON.stringify(password).slice(1, -1) : goodPassword);
  });
});

describe('an admin', () => {
  test.each(['admin', 'cajero', 'usuario', 'auditor'])('makes a %s', async (role) => {
    const answer = await create({ ...fieldsOf(freshName()), role });
    expect([answer.status, answer.json<Usuario>().role]).toEqual([201, role]);
    const { id } = answer.json<Usuario>();
    expect((await world.api(`/usuarios/${id}`, { token: world.tokens.admin })).json()).toEqual(answer.json());
  });

  test.each(['root', '', null, 'Admin'])('makes no %j', async (role) => {
    expect(
      expectProblem(await create({ ...fieldsOf(freshName()), role }), 422, 'validation_failed').errors?.[0]?.loc,
    ).toEqual(['body', 'role']);
  });

  test('hears which of the two is taken', async () => {
    const person = await newPerson(world);
    expectProblem(await create({ ...fieldsOf(person.username), email: 'x@example.com' }), 409, 'username_taken');
    expectProblem(await create({ ...fieldsOf(freshName()), email: person.email.toUpperCase() }), 409, 'email_taken');
    const other = await newPerson(world);
    expectProblem(await change(other.id, { username: person.username }), 409, 'username_taken');
    expectProblem(await change(other.id, { email: person.email }), 409, 'email_taken');
    expect((await change(other.id, { username: other.username, email: other.email })).status).toBe(200);
  });

  test('changes name, address and role, and the audit has the fields that changed, masked', async () => {
    const { id, email } = await newPerson(world);
    const username = freshName();
    const answer = await change(id, { username, role: 'cajero', email });
    expect(answer.json()).toMatchObject({ id, username, email, role: 'cajero', active: true });
    const rows = await auditOf(world, answer.headers.get('x-request-id') ?? '');
    expect(rows).toMatchObject([{ action: 'update', resource_type: 'usuario', resource_id: id }]);
    expect([rows[0]?.old_values, rows[0]?.new_values]).toEqual([
      { username: 'p***', role: 'usuario' },
      { username: 'p***', role: 'cajero' },
    ]);
  });

  test.each([{}, { password: goodPassword }, { id: 1 }, { password_hash: 'x' }, { active: 'no' }, { role: 'root' }])(
    'cannot change %j',
    async (body) => {
      const { id } = await newPerson(world);
      expect(expectProblem(await change(id, body), 422, 'validation_failed').status).toBe(422);
      expect((await auditOfResource(world, 'usuario', id)).map(({ action }) => action)).toEqual(['create']);
    },
  );

  test('switches somebody off and on again; the row stays, and doing it twice is once', async () => {
    const person = await newPerson(world);
    for (const _ of [1, 2]) {
      expect((await world.api(`/usuarios/${person.id}`, { method: 'DELETE', token: world.tokens.admin })).status).toBe(
        204,
      );
    }
    expect((await world.api(`/usuarios/${person.id}`, { token: world.tokens.admin })).json()).toMatchObject({
      active: false,
    });
    expect((await tryLogin(world, person.username, person.password)).status).toBe(401);
    expect((await change(person.id, { active: true })).json()).toMatchObject({ active: true });
    expect((await tryLogin(world, person.username, person.password)).status).toBe(200);
    const rows = (await auditOfResource(world, 'usuario', person.id)).filter(
      ({ action }) => !action.startsWith('login'),
    );
    expect(rows.map(({ action, old_values: old, new_values: now }) => [action, old, now])).toEqual([
      ['create', null, { id: person.id, username: 'p***', email: 'p***@e***', role: 'usuario', active: true }],
      ['delete', { active: true }, { active: false }],
      ['update', { active: false }, { active: true }],
    ]);
  });

  test('lists by role, by activity and by text, page by page', async () => {
    const mark = freshName();
    const people: Usuario[] = [];
    for (const role of ['cajero', 'usuario', 'usuario']) {
      const username = `${mark}.${people.length}`;
      people.push((await create({ ...fieldsOf(username), role })).json<Usuario>());
    }
    await world.api(`/usuarios/${people[2]?.id}`, { method: 'DELETE', token: world.tokens.admin });
    const found = async (query: string) => {
      const answer = await world.api(`/usuarios?q=${mark.toUpperCase()}${query}`, { token: world.tokens.admin });
      const page = answer.json<{ usuarios: Usuario[]; next: string | null }>();
      return { ids: page.usuarios.map(({ id }) => people.findIndex((person) => person.id === id)), next: page.next };
    };
    expect((await found('')).ids).toEqual([0, 1, 2]);
    expect((await found('&role=usuario')).ids).toEqual([1, 2]);
    expect((await found('&active=true')).ids).toEqual([0, 1]);
    expect((await found('&active=false')).ids).toEqual([2]);
    const first = await found('&limit=2');
    expect([first.ids, (await found(`&limit=2&cursor=${first.next}`)).ids]).toEqual([[0, 1], [2]]);
  });
});

describe('the last admin', () => {
  test('cannot step down, be switched off or be deleted, but change their address', async () => {
    const alone = await openMexaWorld();
    try {
      const [admin] = await sql<{ id: number }>(alone.owner, "select id from usuarios where role = 'admin'");
      const id = admin?.id ?? 0;
      const request = { method: 'PATCH', token: alone.tokens.admin };
      expectProblem(await alone.api(`/usuarios/${id}`, { ...request, body: { role: 'cajero' } }), 409, 'last_admin');
      expectProblem(await alone.api(`/usuarios/${id}`, { ...request, body: { active: false } }), 409, 'last_admin');
      expectProblem(
        await alone.api(`/usuarios/${id}`, { method: 'DELETE', token: alone.tokens.admin }),
        409,
        'last_admin',
      );
      expect((await alone.api(`/usuarios/${id}`, { ...request, body: { email: 'a@b.example' } })).status).toBe(200);
      expect(await countOf(alone.owner, "usuarios where role = 'admin' and disabled_at is null")).toBe(1);
    } finally {
      await alone.close();
    }
  });

  test('stays, however many step down at once', async () => {
    const crowd = await openMexaWorld();
    try {
      const people = [];
      for (const _ of [1, 2, 3]) people.push(await newPerson(crowd, 'admin'));
      const sessions = await Promise.all(people.map((person) => signIn(crowd, person)));
      const [first] = await sql<{ id: number }>(crowd.owner, "select id from usuarios where username = 'admin.demo'");
      const answers = await Promise.all([
        ...people.map(({ id }, place) =>
          crowd.api(`/usuarios/${id}`, {
            method: 'PATCH',
            token: sessions[place]?.access_token,
            body: { role: 'usuario' },
          }),
        ),
        crowd.api(`/usuarios/${first?.id}`, { method: 'DELETE', token: crowd.tokens.admin }),
      ]);
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(3);
      expectProblem(answers.find(({ status }) => status >= 300) as HttpAnswer, 409, 'last_admin');
      expect(await countOf(crowd.owner, "usuarios where role = 'admin' and disabled_at is null")).toBe(1);
    } finally {
      await crowd.close();
    }
  });
});

test.each([
  ['username', 'username_taken'],
  ['email', 'email_taken'],
])('a %s that somebody else takes between the look and the write is a 409', async (field, code) => {
  const [taken, person] = [fieldsOf(freshName()), await newPerson(world)];
  const answer = await world.owner.transact(async (tx) => {
    const insert = writeStatement<string[], never>(
      'test.insert',
      "insert into usuarios (username, email, password_hash) values ($1, $2, '!')",
    );
    await tx.run(insert, [taken.username, taken.email]);
    const changing = change(person.id, { [field]: field === 'email' ? taken.email : taken.username });
    await vi.waitFor(async () =>
      expect(await countOf(world.application, 'pg_locks where not granted')).toBeGreaterThan(0),
    );
    return { changing };
  });
  expectProblem(await answer.changing, 409, code);
});

test('an address that an earlier user wrote with capitals is taken in lower case too', async () => {
  await sql(
    world.owner,
    `insert into usuarios (username, email, password_hash) values ('vieja', 'Vieja@Example.com', '!')`,
  );
  const body = { username: 'nueva', email: 'vieja@example.com', password: 'caballo bateria grapa' };
  const answer = await world.api('/auth/register', { body });
  expect([answer.status, answer.json()['code']]).toEqual([409, 'email_taken']);
});
