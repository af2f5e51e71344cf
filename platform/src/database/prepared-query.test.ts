import fc from 'fast-check';
import { Pool } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realDatabases } from '../testing/real-databases.ts';
import { openScratch, type Scratch } from '../testing/scratch-database.ts';
import { readStatement, writeStatement } from './contract.ts';
import { openDatabase } from './open.ts';
import { runPrepared } from './prepared-query.ts';
import { linkTo } from './test/link.ts';

const real = (await realDatabases()).find(({ dialect }) => dialect.name === 'postgresql');
if (!real) throw new Error('PostgreSQL is no longer among the engines');

describe.skipIf(real.unreachable !== undefined)(`a statement on ${real.name}`, () => {
  let scratch: Scratch;
  beforeEach(async () => {
    scratch = await openScratch(real, { connectionsMax: 1 });
  });
  afterEach(() => scratch.close());

  const ask = async (text: string, ...params: unknown[]): Promise<readonly unknown[]> =>
    (await scratch.database.run(readStatement<unknown[], unknown>('test.ask', text), params)).rows;

  describe('takes values', () => {
    const instant = new Date('2026-01-31T15:04:05.678Z');
    it.each([
      ['int', 7, 7],
      ['int8', 9_007_199_254_740_993n, '9007199254740993'],
      ['float8', -0.5, -0.5],
      ['bool', true, true],
      ['text', '', ''],
      ['text', 'null', 'null'],
      ['text', undefined, null],
      ['text', null, null],
      ['timestamp', instant, instant],
      ['timestamptz', instant, instant],
      ['timestamptz', new Date('0045-03-15T00:00:00Z'), new Date('0045-03-15T00:00:00Z')],
      ['bytea', new Uint8Array([0, 92, 255]), Buffer.from([0, 92, 255])],
      ['json', { a: ['"', null] }, { a: ['"', null] }],
      ['int[]', [1, null, -3], [1, null, -3]],
      ['int[]', [], []],
      [
        'int[]',
        [
          [1, 2],
          [3, 4],
        ],
        [
          [1, 2],
          [3, 4],
        ],
      ],
      ['bool[]', [true, false], [true, false]],
      ['text[]', ['', 'null', '{}', ',', undefined], ['', 'null', '{}', ',', null]],
      ['timestamptz[]', [instant], [instant]],
      ['bytea[]', [new Uint8Array([34, 92])], [Buffer.from([34, 92])]],
      ['json[]', [{ a: '"\\' }], [{ a: '"\\' }]],
    ])('of type %s, case %#', async (type, sent, came) => {
      expect(await ask(`select $1::${type} as value`, sent)).toEqual([{ value: came }]);
    });

    it('before our era and after 9999, as the server writes them', async () => {
      const [row] = await ask(
        `select $1::timestamptz::text as early, $2::timestamptz::text as late`,
        new Date('-000043-03-15T00:00:00Z'),
        new Date('+012026-01-31T00:00:00Z'),
      );
      expect(row).toEqual({ early: '0044-03-15 00:00:00+00 BC', late: '12026-01-31 00:00:00+00' });
    });

    it('of any text, alone and in arrays', async () => {
      const text = fc.string({ unit: 'grapheme' }).map((any) => any.replaceAll('\u0000', '').toWellFormed());
      await fc.assert(
        fc.asyncProperty(
          text,
          fc.array(fc.option(fc.oneof(text, fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', ',', '\n') })))),
          async (one, many) => {
            expect(await ask('select $1::text as one, $2::text[] as many', one, many)).toEqual([{ one, many }]);
          },
        ),
      );
    });

    it.each([
      ['a function', () => 1],
      ['a symbol', Symbol('x')],
      ['no instant', new Date(Number.NaN)],
    ])('and refuses %s before anything is sent', async (_, value) => {
      await expect(ask('select $1::text as value', value)).rejects.toThrow(/is no value|Invalid time value/);
      expect(await ask('select 1 as one')).toEqual([{ one: 1 }]);
      expect(scratch.database.pool.total).toBe(1);
    });
  });

  it('has the same columns however often it runs, with rows or without', async () => {
    for (const count of [2, 0, 1]) {
      const rows = await ask(`select n, 'x' as text, null::int as nothing from generate_series(1, $1::int) n`, count);
      expect(rows).toEqual(Array.from({ length: count }, (_, place) => ({ n: place + 1, text: 'x', nothing: null })));
    }
  });

  it('is known by its name on each connection for itself', async () => {
    const several = scratch.open({ connectionsMax: 3 });
    const nap = readStatement<[], { done: number }>('test.nap', 'select 1 as done from pg_sleep(0.02)');
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(Array.from({ length: 6 }, () => several.run(nap, [])));
      expect(all.map(({ rows }) => rows)).toEqual(all.map(() => [{ done: 1 }]));
    }
    expect(several.pool.total).toBe(3);
  });

  it('that fails can run again on its connection, whether the server had understood it or not', async () => {
    const divide = (by: number): Promise<readonly unknown[]> => ask('select 6 / $1::int as share', by);
    await expect(divide(0)).rejects.toThrow('division by zero');
    expect(await divide(2)).toEqual([{ share: 3 }]);
    await expect(divide(0)).rejects.toThrow('division by zero');
    expect(await divide(3)).toEqual([{ share: 2 }]);
    await expect(ask('select * from later')).rejects.toThrow('relation "later" does not exist');
    await scratch.run('create table later (id integer)');
    expect(await ask('select * from later')).toEqual([]);
    expect(scratch.database.pool.total).toBe(1);
  });

  it('tells who asked where it fails', async () => {
    const refused = await ask('select 1 / 0').catch((error: unknown) => error);
    expect((refused as Error).stack).toMatch(/session\.ts/);
  });

  it('of no command, or one that copies, leaves its connection usable', async () => {
    await scratch.run('create table things (id integer)');
    const connection = await ask('select pg_backend_pid() as id');
    expect(await ask('')).toEqual([]);
    const copyIn = scratch.database.runAlone(writeStatement<[], never>('test.copy', 'copy things from stdin'), []);
    await expect(copyIn).rejects.toMatchObject({
      cause: { message: expect.stringContaining('Nothing is copied') as string },
    });
    expect(await ask('copy (select 1) to stdout')).toEqual([]);
    expect(await ask('select pg_backend_pid() as id')).toEqual(connection);
  });

  it('that a silent server does not answer is given up, in a transaction and outside', async () => {
    const link = await linkTo(scratch.url);
    const database = openDatabase({ url: link.url, statementTimeoutMs: 500, connectTimeoutMs: 500, connectionsMax: 2 });
    const nap = readStatement<[], unknown>('test.nap', 'select pg_sleep(0.05)');
    await Promise.all([database.run(nap, []), database.run(nap, [])]);
    expect(database.pool.idle).toBe(2);
    link.fallSilent();
    const unavailable = { status: 503, code: 'database_unavailable' };
    const outside = database.runAlone(writeStatement<[], never>('test.alone', 'select 2'), []);
    await expect(outside).rejects.toMatchObject(unavailable);
    await expect(database.transact((tx) => tx.run(nap, []))).rejects.toMatchObject(unavailable);
    await link.close();
    await database.close();
  });

  it('whose value cannot be read fails alone', async () => {
    const pool = new Pool({ connectionString: scratch.url, max: 1 });
    const client = await pool.connect();
    const unreadable = (): never => {
      throw new Error('unreadable');
    };
    const statement = { name: 'q_test', text: 'select n from generate_series(1, 1000) n', values: [] };
    const patienceMs = 10_000;
    const failing = runPrepared(client, [statement], { parserOf: () => unreadable, patienceMs });
    await expect(failing).rejects.toThrow('unreadable');
    const asText = () => (text: string) => text;
    const other = { name: '', text: 'select 1 as one', values: [] };
    expect(await runPrepared(client, [other, other], { parserOf: asText, patienceMs })).toEqual([
      { rows: [{ one: '1' }], affected: 1, command: 'SELECT 1' },
      { rows: [{ one: '1' }], affected: 1, command: 'SELECT 1' },
    ]);
    client.release();
    await pool.end();
  });
});
