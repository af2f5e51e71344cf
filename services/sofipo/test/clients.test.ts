import { call } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newClient, newLoan, openSofipoWorld, type SofipoWorld } from './sofipo-world.ts';

let world: SofipoWorld;
beforeAll(async () => {
  world = await openSofipoWorld();
});
afterAll(() => world.close());

const form = (fields: string, type = 'application/x-www-form-urlencoded') =>
  fetch(`${world.baseUrl}/api/v1/auth/token`, { method: 'POST', headers: { 'content-type': type }, body: fields });

describe('signing in', () => {
  test('takes the README’s form and answers a bearer token that works', async () => {
    const answer = await form('username=admin&password=string');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { access_token: token, token_type: type } = (await answer.json()) as Record<string, string>;
    expect(type).toBe('bearer');
    expect((await world.api('/auth/me', { token })).json()).toMatchObject({ username: 'admin', role: 'admin' });
  });

  test.each([
    ['a wrong password', 'username=admin&password=wrong'],
    ['somebody unknown', 'username=nobody&password=string'],
  ])('refuses %s in the promised words', async (_, fields) => {
    const answer = await form(fields);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await answer.json()).toMatchObject({ detail: 'Incorrect username or password' });
  });

  test.each([
    ['JSON in place of a form', '{"username":"admin","password":"string"}', 'application/json', 422],
    ['a form without a password', 'username=admin', undefined, 422],
    ['a field that stands twice', 'username=admin&password=string&password=other', undefined, 400],
    ['a grant of another kind', 'username=admin&password=string&grant_type=refresh_token', undefined, 422],
    ['something else', 'username=admin', 'text/plain', 415],
  ])('refuses %s', async (_, body, type, status) => {
    expect((await form(body, type)).status).toBe(status);
  });

  test('a form is read where it is promised and nowhere else', async () => {
    const answer = await fetch(`${world.baseUrl}/api/v1/clients/`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${world.tokens.admin}` },
      body: 'full_name=x',
    });
    expect(answer.status).toBe(415);
  });
});

describe('clients', () => {
  const register = (body: unknown, token: string | undefined = world.tokens.officer) =>
    world.api('/clients/', { body, token });

  test('are registered with an RFC however it is written, and found by it', async () => {
    const body = newClient();
    const rfc = String(body['rfc']);
    const answer = await register({ ...body, rfc: ` ${rfc.slice(0, 4).toLowerCase()}-${rfc.slice(4)} ` });
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({ rfc, rfc_check: 'mismatch', full_name: body['full_name'] });
    const reads = [];
    for (const written of [rfc, rfc.toLowerCase(), `${rfc.slice(0, 4)}-${rfc.slice(4)}`]) {
      const read = await world.api(`/clients/${written}`);
      reads.push([read.status, read.headers.get('x-cache')]);
    }
    expect(reads).toEqual([
      [200, 'MISS'],
      [200, 'HIT'],
      [200, 'HIT'],
    ]);
    expect((await world.api(`/clients/id/${answer.json<{ id: string }>().id}`)).json()).toEqual(answer.json());
  });

  test('need a token, and a role that may', async () => {
    expect((await call(`${world.baseUrl}/api/v1/clients/`, { body: newClient() })).status).toBe(401);
    expect((await register(newClient(), world.tokens.auditor)).status).toBe(403);
    expect((await register(newClient(), world.tokens.cashier)).status).toBe(403);
  });

  test('that are there already are refused as promised, the RFC first; of fifty at once one comes in', async () => {
    const body = newClient();
    const answers = await Promise.all(Array.from({ length: 50 }, () => register(body)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 400)).toHaveLength(49);
    expect((await register(body)).json()).toMatchObject({ detail: 'RFC already registered' });
    const sameMail = { ...newClient(), email: String(body['email']).toUpperCase() };
    expect((await register(sameMail)).json()).toMatchObject({ detail: 'Email already registered' });
  });

  test('with an idempotency key are registered once, and the same key with another body is refused', async () => {
    const body = newClient();
    const headers = { 'idempotency-key': `client-${String(body['rfc'])}` };
    const send = (changed: unknown) => world.api('/clients/', { body: changed, token: world.tokens.officer, headers });
    const [first, second] = [await send(body), await send(body)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.json()).toEqual(first.json());
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await send(newClient())).status).toBe(422);
  });

  test.each([
    ['an RFC whose date is none', { rfc: 'PEPJ801301HNE' }, 'rfc'],
    ['an RFC that is too short', { rfc: 'PEP800101' }, 'rfc'],
    ['no address', { email: 'nobody' }, 'email'],
    ['no name', { full_name: ' ' }, 'full_name'],
    ['a field that nobody knows', { is_admin: true }, 'is_admin'],
  ])('with %s are a 422 that names the field', async (_, changes, field) => {
    const answer = await register(newClient(changes));
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(field);
  });

  test('change their name and address, never their RFC; what was kept of them is dropped everywhere', async () => {
    const token = world.tokens.officer;
    const loan = await newLoan(world);
    const { rfc } = (await world.api(`/clients/id/${loan.client_id}`)).json<{ rfc: string }>();
    const read = async () => (await world.api(`/clients/${rfc}`)).json<{ full_name: string }>().full_name;
    const statement = async () =>
      (await world.api(`/loans/clients/${loan.client_id}/account-statement`)).json<{ full_name: string }>().full_name;
    await read();
    await statement();
    const put = (body: unknown) => world.api(`/clients/${loan.client_id}`, { method: 'PUT', token, body });
    expect((await put({ full_name: 'Otro Nombre' })).json()).toMatchObject({ full_name: 'Otro Nombre', rfc });
    expect([await read(), await statement()]).toEqual(['Otro Nombre', 'Otro Nombre']);
    expect((await put({ rfc: 'PEPJ800101HNE' })).status).toBe(422);
    const other = newClient();
    await register(other);
    expect((await put({ email: other['email'] })).json()).toMatchObject({ detail: 'Email already registered' });
  });

  test('are deleted where they never had a loan', async () => {
    const token = world.tokens.admin;
    const made = (await register(newClient())).json<{ id: string; rfc: string }>();
    const remove = (id: string) => world.api(`/clients/${id}`, { method: 'DELETE', token });
    expect((await world.api(`/clients/${made.rfc}`)).status).toBe(200);
    expect((await remove(made.id)).status).toBe(204);
    expect((await world.api(`/clients/${made.rfc}`)).json()).toMatchObject({ detail: 'Client not found' });
    expect((await remove((await newLoan(world)).client_id)).json()).toMatchObject({ code: 'client_has_loans' });
  });

  test('of a list come in pages whose bounds are held', async () => {
    const page = (query: string) => world.api(`/clients/?${query}`);
    const all = (await page('limit=1000')).json<{ id: string }[]>();
    const [first, second] = [await page('limit=2'), await page('limit=2&skip=2')];
    expect([...first.json<{ id: string }[]>(), ...second.json<{ id: string }[]>()].map(({ id }) => id)).toEqual(
      all.slice(0, 4).map(({ id }) => id),
    );
    for (const bad of ['limit=0', 'limit=1001', 'skip=-1', 'limit=x']) expect((await page(bad)).status).toBe(422);
  });
});

test('reads beyond the public one need a token where PUBLIC_READS is off', async () => {
  const closed = await openSofipoWorld({ environment: { PUBLIC_READS: 'off' } });
  try {
    const loan = await newLoan(closed);
    const { rfc } = (await closed.api(`/clients/id/${loan.client_id}`, { token: closed.tokens.auditor })).json<{
      rfc: string;
    }>();
    const statuses = await Promise.all(
      [`/clients/${rfc}`, '/clients/', '/loans/', `/loans/${loan.id}`, `/loans/${loan.id}/schedule`].map(
        async (path) => (await closed.api(path)).status,
      ),
    );
    expect(statuses).toEqual([200, 401, 401, 401, 401]);
    expect((await closed.api('/loans/', { token: closed.tokens.cashier })).status).toBe(200);
    expect((await closed.api('/loans/', { token: 'not a token' })).status).toBe(401);
  } finally {
    await closed.close();
  }
});
