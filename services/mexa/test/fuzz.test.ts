import { randomBytes } from 'node:crypto';
import { readStatement } from '@quinta/platform/database';
import { operatorContext } from '@quinta/platform/kernel';
import { call, fuzzService, hostileExchanges, slowHeaders } from '@quinta/platform/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issueMexaToken } from '../src/demo.ts';
import type { Role } from '../src/tables.ts';
import { ensureUsuario } from '../src/usuario/first-admin.ts';
import { findUsuarioByRole } from '../src/usuario/usuario-store.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';

const roles = ['admin', 'cajero', 'usuario', 'auditor'] as const satisfies readonly Role[];

/** With QUINTA_FUZZ_REQUESTS=10000 a run takes most of an hour; no request of it may take ten seconds. */
const longRunMs = 4 * 3_600_000;

/** Limits that would only make 429s and 503s of overload, and hashes that cost little. */
const environment = {
  LOGIN_ATTEMPTS_PER_MINUTE: '10000',
  HASHING_QUEUE_MAX: '10000',
  ARGON2_MEMORY_KIB: '7168',
  ARGON2_PASSES: '5',
};

/** Vouchers whose row is not what their audit rows tell, replayed from the first to the last. */
const unexplainedVales = readStatement<[], { id: number; why: string }>(
  'fuzz.unexplained_vales',
  `with steps as (
     select v.*,
       (select count(*) from audit_logs a where a.resource_type = 'vale' and a.resource_id = v.id
          and a.action = 'create') as creates,
       (select count(*) from audit_logs a where a.resource_type = 'vale' and a.resource_id = v.id
          and a.action in ('redeem', 'void')) as closes,
       (select new_values ->> 'state' from audit_logs a where a.resource_type = 'vale' and a.resource_id = v.id
          and (a.new_values -> 'state') is not null order by a.id desc limit 1) as told_state,
       (select new_values ->> 'description' from audit_logs a where a.resource_type = 'vale' and a.resource_id = v.id
          and (a.new_values -> 'description') is not null order by a.id desc limit 1) as told_description,
       (select new_values ->> 'amount' from audit_logs a where a.resource_type = 'vale' and a.resource_id = v.id
          and a.action = 'create') as told_amount
     from vales v
   )
   select id, case
       when creates <> 1 then creates || ' create rows'
       when closes <> (state <> 'issued')::int then closes || ' closing rows'
       when told_state <> state then 'the audit says ' || told_state
       when told_amount::numeric <> amount then 'the audit says ' || told_amount
       else 'another description'
     end as why
     from steps
    where creates <> 1 or closes <> (state <> 'issued')::int or told_state is distinct from state
       or told_amount::numeric is distinct from amount or told_description is distinct from description`,
);

const brokenRules = readStatement<[], { rule: string; count: number }>(
  'fuzz.broken_rules',
  `select 'amounts are positive' as rule, count(*)::int as count from vales where amount <= 0
   union all select 'users have one create row', count(*)::int from usuarios u
     where 1 <> (select count(*) from audit_logs a
       where a.resource_type = 'usuario' and a.resource_id = u.id and a.action = 'create')
   union all select 'users are what their audit rows tell', count(*)::int from usuarios u
     where u.role is distinct from (select new_values ->> 'role' from audit_logs a
         where a.resource_type = 'usuario' and a.resource_id = u.id and (a.new_values -> 'role') is not null
         order by a.id desc limit 1)
       or (u.disabled_at is null) is distinct from (select (new_values ->> 'active')::boolean from audit_logs a
         where a.resource_type = 'usuario' and a.resource_id = u.id and (a.new_values -> 'active') is not null
         order by a.id desc limit 1)
   union all select 'an active admin is left', (count(*) = 0)::int from usuarios
     where role = 'admin' and disabled_at is null
   union all select 'audited vouchers are there', count(*)::int from audit_logs a
     where a.resource_type = 'vale' and not exists (select 1 from vales v where v.id = a.resource_id)
   union all select 'no secret is audited', count(*)::int from audit_logs
     where concat(old_values, new_values, details) like '%$argon2%'`,
);

const auditedDetails = readStatement<[requestId: string], { action: string; details: unknown }>(
  'fuzz.audited',
  'select action, details from audit_logs where request_id = $1',
);

let world: MexaWorld;
beforeAll(async () => {
  world = await openMexaWorld({ environment });
});
afterAll(() => world.close());

/** A token of an active user of the role; the fuzzer switches users off, so that none may be left but an admin. */
async function tokenOf(role: string): Promise<string> {
  if (!(await findUsuarioByRole(world.mexa.database, role))) {
    if (role === 'admin') throw new Error('The last active admin was switched off or lost the role');
    const username = `fuzz.${randomBytes(6).toString('hex')}`;
    const user = { username, email: `${username}@fuzz.example`, password: randomBytes(12).toString('hex') };
    await ensureUsuario(world.mexa, operatorContext(world.mexa, 'fuzz'), { ...user, role: role as Role });
  }
  return issueMexaToken(world.mexa, { role });
}

describe('hostile requests', () => {
  test(
    'on every route and as every role are answered as documented, and leave every rule of the data whole',
    { timeout: longRunMs },
    async () => {
      const slow = slowHeaders(world.baseUrl);
      const report = await fuzzService({ baseUrl: world.baseUrl, roles, tokenOf });
      expect(report.faults.join('\n\n')).toBe('');
      // That it was no shallow run: every route was met, and most did their work.
      const answersOf = (operation: string): string[] => Object.keys(report.statuses[operation] ?? {});
      expect(report.operations.filter((operation) => answersOf(operation).length < 2)).toEqual([]);
      const successful = report.operations.filter((each) => answersOf(each).some((status) => status.startsWith('2')));
      expect(successful.length / report.operations.length).toBeGreaterThan(0.7);
      expect((await world.owner.run(unexplainedVales, [])).rows).toEqual([]);
      expect((await world.owner.run(brokenRules, [])).rows.filter(({ count }) => count !== 0)).toEqual([]);
      const { received, isClosed } = await slow;
      expect(isClosed).toBe(true);
      expect(received).toMatch(/^HTTP\/1\.1 408 /);
    },
  );

  test('to sign in with a name whose last character breaks when it is cut at its length are refused and audited', async () => {
    // A hundred characters, a hundred and one UTF-16 units: the fuzzer meets it in a long run only.
    const body = { username: `${'x'.repeat(98)}@\u{1f44d}`, password: 'a password of good length' };
    const answer = await world.api('/auth/login', { body });
    expect(answer.status).toBe(401);
    const rows = await world.owner.run(auditedDetails, [answer.headers.get('x-request-id') ?? '']);
    expect(rows.rows).toEqual([{ action: 'login_failed', details: { identifier: 'x***@\u{1f44d}***' } }]);
  });

  test('that are hardly HTTP are refused or cut off, and the server stays healthy', async () => {
    const exchanges = await hostileExchanges(world.baseUrl);
    const faults = exchanges.flatMap(({ name, faults: found, received }) =>
      found.map((fault) => `${name}: ${fault}: ${received.slice(0, 200)}`),
    );
    expect(faults).toEqual([]);
    const health = await call(`${world.baseUrl}/health`);
    expect(health.status).toBe(200);
    expect(health.json()).toMatchObject({ status: 'healthy' });
  });
});
