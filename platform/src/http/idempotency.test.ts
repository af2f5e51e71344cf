import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database, Tx } from '../database/index.ts';
import { queryBuilder, readStatement } from '../database/index.ts';
import { openScratch, type Scratch } from '../testing/scratch-database.ts';
import { type Context, silentLog } from '../kernel/index.ts';
import { realDatabases } from '../testing/real-databases.ts';
import { migration } from '../../migrations/p001_idempotency_keys.ts';
import { forgetIdempotencyKeys, idempotently } from './idempotency.ts';

interface Tables {
  readonly effects: { name: string };
  readonly idempotency_keys: { scope: string; key: string; created_at: Date };
}

const clockAt = { at: new Date('2026-01-31T12:00:00Z') };

function contextOf(actorId: string, operation = 'thing.make'): Context {
  return {
    requestId: '0190f3a2-5c1e-7a43-9a51-0f2a6d1c9e11',
    traceId: '0'.repeat(32),
    actor: actorId === '' ? undefined : { id: actorId, name: 'Kim', role: 'keeper', sessionId: '' },
    client: { address: '203.0.113.9', userAgent: 'test' },
    operation,
    method: 'POST',
    endpoint: '/things',
    clock: { now: () => clockAt.at },
    log: silentLog,
    signal: new AbortController().signal,
  };
}

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`an idempotency key on ${real.name}`, () => {
    let scratch: Scratch;
    beforeEach(async () => {
      scratch = await openScratch(real, { connectionsMax: 8 });
      await migration.up(scratch.runner);
      await scratch.run('create table effects (name varchar(40) not null)');
    });
    afterEach(() => scratch.close());

    const write = async (tx: Tx, name: string): Promise<{ status: number; body: { made: string } }> => {
      await queryBuilder<Tables>(tx).insertInto('effects').values({ name }).execute();
      return { status: 201, body: { made: name } };
    };
    const make = (
      name: string,
      key: string | undefined,
      how: { actor?: string; operation?: string; on?: Database } = {},
    ) =>
      idempotently(
        how.on ?? scratch.database,
        { context: contextOf(how.actor ?? '1', how.operation), key, request: { name } },
        (tx) => write(tx, name),
      );
    const effects = async (): Promise<number> => (await scratch.run('select name from effects')).length;
    const keys = async (): Promise<number> => (await scratch.run('select scope from idempotency_keys')).length;

    it('gives the first answer again, and nothing happens twice', async () => {
      expect(await make('one', 'k1')).toEqual({ status: 201, body: { made: 'one' }, isReplay: false });
      expect(await make('one', 'k1')).toEqual({ status: 201, body: { made: 'one' }, isReplay: true });
      expect([await effects(), await keys()]).toEqual([1, 1]);
    });

    it('is refused with another request', async () => {
      await make('one', 'k1');
      await expect(make('two', 'k1')).rejects.toMatchObject({ status: 422, code: 'idempotency_key_reused' });
      expect(await effects()).toBe(1);
    });

    it('is one for each caller, each operation and each spelling', async () => {
      const answers = [
        await make('one', 'k1'),
        await make('one', 'k1', { actor: '2' }),
        await make('one', 'k1', { operation: 'thing.copy' }),
        await make('one', 'k1', { actor: '' }),
        await make('one', 'K1'),
        await make('one', undefined),
        await make('one', undefined),
      ];
      expect(answers.map(({ isReplay }) => isReplay)).toEqual(answers.map(() => false));
      expect([await effects(), await keys()]).toEqual([7, 5]);
    });

    it('runs the work once, however many come at once', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => make('one', 'k1')));
      expect(answers.filter(({ isReplay }) => !isReplay).length).toBe(1);
      expect(new Set(answers.map((answer) => JSON.stringify([answer.status, answer.body]))).size).toBe(1);
      expect([await effects(), await keys()]).toEqual([1, 1]);
    });

    it('is free again after work that threw', async () => {
      const failing = idempotently(
        scratch.database,
        { context: contextOf('1'), key: 'k1', request: {} },
        async (tx) => {
          await write(tx, 'one');
          throw new Error('no');
        },
      );
      await expect(failing).rejects.toThrow('no');
      expect([await effects(), await keys()]).toEqual([0, 0]);
      expect(await make('other', 'k1')).toMatchObject({ isReplay: false });
    });

    it('passes on to one who waited when the first fails', async () => {
      const started = Promise.withResolvers<undefined>();
      const mayFail = Promise.withResolvers<undefined>();
      const first = idempotently(
        scratch.database,
        { context: contextOf('1'), key: 'k1', request: { name: 'one' } },
        async () => {
          started.resolve(undefined);
          await mayFail.promise;
          throw new Error('no');
        },
      );
      await started.promise;
      const second = make('one', 'k1');
      mayFail.resolve(undefined);
      await expect(first).rejects.toThrow('no');
      expect(await second).toMatchObject({ isReplay: false });
      expect([await effects(), await keys()]).toEqual([1, 1]);
    });

    it('survives a crash between the effect and the answer: neither is there, and a retry makes both', async () => {
      const own = readStatement<[], { id: number }>(
        'test.connection',
        real.dialect.name === 'mysql' ? 'select connection_id() as id' : 'select pg_backend_pid() as id',
      );
      const crashing = idempotently(
        scratch.database,
        { context: contextOf('1'), key: 'k1', request: { name: 'one' } },
        async (tx) => {
          const answer = await write(tx, 'one');
          await scratch.kill((await tx.run(own, [])).rows[0]?.id ?? 0);
          return answer;
        },
      );
      await expect(crashing).rejects.toMatchObject({ status: 503, code: 'database_unavailable' });
      expect([await effects(), await keys()]).toEqual([0, 0]);
      expect(await make('one', 'k1')).toMatchObject({ isReplay: false });
      expect(await make('one', 'k1')).toMatchObject({ isReplay: true });
      expect(await effects()).toBe(1);
    });

    it('that still runs is a conflict, to be asked again soon', async () => {
      const impatient = scratch.open({ lockTimeoutMs: 200 });
      await idempotently(
        scratch.database,
        { context: contextOf('1'), key: 'k1', request: { name: 'one' } },
        async (tx) => {
          await expect(make('one', 'k1', { on: impatient })).rejects.toMatchObject({
            status: 409,
            code: 'idempotency_running',
            headers: { 'retry-after': '1' },
          });
          expect(await make('two', 'k2', { on: impatient })).toMatchObject({ isReplay: false });
          return write(tx, 'one');
        },
      );
      expect(await make('one', 'k1', { on: impatient })).toMatchObject({ isReplay: true });
      expect(await effects()).toBe(2);
    });

    it('that waits for a lock in its own work is busy, and no conflict of keys', async () => {
      await scratch.run("insert into effects (name) values ('locked')");
      const impatient = scratch.open({ lockTimeoutMs: 200 });
      const lock = readStatement<[], { name: string }>('test.lock', 'select name from effects for update');
      await scratch.database.transact(async (tx) => {
        await tx.run(lock, []);
        const waiting = idempotently(impatient, { context: contextOf('1'), key: 'k1', request: {} }, async (inner) => {
          await inner.run(lock, []);
          return { status: 201, body: {} };
        });
        await expect(waiting).rejects.toMatchObject({ status: 503, code: 'database_busy' });
      });
      expect(await keys()).toBe(0);
    });

    it('is forgotten once it is old, so many at a time', async () => {
      for (const [name, at] of [
        ['k1', '2026-01-01T00:00:00Z'],
        ['k2', '2026-01-02T00:00:00Z'],
        ['k3', '2026-01-03T00:00:00Z'],
      ] as const) {
        clockAt.at = new Date(at);
        await make('one', name);
      }
      const olderThan = new Date('2026-01-03T00:00:00Z');
      expect(await forgetIdempotencyKeys(scratch.database, olderThan, 1)).toBe(1);
      expect(await scratch.run('select created_at from idempotency_keys')).toHaveLength(2);
      expect(await forgetIdempotencyKeys(scratch.database, olderThan)).toBe(1);
      expect(await forgetIdempotencyKeys(scratch.database, olderThan)).toBe(0);
      expect([await make('one', 'k3'), await make('one', 'k1')].map(({ isReplay }) => isReplay)).toEqual([true, false]);
    });

    it('is forgotten in one statement, however many are old, by several at once', async () => {
      const at = real.dialect.name === 'mysql' ? "'1970-01-01' + interval n second" : 'to_timestamp(n)';
      await scratch.run(`
        insert into idempotency_keys (scope, ${real.dialect.quote('key')}, fingerprint, status, body, created_at)
        with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 900)
        select 's', n, 'f', n, '', ${at} from numbers order by n desc`);
      const statements: string[] = [];
      const sweeper = scratch.open({ observe: (operation) => void statements.push(operation) });
      expect(await forgetIdempotencyKeys(sweeper, new Date(701_000), 500)).toBe(500);
      expect(statements).toEqual(['delete idempotency_keys']);
      expect(await scratch.run('select min(status) as oldest from idempotency_keys')).toEqual([{ oldest: 501 }]);
      const forgotten = await Promise.all([1, 2, 3].map(() => forgetIdempotencyKeys(sweeper, new Date(701_000), 500)));
      expect(forgotten.reduce((sum, count) => sum + count)).toBe(200);
      expect(await keys()).toBe(200);
    });

    it('keeps a large answer whole', async () => {
      const body = { text: 'ñ👍'.repeat(50_000), none: null, list: [1.5, '"', '\\'] };
      const ask = () =>
        idempotently(scratch.database, { context: contextOf('1'), key: 'k1', request: {} }, async () => ({
          status: 200,
          body,
        }));
      await ask();
      expect(await ask()).toEqual({ status: 200, body, isReplay: true });
    });
  });
}
