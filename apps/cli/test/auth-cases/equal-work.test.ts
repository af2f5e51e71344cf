import { createHash } from 'node:crypto';
import { redisProgram } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { login, logout, refresh, registered, saidBy, signIn, somebody } from './people.ts';
import { hashesOf, startTwo, type TwoProcesses } from './two-processes.ts';

const redis = redisProgram();
const oldPassword = 'the old pass phrase';
/** Of that phrase. */
const bcryptHash = '$2b$05$n2xeeZYYBBwZnPsyTBKFh.2VFkHJVUIKBz6nVFLblyQA4O4X5DMDq';
const digest = (algorithm: string): string => createHash(algorithm).update(oldPassword).digest('hex');

/** Time itself is measured by the benchmark; here, that there is nothing which could take another time. */
describe.skipIf(redis.unreachable !== undefined)('the work behind a refusal, on two processes', () => {
  let two: TwoProcesses;
  beforeAll(async () => {
    two = await startTwo({ LEGACY_HASHES: 'all', ACCOUNT_FAILURES_PER_15MIN: '4' });
  });
  afterAll(() => two.close());

  /** What both processes have done that a request could have caused: the audit and the revocations go on by themselves. */
  const statements = (): Promise<number> =>
    two.metric(/^quinta_database_statement_seconds_count\{(?!.*operation="(?:audit|session|subscription)\.)/);

  async function costOf(email: string, password: string) {
    const [hashes, before] = [await hashesOf(two), await statements()];
    const answer = await login(two, email, { password });
    return { said: saidBy(answer), hashes: (await hashesOf(two)) - hashes, statements: (await statements()) - before };
  }

  /** Each sends a wrong password; all must hear and cost the same. */
  async function expectEqual(emails: readonly string[], password: string, hashes: number): Promise<void> {
    const costs = [];
    for (const email of emails) costs.push(await costOf(email, password));
    expect(new Set(costs.map((cost) => JSON.stringify(cost))).size).toBe(1);
    expect(costs[0]?.hashes).toBe(hashes);
    expect(costs[0]?.statements).toBeGreaterThan(0);
  }

  async function legacy(hash: string): Promise<string> {
    const email = await registered(two);
    await two.write(`update acces_app set password_hash = '${hash}' where email = '${email}'`);
    return email;
  }

  async function withSubscription(state: string): Promise<string> {
    const email = await registered(two);
    await two.write(`insert into abonnement (user_id, abo_state, abo_name, abo_date_stop)
      select user_id, '${state}', 'Annuel', '2020-01-01' from users where email = '${email}'`);
    return email;
  }

  async function withoutPassword(): Promise<string> {
    const email = await registered(two);
    await two.write(`delete from acces_app where email = '${email}'`);
    return email;
  }

  async function upgraded(): Promise<string> {
    const email = await legacy(bcryptHash);
    expect((await login(two, email, { password: oldPassword })).status).toBe(200);
    return email;
  }

  test('C01 every state of an account costs the same hashes and statements, and hears the same', async () => {
    const twin = await registered(two);
    const states = {
      unknown: 'unknown@demo.example',
      known: await registered(two),
      withoutPassword: await withoutPassword(),
      expired: await withSubscription('expired'),
      bcrypt: await legacy(bcryptHash),
      md5: await legacy(digest('md5')),
      sha1: await legacy(digest('sha1')),
      upgraded: await upgraded(),
      twin,
    };
    await two.write(
      'drop index ux_users_email',
      `insert into users (nom, prenom, date_naissance, rue, npa, localite, email)
       values ('T', 'T', '1990-01-01', 'R', '1950', 'S', '${twin}')`,
    );
    await expectEqual(Object.values(states), 'not the password', 1);
  });

  test('C02 an empty password is refused before anything is done, for whomever', async () => {
    const emails = [await registered(two), await withoutPassword(), 'unknown@demo.example'];
    const hashes = await hashesOf(two);
    const answers = [];
    for (const email of emails) answers.push(await login(two, email, { password: '' }));
    expect(new Set(answers.map(saidBy)).size).toBe(1);
    expect(answers[0]?.status).toBe(422);
    expect(await hashesOf(two)).toBe(hashes);
  });

  test('C04 a member who was just there costs as much as one whom nobody has seen, and as nobody', async () => {
    const [seen, unseen] = [await registered(two), await registered(two)];
    for (const at of [0, 1] as const) await signIn(two, seen, { at });
    await expectEqual([seen, unseen, 'unknown@demo.example'], 'not the password', 1);
  });

  test('C05 whose subscription is over, and whose account is throttled, are told from nobody by nothing', async () => {
    const over = [
      await withSubscription('expired'),
      await withSubscription('canceled'),
      await withSubscription('paused'),
    ];
    await expectEqual([...over, 'none@demo.example'], 'not the password', 1);
    const throttled = [await registered(two), 'throttled@demo.example'];
    for (const email of throttled) {
      for (let attempt = 0; attempt < 4; attempt += 1) await login(two, email, { password: 'a guess' });
    }
    const costs = [];
    for (const email of throttled) costs.push(await costOf(email, 'not the password'));
    const shapes = costs.map(({ said, ...rest }) =>
      JSON.stringify({ ...rest, said: said.replaceAll(/\d+ s/g, 'some s') }),
    );
    expect(new Set(shapes).size).toBe(1);
    expect(costs[0]).toMatchObject({ hashes: 0 });
    expect(costs[0]?.said).toContain('account_throttled');
  });

  test('C08 a refresh token that is unknown, revoked or changed hears the same', async () => {
    const person = await somebody(two);
    const revoked = await signIn(two, person.email);
    await logout(two, revoked.refresh_token);
    const changed = person.refresh_token.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A'));
    const unknown = `qr_${'A'.repeat(43)}`;
    const answers = [];
    for (const token of [unknown, revoked.refresh_token, changed]) answers.push(await refresh(two, token));
    expect(new Set(answers.map(saidBy)).size).toBe(1);
    expect(answers[0]?.status).toBe(401);
  });
});
