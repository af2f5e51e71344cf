import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { standingOf } from '../src/abonnement/standing.ts';
import { demoPassword, type MoveAccesWorld, newMember, openMoveAccesWorld } from './move-acces-world.ts';

let world: MoveAccesWorld;
beforeAll(async () => {
  world = await openMoveAccesWorld();
});
afterAll(() => world.close());

async function somebody(): Promise<{ readonly token: string; readonly id: number; readonly email: string }> {
  const body = newMember();
  const email = String(body['email']);
  const { user_id: id } = (await world.api('/auth/register', { body })).json<{ user_id: number }>();
  const signedIn = await world.api('/auth/login', { body: { email, password: demoPassword } });
  return { token: signedIn.json<{ access_token: string }>().access_token, id, email };
}

describe('the profile', () => {
  test('H01 has the promised members and nothing of a password', async () => {
    const { token, id, email } = await somebody();
    const answer = await world.api('/users/me', { token });
    expect(answer.json()).toMatchObject({
      user_id: id,
      email,
      prenom: 'Eva',
      nom: 'Muster',
      date_naissance: '1991-02-03',
      rue: 'Chemin des Vignes 3',
      npa: '1963',
      localite: 'Vétroz',
      tel: null,
    });
    expect(answer.text).not.toMatch(/password|hash|argon/);
    const tag = answer.headers.get('etag') ?? '';
    expect((await world.api('/users/me', { token, headers: { 'if-none-match': tag } })).status).toBe(304);
  });

  test('H04 of two changes of what was read once, one is made and the other refused', async () => {
    const { token } = await somebody();
    const tag = (await world.api('/users/me', { token })).headers.get('etag') ?? '';
    const patch = (rue: string, ifMatch: string) =>
      world.api('/users/me', { method: 'PATCH', token, body: { rue }, headers: { 'if-match': ifMatch } });
    const answers = await Promise.all([patch('Rue 1', tag), patch('Rue 2', tag)]);
    const [made, refused] = answers.toSorted((one, other) => one.status - other.status);
    expect([made?.status, refused?.status]).toEqual([200, 412]);
    expect(refused?.json()).toMatchObject({ code: 'precondition_failed' });
    expect((await world.api('/users/me', { token })).json()).toEqual(made?.json());
    // The answer to a change says what to name next; `*` is whatever there is, and what is no tag is none of ours.
    expect((await patch('Rue 3', made?.headers.get('etag') ?? '')).status).toBe(200);
    expect((await patch('Rue 4', '*')).status).toBe(200);
    expect((await patch('Rue 5', 'x')).status).toBe(412);
  });

  test('a change of some fields leaves the others, and a telephone number can be taken away', async () => {
    const { token } = await somebody();
    const patch = (body: unknown) => world.api('/users/me', { method: 'PATCH', token, body });
    expect((await patch({ rue: 'Rue Neuve 2', tel: '+41 79 000 00 00' })).json()).toMatchObject({
      rue: 'Rue Neuve 2',
      tel: '+41 79 000 00 00',
      npa: '1963',
    });
    expect((await patch({ tel: null })).json()).toMatchObject({ rue: 'Rue Neuve 2', tel: null });
    expect((await patch({})).status).toBe(200);
  });

  test.each([
    [{ npa: '19630' }, 'npa'],
    [{ npa: 'abcd' }, 'npa'],
    [{ first_name: '' }, 'first_name'],
    [{ first_name: 'x'.repeat(81) }, 'first_name'],
    [{ tel: 'call me' }, 'tel'],
  ])('%o is refused by the name of its field', async (body, field) => {
    const { token } = await somebody();
    const answer = await world.api('/users/me', { method: 'PATCH', token, body });
    expect(answer.status).toBe(422);
    expect(answer.json()).toMatchObject({ errors: [{ loc: ['body', field] }] });
  });

  test.each([{ role: 'staff' }, { user_id: 1 }, { email: 'other@demo.example' }, { password: 'another one' }])(
    'H02 H08 %o changes nothing',
    async (body) => {
      const { token } = await somebody();
      const before = await world.sql('select * from users order by user_id');
      expect((await world.api('/users/me', { method: 'PATCH', token, body })).status).toBe(422);
      expect(await world.sql('select * from users order by user_id')).toEqual(before);
    },
  );

  test('H10 what looks like SQL is text', async () => {
    const { token } = await somebody();
    const nasty = "'; drop table users; --";
    const answer = await world.api('/users/me', { method: 'PATCH', token, body: { rue: nasty } });
    expect(answer.json()).toMatchObject({ rue: nasty });
  });

  test('a change is in the audit with what changed, masked, and a member sees their own rows alone', async () => {
    const { token, id } = await somebody();
    await world.api('/users/me', { method: 'PATCH', token, body: { localite: 'Sierre' } });
    const answer = await world.api('/users/me/audit', { token });
    const { audit } = answer.json<{ audit: { action: string }[] }>();
    expect(audit.map(({ action }) => action)).toEqual(['update_profile', 'login', 'register']);
    const rows = await world.sql(`select old_values, new_values from audit_logs
      where action = 'update_profile' and resource_id = '${id}'`);
    expect(rows).toEqual([{ old_values: { localite: 'V***' }, new_values: { localite: 'S***' } }]);
  });
});

describe('subscriptions', () => {
  const day = (state: 'active' | 'paused', start: string | null, stop: string | null, at: string) =>
    standingOf({ state, start, stop }, new Date(at));

  test.each([
    ['current', day('active', '2026-01-31', '2026-02-28', '2026-01-31T00:00:00.000Z')],
    ['not_started', day('active', '2026-01-31', '2026-02-28', '2026-01-30T23:59:59.999Z')],
    ['current', day('active', '2026-01-31', '2026-02-28', '2026-02-28T23:59:59.999Z')],
    ['ended', day('active', '2026-01-31', '2026-02-28', '2026-03-01T00:00:00.000Z')],
    ['current', day('active', null, null, '2026-03-01T00:00:00.000Z')],
    ['paused', day('paused', '2026-01-31', '2026-02-28', '2026-02-01T00:00:00.000Z')],
  ])('H07 stands %s at the very instant', (expected, found) => {
    expect(found).toBe(expected);
  });

  test('a member sees their own, the current one, and nobody else’s', async () => {
    const token = world.tokens.lea;
    const list = (await world.api('/users/me/abonnements', { token })).json<{ abonnements: { abo_id: number }[] }>();
    expect(list.abonnements).toMatchObject([
      { abo_state: 'active', abo_name: 'Mensuel Basic', abo_price: '49.90', abo_renew: true, standing: 'current' },
    ]);
    const id = list.abonnements[0]?.abo_id ?? 0;
    expect((await world.api(`/users/me/abonnements/${id}`, { token })).json()).toMatchObject({ abo_id: id });
    expect((await world.api('/users/me/abonnements/current', { token })).json()).toMatchObject({ abo_id: id });
    expect((await world.api('/users/me/abonnements?state=paused', { token })).json()).toMatchObject({ count: 0 });
    expect((await world.api('/users/me/abonnements?state=odd', { token })).status).toBe(422);
    const other = await somebody();
    expect((await world.api(`/users/me/abonnements/${id}`, { token: other.token })).status).toBe(404);
    expect((await world.api('/users/me/abonnements/current', { token: other.token })).json()).toMatchObject({
      code: 'no_current_subscription',
    });
  });
});

describe('the door', () => {
  const check = (body: unknown, token = world.tokens.staff) => world.api('/access/check', { token, body });
  const idOf = async (email: string): Promise<number> =>
    Number((await world.sql(`select user_id from users where email = '${email}'`))[0]?.['user_id']);

  test.each([
    ['lea@demo.example', true, 'current'],
    ['noah@demo.example', false, 'ended'],
    ['mia@demo.example', false, 'paused'],
    ['staff@demo.example', false, 'none'],
  ])('says of %s: %s, because %s', async (email, allowed, reason) => {
    const answer = await check({ user_id: await idOf(email) });
    expect(answer.json()).toMatchObject({ allowed, reason, user: { email } });
  });

  test('takes a member’s code once, and none that was changed', async () => {
    const token = world.tokens.lea;
    const { codes } = (await world.api('/users/me/code?count=3', { token })).json<{ codes: { code: string }[] }>();
    expect(codes).toHaveLength(3);
    const ticket = codes[0]?.code ?? '';
    expect((await check({ ticket })).json()).toMatchObject({ allowed: true, user: { email: 'lea@demo.example' } });
    expect((await check({ ticket })).json()).toMatchObject({ allowed: false, reason: 'code_used', user: null });
    expect((await check({ ticket: codes[2]?.code })).json()).toMatchObject({ allowed: false, reason: 'code_invalid' });
    const forged = ticket.replace('MA1.', 'MA1.1');
    expect((await check({ ticket: forged })).json()).toMatchObject({ allowed: false, reason: 'code_invalid' });
    expect((await check({ user_id: 2_000_000_000 })).json()).toMatchObject({ reason: 'unknown_member' });
    expect((await check({})).status).toBe(422);
  });

  test('can tell a code without a network, by the public key alone', async () => {
    const { webcrypto } = await import('node:crypto');
    const { public_key: raw } = (await world.api('/access/key')).json<{ public_key: string }>();
    const key = await webcrypto.subtle.importKey('raw', Buffer.from(raw, 'base64url'), 'Ed25519', false, ['verify']);
    const { code } = world.moveAcces.codes.codeFor(7);
    const [text, signature] = [code.slice(0, code.lastIndexOf('.')), code.slice(code.lastIndexOf('.') + 1)];
    const isGood = await webcrypto.subtle.verify(
      'Ed25519',
      key,
      Buffer.from(signature, 'base64url'),
      Buffer.from(text),
    );
    expect(isGood).toBe(true);
  });

  test('is for staff, and each answer is in the audit', async () => {
    expect((await check({ user_id: 1 }, world.tokens.lea)).status).toBe(403);
    const rows = await world.sql("select action from audit_logs where action like 'access%' or action = 'refused'");
    const actions = new Set(rows.map((row) => row['action']));
    expect(actions).toEqual(new Set(['access_allowed', 'access_refused', 'refused']));
  });
});

describe('staff', () => {
  const api = (path: string, token = world.tokens.staff) => world.api(path, { token });

  test('find members by name, address and key, page by page', async () => {
    const found = (await api('/admin/members?q=L%C3%A9a')).json<{ members: { user_id: number; email: string }[] }>();
    expect(found.members.map(({ email }) => email)).toEqual(['lea@demo.example']);
    const id = found.members[0]?.user_id ?? 0;
    expect((await api(`/admin/members?q=${id}`)).json()).toMatchObject({ members: [{ user_id: id }] });
    const first = (await api('/admin/members?limit=2')).json<{ members: { user_id: number }[]; next: string }>();
    const second = (await api(`/admin/members?limit=2&cursor=${first.next}`)).json<{
      members: { user_id: number }[];
    }>();
    const ids = [...first.members, ...second.members].map(({ user_id: each }) => each);
    expect(ids).toEqual(ids.toSorted((one, other) => other - one));
    expect(new Set(ids).size).toBe(4);
    expect((await api('/admin/members?q=%25')).json()).toMatchObject({ count: 0 });
  });

  test('see a member with their subscriptions, and how many of these there are', async () => {
    const [row] = await world.sql("select user_id from users where email = 'noah@demo.example'");
    expect((await api(`/admin/members/${String(row?.['user_id'])}`)).json()).toMatchObject({
      user: { prenom: 'Noah' },
      role: 'member',
      abonnements: [{ standing: 'ended' }],
    });
    expect((await api('/admin/members/2000000000')).status).toBe(404);
    expect((await api('/admin/abonnements/overview')).json()).toMatchObject({
      states: [
        { state: 'active', count: 2, current: 1 },
        { state: 'paused', count: 1, current: 0 },
      ],
    });
  });

  test('search the audit and prove it; members may not', async () => {
    const failed = await api('/admin/audit-logs?action=login&limit=1');
    expect(failed.json()).toMatchObject({ count: 1, audit_logs: [{ action: 'login', resource_type: 'user' }] });
    await world.moveAcces.ledger.seal();
    const [row] = failed.json<{ audit_logs: { id: number }[] }>().audit_logs;
    const proof = await api(`/audit-logs/${row?.id ?? 0}/proof`);
    expect(proof.json()).toMatchObject({ audit_log_id: row?.id });
    for (const path of ['/admin/audit-logs', '/audit-logs/checkpoints', '/admin/members']) {
      expect((await api(path, world.tokens.lea)).status).toBe(403);
    }
  });
});
