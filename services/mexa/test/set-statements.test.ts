import { randomUUID } from 'node:crypto';
import { openDatabase } from '@quinta/platform/database';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { insertVales, redeemVales, voidVales } from '../src/vale/vale-store.ts';
import { type MexaWorld, openMexaWorld } from './mexa-world.ts';
import { newPerson, type Person } from './people.ts';
import { countOf, sql } from './sql.ts';

let world: MexaWorld;
let clerk: Person;
beforeAll(async () => {
  // One connection, so that its plans are those that are looked at.
  world = await openMexaWorld({ environment: { DATABASE_POOL_MAX: '1', AUDIT_SEALING: 'off' } });
  clerk = await newPerson(world, 'cajero');
});
afterAll(() => world.close());

/** The circumstances of so many commands. */
const circumstances = (count: number) => {
  const each = <Value>(value: () => Value): Value[] => Array.from({ length: count }, value);
  return [
    each(() => clerk.id),
    each(() => randomUUID() as string),
    each(() => '/api/v1/vales'),
    each(() => 'POST'),
    each(() => '192.0.2.7'),
    each(() => 'test'),
  ] as const;
};

async function draw(
  descriptions: readonly (string | null)[],
  database = world.mexa.database,
  keys: readonly string[] = descriptions.map(() => randomUUID()),
): Promise<readonly number[]> {
  const { rows } = await database.runAlone(insertVales, [
    ...circumstances(descriptions.length),
    [...keys],
    descriptions.map(() => clerk.id),
    descriptions.map(() => '1.50'),
    [...descriptions],
  ]);
  return rows.map(({ id }) => id);
}

const redeem = (ids: readonly number[], database = world.mexa.database) =>
  database.runAlone(redeemVales, [...circumstances(ids.length), [...ids], ids.map(() => randomUUID())]);

const voided = (ids: readonly number[], reasons: readonly string[], database = world.mexa.database) =>
  database.runAlone(voidVales, [...circumstances(ids.length), [...ids], ids.map(() => randomUUID()), [...reasons]]);

describe('the audit row of a set', () => {
  /** Whatever PostgreSQL can keep: all characters but the one of code 0, and no halves of a pair. */
  const text = fc.string({ unit: 'binary', maxLength: 40 }).map((one) => one.replaceAll('\0', '"'));

  test('says what was drawn and why it is void, whatever the texts hold', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(text), { minLength: 1, maxLength: 5 }),
        text,
        async (descriptions, reason) => {
          const ids = await draw(descriptions);
          expect(
            (
              await voided(
                ids,
                ids.map(() => reason),
              )
            ).rows,
          ).toHaveLength(ids.length);
          const rows = await sql<{ id: number; action: string; values: Readonly<Record<string, unknown>> }>(
            world.owner,
            `select resource_id as id, action, new_values as values from audit_logs
            where resource_type = 'vale' and resource_id = any($1::int[]) order by action, id`,
            [ids],
          );
          expect(
            rows.map(({ id, values }) => [id, values['description'] ?? null, values['void_reason'] ?? null]),
          ).toEqual([
            ...ids.map((id, place) => [id, descriptions[place], null]),
            ...ids.map((id) => [id, null, reason]),
          ]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('has the members and the spelling that it has always had', async () => {
    const [id = 0] = await draw(['say "x"']);
    await redeem([id]);
    const rows = await sql<{ old: string | null; new: string }>(
      world.owner,
      `select old_values::text as old, new_values::text as new from audit_logs
        where resource_type = 'vale' and resource_id = $1 order by id`,
      [id],
    );
    const [vale] = await sql<{ key: string; at: string }>(
      world.owner,
      `select request_id as key, to_char(redeemed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at from vales where id = $1`,
      [id],
    );
    expect(rows).toEqual([
      {
        old: null,
        new:
          `{"id" : ${id}, "user_id" : ${clerk.id}, "request_id" : "${vale?.key}", "amount" : "1.50", ` +
          String.raw`"description" : "say \"x\"", "state" : "issued"}`,
      },
      {
        old: '{"state" : "issued"}',
        new: `{"state" : "redeemed", "redeemed_at" : "${vale?.at}", "redeemed_by" : ${clerk.id}}`,
      },
    ]);
  });
});

describe('the server', () => {
  test('keeps one plan of each statement, though sets of one would be cheaper with their own', async () => {
    // So many users that looking one up costs something: it is for these that sets of one would be planned each time.
    await sql(
      world.owner,
      `insert into usuarios (username, email, password_hash) select 'u' || n, n || '@example.com', '!'
         from generate_series(1, 3000) n`,
    );
    await sql(world.owner, 'analyze usuarios');
    const fresh = openDatabase({ url: world.urls.application, connectionsMax: 1 });
    try {
      for (let turn = 0; turn < 12; turn += 1) {
        const ids = await draw(['x'], fresh);
        await redeem(ids, fresh);
        await voided(ids, ['x'], fresh);
      }
      const plans = await sql<{ statement: string; custom_plans: string; generic_plans: string }>(
        fresh,
        'select statement, custom_plans, generic_plans from pg_prepared_statements',
      );
      for (const { operation, text: wanted } of [insertVales, redeemVales, voidVales]) {
        const found = plans.find(({ statement }) => statement === wanted);
        expect([operation, found?.custom_plans, found?.generic_plans].map(String)).toEqual([operation, '5', '7']);
      }
    } finally {
      await fresh.close();
    }
  });

  test('writes a redeem to the page of its voucher alone', async () => {
    const counts = async (): Promise<{ all: number; onPage: number }> => {
      await sql(world.mexa.database, 'select pg_stat_force_next_flush()');
      const [row] = await sql<{ all: string; hot: string }>(
        world.owner,
        "select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'vales'",
      );
      return { all: Number(row?.all), onPage: Number(row?.hot) };
    };
    const ids = await draw(Array.from({ length: 600 }, (_, place) => `voucher ${place}`));
    const few = ids.filter((_, place) => place % 20 === 0);
    const before = await counts();
    await redeem(few);
    await vi.waitFor(async () => expect((await counts()).all).toBe(before.all + few.length), { timeout: 30_000 });
    expect((await counts()).onPage).toBe(before.onPage + few.length);
  });
});

describe('sets that meet', () => {
  test('close each voucher once, and never wait for each other in a circle', async () => {
    const ids = await draw(Array.from({ length: 60 }, () => null));
    const others = openDatabase({ url: world.urls.application, connectionsMax: 6 });
    try {
      const closed = await Promise.all(
        Array.from({ length: 12 }, (_, turn) => redeem(turn % 2 === 0 ? ids : ids.toReversed(), others)),
      );
      const all = closed.flatMap(({ rows }) => rows.map(({ id }) => id));
      expect(all.toSorted((one, other) => one - other)).toEqual(ids.toSorted((one, other) => one - other));
    } finally {
      await others.close();
    }
    expect(
      await countOf(world.owner, "audit_logs where action = 'redeem' and resource_id = any($1::int[])", [ids]),
    ).toBe(60);
    expect(await deadlocks()).toBe(0);
  });

  test('draw each key once, and never wait for each other in a circle', async () => {
    const others = openDatabase({ url: world.urls.application, connectionsMax: 6 });
    const keys = Array.from({ length: 200 }, () => randomUUID());
    const nothing = keys.map(() => null);
    try {
      const drawn = await Promise.all(
        Array.from({ length: 12 }, (_, turn) => draw(nothing, others, turn % 2 === 0 ? keys : keys.toReversed())),
      );
      expect(new Set(drawn.flat()).size).toBe(keys.length);
      expect(drawn.flat()).toHaveLength(keys.length);
    } finally {
      await others.close();
    }
    expect(await deadlocks()).toBe(0);
  });

  async function deadlocks(): Promise<number> {
    const [row] = await sql<{ deadlocks: string }>(
      world.owner,
      'select deadlocks from pg_stat_database where datname = current_database()',
    );
    return Number(row?.deadlocks);
  }
});
