import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readTally, verdictOf } from './tally.ts';

const usage = `test: every test of the house.

  npm test [-- <files or arguments of vitest>]

  npm test -- mexa                 files whose path has "mexa"
  npm test -- --project unit       unit tests alone; --project service: the services' own; --project story: those that
                                   start processes and servers
  npm test -- -t 'one success'     tests whose name matches

QUINTA_TEST_REQUIRE_REAL=1 makes a missing PostgreSQL, MariaDB, Redis or RabbitMQ a failure instead of a skipped suite.
The last line is \`tests: N passed, N failed\`, with the skipped ones behind it where there are any. Exit code: 0 when
all passed, 1 otherwise; no test at all, an unhandled error and a crash count as one failed.`;

/** A run that hangs ends and says so. Twice what a good one takes: a machine that others use too is no fault of it. */
const runTimeoutMs = 40 * 60_000;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(usage);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'quinta-tally-'));
  try {
    const tallyPath = join(folder, 'tally.json');
    const exitCode = await runVitest([tallyPath, ...args]);
    const { line, isGood } = verdictOf(readTally(tallyPath), exitCode);
    console.log(line);
    return isGood ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves to the exit code of the run; to 1 when a signal or the timeout ended it. */
function runVitest(args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'run-vitest.ts'), ...args], {
      cwd: join(import.meta.dirname, '..'),
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: runTimeoutMs,
      killSignal: 'SIGKILL',
    });
    // The terminal sends its signal to both; a supervisor to this process alone. The run ends first, then this does.
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, pass);
    child.once('error', (error) => {
      console.error(`Cannot start the tests: ${error.message}`);
      resolve(1);
    });
    child.once('close', (code, signal) => {
      if (signal !== null) console.error(`The run was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}

process.exitCode = await main(process.argv.slice(2));
