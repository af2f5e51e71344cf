import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Tx } from '../database/index.ts';
import { silentLog, systemClock } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import {
  createJobRunner,
  type JobHandler,
  type JobResult,
  type JobRunner,
  type JobRunnerOptions,
  LeaseLost,
  type RunningJob,
} from './job-runner.ts';
import { enqueueJob, type JobRequest, listJobs, pruneJobs } from './jobs.ts';
import { type MessagingWorld, openMessagingWorld } from './test/messaging-world.ts';
import { Transient } from './transient.ts';

const eventually = { timeout: 30_000, interval: 10 };
const context = { clock: systemClock };

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`jobs on ${real.name}`, () => {
    let world: MessagingWorld;
    const runners: JobRunner[] = [];
    const results: JobResult[] = [];
    const runWith = (handler: JobHandler, more: Partial<JobRunnerOptions> = {}): JobRunner => {
      const runner = createJobRunner({
        database: world.open(),
        handlers: new Map([['work', handler]]),
        log: silentLog,
        pollMs: 20,
        observe: ({ result }) => void results.push(result),
        ...more,
      });
      runners.push(runner);
      runner.start();
      return runner;
    };
    const enqueue = (job: Partial<JobRequest> = {}): Promise<boolean> =>
      world.database.transact((tx) => enqueueJob(tx, context, { kind: 'work', ...job }));
    const effect = (tx: Tx, job: RunningJob): Promise<unknown> =>
      tx.run(
        {
          kind: 'write',
          operation: 'test.effect',
          text: `insert into effects (order_key, place) values ('x', ${job.attempt})`,
        },
        [],
      );

    beforeEach(async () => {
      world = await openMessagingWorld(real);
    });
    afterEach(async () => {
      await Promise.all(runners.splice(0).map((runner) => runner.stop(5_000)));
      results.splice(0);
      await world.close();
    });

    test('is done once by three runners, with what it was given', async () => {
      const seen: unknown[] = [];
      for (let place = 0; place < 3; place += 1) {
        runWith(async ({ payload, key, attempt }) => void seen.push({ payload, key, attempt }));
      }
      for (let place = 0; place < 30; place += 1) await enqueue({ key: `k${place}`, payload: { place } });
      await vi.waitFor(() => expect(results).toHaveLength(30), eventually);
      expect(new Set(seen.map((job) => JSON.stringify(job))).size).toBe(30);
      expect(seen).toContainEqual({ payload: { place: 7 }, key: 'k7', attempt: 1 });
      expect(await listJobs(world.database, { state: 'done', limit: 100 })).toHaveLength(30);
    });

    test('of one kind and key there is one', async () => {
      const tries = await Promise.all([1, 2, 3, 4].map(() => enqueue({ key: 'same' })));
      expect(tries.filter(Boolean)).toHaveLength(1);
      expect(await Promise.all([enqueue(), enqueue()])).toEqual([true, true]);
    });

    test('waits for its time', async () => {
      await enqueue({ key: 'later', runAt: new Date(Date.now() + 3_600_000) });
      await enqueue({ key: 'now' });
      const keys: (string | null)[] = [];
      runWith(async ({ key }) => void keys.push(key));
      await vi.waitFor(() => expect(keys).toEqual(['now']), eventually);
      expect(await listJobs(world.database, { state: 'waiting', limit: 10 })).toMatchObject([{ key: 'later' }]);
    });

    test('that fails is tried again, and is dead after so many attempts', async () => {
      await enqueue({ attemptsMax: 3 });
      runWith(() => Promise.reject(new RangeError('no such loan')));
      for (const count of [1, 2]) {
        await vi.waitFor(() => expect(results).toHaveLength(count), eventually);
        await world.run("update jobs set due_at = '2020-01-01' where state = 'waiting'");
      }
      await vi.waitFor(() => expect(results).toEqual(['retried', 'retried', 'dead']), eventually);
      const [dead] = await listJobs(world.database, { state: 'dead', limit: 10 });
      expect(dead).toMatchObject({ attempts: 3, lastError: 'RangeError: no such loan', dueAt: null });
    });

    test('a part that is away costs no attempt', async () => {
      await enqueue({ attemptsMax: 1 });
      runWith(() => Promise.reject(new Transient('the bank is away')));
      await vi.waitFor(() => expect(results).toEqual(['waiting']), eventually);
      expect(await listJobs(world.database, { state: 'waiting', limit: 10 })).toMatchObject([{ attempts: 0 }]);
    });

    test('a process that slept over its lease can neither end the job nor keep its effect', async () => {
      await enqueue();
      const asleep = Promise.withResolvers<RunningJob>();
      const wakes = Promise.withResolvers<void>();
      // The timer of this lease would renew it only after minutes: the process sleeps.
      runWith(
        async (job) => {
          asleep.resolve(job);
          await wakes.promise;
          await world.database.transact(async (tx) => {
            await effect(tx, job);
            await job.finish(tx);
          });
        },
        { leaseMs: 600_000, concurrency: 1 },
      );
      const sleeper = await asleep.promise;
      await world.run("update jobs set due_at = '2020-01-01'");
      runWith(async (job) => {
        await world.database.transact(async (tx) => {
          await job.hold(tx);
          await effect(tx, job);
          await job.finish(tx);
        });
      });
      await vi.waitFor(() => expect(results).toEqual(['done']), eventually);
      await expect(world.database.transact((tx) => sleeper.hold(tx))).rejects.toThrow(LeaseLost);
      wakes.resolve();
      await vi.waitFor(() => expect(results).toEqual(['done', 'lost']), eventually);
      expect((await world.effects()).get('x')).toEqual([2]);
      expect(await listJobs(world.database, { state: 'done', limit: 10 })).toMatchObject([{ attempts: 2 }]);
    });

    test('a lease is renewed as long as the work lasts', async () => {
      await enqueue();
      const ends = Promise.withResolvers<void>();
      let begun = 0;
      const slow: JobHandler = async () => {
        begun += 1;
        await ends.promise;
      };
      runWith(slow, { leaseMs: 1_500 });
      runWith(slow, { leaseMs: 1_500 });
      await vi.waitFor(() => expect(begun).toBe(1), eventually);
      const [first] = await listJobs(world.database, { state: 'running', limit: 1 });
      // By now it has outlived its first lease.
      await vi.waitFor(async () => {
        const [now] = await listJobs(world.database, { state: 'running', limit: 1 });
        expect(Number(now?.dueAt) - Number(first?.dueAt)).toBeGreaterThan(1_500);
      }, eventually);
      ends.resolve();
      await vi.waitFor(() => expect(results).toEqual(['done']), eventually);
      expect(begun).toBe(1);
    });

    test('a job whose process goes away each time is dead in the end', async () => {
      await enqueue({ attemptsMax: 2 });
      await world.run("update jobs set state = 'running', attempts = 2, due_at = '2020-01-01'");
      runWith(() => Promise.resolve());
      await vi.waitFor(() => expect(results).toEqual(['dead']), eventually);
    });

    test('stopping tells the jobs that run, and gives them back', async () => {
      await enqueue({ attemptsMax: 1 });
      const begun = Promise.withResolvers<void>();
      const runner = runWith(async ({ signal }) => {
        begun.resolve();
        await new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true });
        });
      });
      await begun.promise;
      await runner.stop(10_000);
      expect(results).toEqual(['waiting']);
      expect(await listJobs(world.database, { state: 'waiting', limit: 10 })).toMatchObject([{ attempts: 0 }]);
    });

    test('what ended long ago is forgotten, and its key is free', async () => {
      await enqueue({ key: 'a' });
      runWith(() => Promise.resolve());
      await vi.waitFor(() => expect(results).toEqual(['done']), eventually);
      expect(await pruneJobs(world.database, new Date(Date.now() - 60_000))).toBe(0);
      expect(await pruneJobs(world.database, new Date(Date.now() + 60_000))).toBe(1);
      expect(await enqueue({ key: 'a' })).toBe(true);
    });

    test('a kind or a key that cannot be kept is refused', async () => {
      await expect(enqueue({ kind: 'a,b' })).rejects.toThrow(RangeError);
      for (const key of ['', 'x'.repeat(192), 'ñ']) await expect(enqueue({ key })).rejects.toThrow(RangeError);
      expect([await enqueue({ key: 'a' }), await enqueue({ key: 'A' })]).toEqual([true, true]);
    });
  });
}
