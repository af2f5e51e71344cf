import { constants } from 'node:os';
import path from 'node:path';
import { contestants } from './contestants/list.ts';
import { type Options, parseOptions, UsageError } from './options.ts';
import { parts } from './parts/list.ts';
import { pageOf } from './report/page.ts';
import { runBench, writeReport } from './run-bench.ts';

const pageFile = path.join(import.meta.dirname, '..', 'docs', 'reference', 'benchmarks.md');

const listOf = (named: readonly { readonly name: string; readonly about: string }[]): string =>
  named.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n');

const usage = `bench: MEXA beside PostgreSQL's own benchmark and beside its peers, in one run on one PostgreSQL.

  npm run bench                      everything, some 30 minutes; writes docs/reference/benchmarks.md
  npm run bench -- --quick           whether everything works, in one to three minutes; writes nothing
  npm run bench -- --only <a,b>      some parts or contestants
  npm run bench -- --rows 1e7        growth up to 10,000,000 vouchers: an hour or more, some 10 GB of disk

  --rounds <n>     rounds of each measurement (5)
  --seconds <n>    length of a measurement (8)
  --rows <n>       vouchers that growth ends with (1e6)
  --json <file>    everything measured, as JSON
  --write          write docs/reference/benchmarks.md after a quick or partial run too

Parts:
${listOf(parts)}

Contestants:
${listOf(contestants.map(({ name, title }) => ({ name, about: title })))}

The page goes to standard output, what is under way to standard error. Measure on a quiet machine: nothing else should
run. Needs pgbench for the ratios; wrk, else autocannon is used; Debian's Python packages for FastAPI and Flask, which
are left out without them. Everything is started on private ports and folders and ended at the end or by Ctrl-C.

Exit status: 0 done, a missed bar included; 1 something failed to run or gave a wrong answer; 2 a wrong argument;
130 stopped.`;

/** The first signal stops the run, in order; npm and a terminal may both send one, so later ones change nothing. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!controller.signal.aborted) process.exitCode = 128 + constants.signals[name];
      controller.abort(new Error(`Stopped by ${name}`));
    });
  }
  return controller.signal;
}

async function main(): Promise<number | undefined> {
  const options = readOptions();
  if (typeof options === 'number') return options;
  const signal = abortOnSignals();
  const startedMs = performance.now();
  const say = (line: string): void => {
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    console.error(`${String(seconds).padStart(5)} s  ${line}`);
  };
  try {
    const report = await runBench(options, { signal, say });
    writeReport(report, options, pageFile);
    console.log(pageOf(report));
    const faults = report.sections.flatMap((section) => section.faults);
    if (faults.length > 0) console.error(`bench failed: ${faults.length} faults`);
    return faults.length > 0 ? 1 : 0;
  } catch (error) {
    if (signal.aborted) {
      console.error('Stopped: everything that was started has ended');
      return undefined; // the signal has said it
    }
    console.error(error);
    return 1;
  }
}

function readOptions(): Options | number {
  try {
    const names = { parts: parts.map(({ name }) => name), contestants: contestants.map(({ name }) => name) };
    const options = parseOptions(process.argv.slice(2), names);
    if (!options.isHelp) return options;
    console.log(usage);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n(npm run bench -- --help says what there is)`);
    return 2;
  }
}

process.exitCode = (await main()) ?? process.exitCode ?? 1;
