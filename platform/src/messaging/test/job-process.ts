import { openDatabase } from '../../database/index.ts';
import { silentLog } from '../../kernel/index.ts';
import { createJobRunner } from '../job-runner.ts';

/** A process that takes a job, says so, and never ends it. */
const database = openDatabase({ url: process.argv[2] ?? '', connectionsMax: 2 });
const forever = Promise.withResolvers<never>();
const handlers = new Map([
  [
    'work',
    () => {
      process.stdout.write('begun\n');
      return forever.promise;
    },
  ],
]);

createJobRunner({ database, handlers, log: silentLog, leaseMs: 3_000, pollMs: 20 }).start();
