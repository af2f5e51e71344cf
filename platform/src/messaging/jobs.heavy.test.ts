import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLog, systemClock } from '../kernel/index.ts';
import { realDatabases } from '../testing/index.ts';
import { createJobRunner } from './job-runner.ts';
import { enqueueJob, listJobs } from './jobs.ts';
import { type MessagingWorld, openMessagingWorld } from './test/messaging-world.ts';

const eventually = { timeout: 30_000, interval: 20 };
const jobProcess = fileURLToPath(import.meta.resolve('./test/job-process.ts'));

for (const real of await realDatabases()) {
  describe.skipIf(real.unreachable !== undefined)(`jobs of processes on ${real.name}`, () => {
    let world: MessagingWorld;
    beforeEach(async () => {
      world = await openMessagingWorld(real);
    });
    afterEach(() => world.close());

    test('a job whose process was killed is done by another one, and not before the lease has run out', async () => {
      await world.database.transact((tx) => enqueueJob(tx, { clock: systemClock }, { kind: 'work' }));
      const child = spawn(process.execPath, [jobProcess, world.url]);
      await once(child.stdout, 'data');
      const attempts: number[] = [];
      const handlers = new Map([['work', async ({ attempt }: { attempt: number }) => void attempts.push(attempt)]]);
      const runner = createJobRunner({ database: world.open(), handlers, log: silentLog, pollMs: 20 });
      runner.start();
      const [before] = await listJobs(world.database, { state: 'running', limit: 1 });
      // As long as its process lives the lease is renewed, and the job is nobody else's.
      await vi.waitFor(async () => {
        const [now] = await listJobs(world.database, { state: 'running', limit: 1 });
        expect(Number(now?.dueAt) - Number(before?.dueAt)).toBeGreaterThan(3_000);
      }, eventually);
      expect(attempts).toEqual([]);
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      await vi.waitFor(() => expect(attempts).toEqual([2]), eventually);
      await runner.stop(5_000);
      expect(await listJobs(world.database, { state: 'done', limit: 10 })).toMatchObject([{ attempts: 2 }]);
    });
  });
}
