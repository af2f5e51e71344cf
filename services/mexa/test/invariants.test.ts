import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { countOf, refusalOf, sql } from './sql.ts';
import { newVale } from './vouchers.ts';

let world: MexaWorld;
/** Vouchers in each state, and the id of a user, put where the statements below have their names. */
const places: Record<string, string> = {};
beforeAll(async () => {
  world = await openMexaWorld();
  const [issued, redeemed, voided] = [await newVale(world), await newVale(world), await newVale(world)];
  await world.api(`/vales/${redeemed.id}/redeem`, { method: 'POST', token: world.tokens.cajero });
  await world.api(`/vales/${voided.id}/void`, { token: world.tokens.admin, body: { reason: 'x' } });
  await world.api('/audit-logs/stats', { token: world.tokens.auditor });
  Object.assign(places, {
    ISSUED: issued.id,
    REDEEMED: redeemed.id,
    VOID: voided.id,
    USER: issued.user_id,
    KEY: issued.request_id,
  });
});
afterAll(() => world.close());

const filled = (statement: string): string => statement.replaceAll(/[A-Z]{3,}/g, (name) => places[name] ?? name);
const insertVale = (columns: string, values: string): string =>
  `insert into vales (user_id, request_id, amount${columns && `, ${columns}`}) values (USER, gen_random_uuid(), ${values})`;

/** Each numbered invariant of the README, what breaks it, and what refuses. */
const invariants: readonly (readonly [number: number, breach: string, refusal: string])[] = [
  [1, "insert into vales (user_id, request_id, amount) values (USER, 'KEY', 1)", 'uq_vales_request_id'],
  [1, 'insert into vales (user_id, request_id, amount) values (USER, null, 1)', '23502'],
  [
    2,
    'insert into vales (user_id, request_id, amount) values (2147483647, gen_random_uuid(), 1)',
    'vales_user_id_fkey',
  ],
  [2, insertVale('issued_by', '1, 2147483647'), 'vales_issued_by_fkey'],
  [
    2,
    "update vales set state = 'redeemed', redeemed_at = now(), redeemed_by = 2147483647 where id = ISSUED",
    'vales_redeemed_by_fkey',
  ],
  [
    2,
    "update vales set state = 'void', voided_at = now(), voided_by = 2147483647, void_reason = 'x' where id = ISSUED",
    'vales_voided_by_fkey',
  ],
  [3, insertVale('', '0'), 'ck_vales_amount'],
  [3, insertVale('', '-0.01'), 'ck_vales_amount'],
  [3, insertVale('', '100000000.00'), '22003'],
  [3, insertVale('', '99999999.995'), '22003'],
  [3, insertVale('', "'NaN'"), 'ck_vales_amount'],
  [3, insertVale('has_legacy_amount', '-1, true'), 'tr_vales_no_new_legacy'],
  [4, insertVale('state', "1, 'open'"), 'ck_vales_state'],
  [4, "update vales set state = 'cancelled' where id = ISSUED", 'ck_vales_state'],
  [5, "update vales set state = 'redeemed' where id = ISSUED", 'ck_vales_redeemed'],
  [5, "update vales set state = 'redeemed', redeemed_at = now() where id = ISSUED", 'ck_vales_redeemed'],
  [5, 'update vales set redeemed_at = now(), redeemed_by = USER where id = ISSUED', 'ck_vales_redeemed'],
  [5, insertVale('redeemed_by', '1, USER'), 'ck_vales_redeemed'],
  [6, "update vales set state = 'void' where id = ISSUED", 'ck_vales_void'],
  [6, "update vales set state = 'void', voided_at = now(), voided_by = USER where id = ISSUED", 'ck_vales_void'],
  [6, "update vales set state = 'void', voided_at = now(), void_reason = 'x' where id = ISSUED", 'ck_vales_void'],
  [6, "update vales set void_reason = 'x' where id = ISSUED", 'ck_vales_void'],
  [
    7,
    "update vales set state = 'issued', redeemed_at = null, redeemed_by = null where id = REDEEMED",
    'tr_vales_state_is_final',
  ],
  [
    7,
    "update vales set state = 'void', voided_at = now(), voided_by = USER, void_reason = 'x', redeemed_at = null, redeemed_by = null where id = REDEEMED",
    'tr_vales_state_is_final',
  ],
  [
    7,
    "update vales set state = 'redeemed', redeemed_at = now(), redeemed_by = USER, voided_at = null, voided_by = null, void_reason = null where id = VOID",
    'tr_vales_state_is_final',
  ],
  [
    7,
    "update vales set state = 'issued', voided_at = null, voided_by = null, void_reason = null where id = VOID",
    'tr_vales_state_is_final',
  ],
  [7, "update vales set redeemed_at = redeemed_at - interval '1 day' where id = REDEEMED", 'tr_vales_state_is_final'],
  [7, 'update vales set redeemed_by = 1 where id = REDEEMED', 'tr_vales_state_is_final'],
  [7, "update vales set void_reason = 'another' where id = VOID", 'tr_vales_state_is_final'],
  [8, 'update vales set amount = amount + 1 where id = ISSUED', 'tr_vales_immutable'],
  [8, 'update vales set user_id = 1 where id = ISSUED', 'tr_vales_immutable'],
  [8, 'update vales set request_id = gen_random_uuid() where id = ISSUED', 'tr_vales_immutable'],
  [8, "update vales set created_at = created_at - interval '1 day' where id = REDEEMED", 'tr_vales_immutable'],
  [8, 'update vales set issued_by = null where id = ISSUED', 'tr_vales_immutable'],
  [8, 'update vales set has_legacy_amount = true where id = ISSUED', 'tr_vales_immutable'],
  [8, 'update vales set id = 2147483647 where id = ISSUED', 'tr_vales_immutable'],
  [9, 'delete from vales where id = ISSUED', 'tr_vales_no_delete'],
  [9, 'delete from vales where id = VOID', 'tr_vales_no_delete'],
  [9, 'truncate vales', 'tr_vales_no_delete'],
  [
    10,
    "insert into usuarios (username, email, password_hash) values ('lucia.demo', 'x@example.com', '!')",
    'ix_usuarios_username',
  ],
  [
    10,
    "insert into usuarios (username, email, password_hash) values ('x', 'lucia@demo.example', '!')",
    'ix_usuarios_email',
  ],
  [11, "update usuarios set role = 'root' where id = USER", 'ck_usuarios_role'],
  [11, 'update usuarios set role = null where id = USER', '23502'],
  [12, 'delete from usuarios where id = USER', 'vales_user_id_fkey'],
  [12, "delete from usuarios where username = 'auditor.demo'", 'audit_logs_user_id_fkey'],
  [13, "update audit_logs set action = 'x' where id = 1", 'tr_audit_logs_append_only'],
  [13, 'update audit_logs set created_at = now()', 'tr_audit_logs_append_only'],
  [13, 'delete from audit_logs where id = 1', 'tr_audit_logs_append_only'],
  [13, 'truncate audit_logs', 'tr_audit_logs_append_only'],
  [13, 'truncate audit_logs, vales, usuarios cascade', 'tr_audit_logs_append_only'],
  [
    14,
    "insert into audit_logs (request_id, user_id, action, resource_type) values (gen_random_uuid(), 2147483647, 'x', 'x')",
    'audit_logs_user_id_fkey',
  ],
  [14, "insert into audit_logs (action, resource_type) values ('x', 'x')", '23502'],
  [
    15,
    "insert into idempotency_keys (scope, key, fingerprint, status, body, created_at) select 's', 'k', 'f', 0, '', now() from generate_series(1, 2)",
    'idempotency_keys_pkey',
  ],
  [
    16,
    "insert into refresh_tokens (token_hash, family_id, live_family_id, issued_at, expires_at) select decode(repeat('ab', 32), 'hex'), family_id, family_id, now(), now() from refresh_tokens where used_at is null limit 1",
    'ux_refresh_tokens_live_family',
  ],
];

const everything = () =>
  sql(
    world.owner,
    `select count(*) as rows, md5(string_agg(line, '' order by line)) as digest from (
       select v::text as line from vales v union all select u::text from usuarios u
       union all select a::text from audit_logs a union all select t::text from refresh_tokens t) all_of_it`,
  );

describe.each(invariants)('invariant %i, by the role that owns the tables: %s', (_, breach, refusal) => {
  test(`is refused by ${refusal}, and nothing is changed`, async () => {
    const before = await everything();
    expect(await refusalOf(world.owner, filled(breach))).toBe(refusal);
    expect(await everything()).toEqual(before);
  });
});

/** What the role that the service works as may not do at all: 42501 is "insufficient privilege". */
const forbidden: readonly (readonly [number: number, breach: string])[] = [
  [13, "update audit_logs set action = 'x' where id = 1"],
  [13, 'delete from audit_logs where id = 1'],
  [13, 'truncate audit_logs'],
  [13, 'alter table audit_logs disable trigger all'],
  [13, 'drop trigger tr_audit_logs_append_only on audit_logs'],
  [17, 'create table mine (id int)'],
  [17, 'create temporary table mine (id int)'],
  [17, 'create schema mine'],
  [17, "create function mine() returns int language sql as 'select 1'"],
  [17, 'alter table vales drop constraint ck_vales_amount'],
  [17, 'alter table vales disable trigger all'],
  [17, 'drop table vales'],
  [17, 'truncate vales'],
  [17, 'truncate usuarios cascade'],
  [17, "update alembic_version set version_num = '001'"],
  [17, 'delete from quinta_migrations'],
  [17, "set session_replication_role = 'replica'"],
];

describe.each(forbidden)('invariant %i, by the role that the service works as: %s', (_, breach) => {
  test('is refused for want of the right', async () => {
    const before = await everything();
    expect(await refusalOf(world.application, breach)).toBe('42501');
    expect(await everything()).toEqual(before);
  });
});

test('the role that the service works as meets the same constraints as the owner', async () => {
  for (const [number, breach, refusal] of invariants.filter(
    ([place, text]) => place < 13 && !text.startsWith('truncate'),
  )) {
    expect([number, breach, await refusalOf(world.application, filled(breach))]).toEqual([number, breach, refusal]);
  }
  expect(await countOf(world.owner, 'vales where id = $1', [places['ISSUED']])).toBe(1);
});

test('the README numbers what is broken here, and names what refuses it', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [, section = ''] = /^## Invariants$(.*?)^## /ms.exec(readme) ?? [];
  const lines = section.split('\n').flatMap((line) => {
    const [, number] = /^(\d+)\. /.exec(line) ?? [];
    return number === undefined ? [] : [[Number(number), line] as const];
  });
  const numbers = [...invariants, ...forbidden].map(([number]) => number);
  expect(lines.map(([number]) => number)).toEqual([...new Set(numbers)].toSorted((left, right) => left - right));
  for (const [number, , refusal] of invariants.filter(([, , name]) => !/^\d/.test(name))) {
    expect(lines.find(([place]) => place === number)?.[1]).toContain(`\`${refusal}\``);
  }
});
