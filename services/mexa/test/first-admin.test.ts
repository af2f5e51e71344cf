import { ConfigError } from '@quinta/platform/config';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Mexa } from '../src/service.ts';
import { createAdmin } from '../src/service.ts';
import { ensureConfiguredAdmin } from '../src/usuario/first-admin.ts';
import { auditOfResource } from './audit-trail.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { freshName, goodPassword, signIn } from './people.ts';
import { countOf, sql } from './sql.ts';
import { atOnce } from './vouchers.ts';

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld();
});
afterAll(() => world.close());

const adminFields = () => {
  const username = freshName();
  return { username, email: `${username}@example.com`, password: goodPassword };
};

/** The service as it would be with these variables, on the same database. */
function configured(variables: Partial<Mexa['config']>): Mexa {
  return { ...world.mexa, config: { ...world.mexa.config, ...variables } };
}

/** What a call that should fail for its configuration says, in one text. */
async function complaintOf(work: Promise<unknown>): Promise<string> {
  const fault: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(ConfigError);
  return fault instanceof Error ? fault.message : '';
}

describe('the admin of the environment', () => {
  test('is made at the first start, can sign in, and is audited', async () => {
    const started = await openMexaWorld({
      environment: {
        MEXA_ADMIN_USERNAME: 'jefa',
        MEXA_ADMIN_EMAIL: 'Jefa@Example.com',
        MEXA_ADMIN_PASSWORD: goodPassword,
      },
    });
    try {
      const { user, access_token: token } = await signIn(started, { username: 'jefa', password: goodPassword });
      expect(user).toMatchObject({ username: 'jefa', email: 'jefa@example.com', role: 'admin' });
      expect((await started.api('/usuarios', { token })).status).toBe(200);
      const rows = await auditOfResource(started, 'usuario', user.id);
      expect(rows[0]).toMatchObject({
        action: 'create',
        user_id: null,
        method: 'CLI',
        endpoint: 'admin.from_environment',
      });
    } finally {
      await started.close();
    }
  });

  test('is not made where there is an active admin, and is made where there is none', async () => {
    const { username, email, password } = adminFields();
    const app = configured({ MEXA_ADMIN_USERNAME: username, MEXA_ADMIN_EMAIL: email, MEXA_ADMIN_PASSWORD: password });
    await ensureConfiguredAdmin(app);
    expect(await countOf(world.owner, 'usuarios where username = $1', [username])).toBe(0);
    await sql(world.owner, "update usuarios set disabled_at = now() where role = 'admin'");
    try {
      await atOnce(8, () => ensureConfiguredAdmin(app));
      expect(await countOf(world.owner, "usuarios where username = $1 and role = 'admin'", [username])).toBe(1);
    } finally {
      await sql(world.owner, "update usuarios set disabled_at = null where username = 'admin.demo'");
    }
  });

  test.each<[Partial<Mexa['config']>]>([
    [{ MEXA_ADMIN_USERNAME: 'jefa' }],
    [{ MEXA_ADMIN_USERNAME: 'jefa', MEXA_ADMIN_EMAIL: 'jefa@example.com' }],
    [{ MEXA_ADMIN_PASSWORD: goodPassword }],
  ])('that is named by half is a complaint: %j', async (variables) => {
    expect(await complaintOf(ensureConfiguredAdmin(configured(variables)))).toContain('go together: one is missing');
  });

  test('of no environment is none', async () => {
    const before = await countOf(world.owner, 'usuarios');
    await ensureConfiguredAdmin(world.mexa);
    expect(await countOf(world.owner, 'usuarios')).toBe(before);
  });
});

describe('createAdmin', () => {
  test('makes an admin who signs in; a second time it is the same one, whose password stays', async () => {
    const fields = adminFields();
    const { usuario, isNew } = await createAdmin(world.mexa, fields);
    expect([isNew, usuario.role, usuario.active]).toEqual([true, 'admin', true]);
    const again = await createAdmin(world.mexa, { ...fields, password: 'another good password' });
    expect([again.isNew, again.usuario]).toEqual([false, usuario]);
    expect((await signIn(world, fields)).user).toEqual(usuario);
    expect((await auditOfResource(world, 'usuario', usuario.id)).map(({ action }) => action)).toEqual([
      'create',
      'login_success',
    ]);
  });

  test('at once by many makes one', async () => {
    const fields = adminFields();
    const made = await atOnce(8, () => createAdmin(world.mexa, fields));
    expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(made.map(({ usuario }) => usuario.id)).size).toBe(1);
  });

  test('does not promote somebody of that name', async () => {
    const { usuario, isNew } = await createAdmin(world.mexa, { ...adminFields(), username: 'lucia.demo' });
    expect([isNew, usuario.role]).toEqual([false, 'usuario']);
  });

  test.each<[string, Partial<ReturnType<typeof adminFields>>, RegExp]>([
    ['a short name', { username: 'ab' }, /user name/],
    ['no address', { email: 'x' }, /e-mail address is not one/],
    ['a short password', { password: 'short' }, /at least 8 characters/],
    ['a common password', { password: 'admin123' }, /most common/],
    ['the address of another', { email: 'lucia@demo.example' }, /taken by another user/],
  ])('with %s is refused in a sentence that does not repeat the password', async (_, change, sentence) => {
    const fields = { ...adminFields(), ...change };
    const complaint = await complaintOf(createAdmin(world.mexa, fields));
    expect(complaint).toMatch(sentence);
    expect(complaint).not.toContain(fields.password);
    expect(await countOf(world.owner, 'usuarios where username = $1', [fields.username])).toBe(0);
  });
});
