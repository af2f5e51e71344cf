import path from 'node:path';
import { contestants } from './contestants/list.ts';
import { parseOptions } from './options.ts';
import { parts } from './parts/list.ts';
import { pagesOf, runBench, writeReport } from './run-bench.ts';
import { runLongCommand } from './stage/command.ts';

const pageFolder = path.join(import.meta.dirname, '..', 'docs', 'reference');

const listOf = (named: readonly { readonly name: string; readonly about: string }[]): string =>
  named.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n');

const usage = `bench: what is fast, beside its limits and beside its peers, in one run on one PostgreSQL.

  npm run bench                      everything, some 45 minutes; writes docs/reference/benchmarks*.md
  npm run bench -- --quick           whether everything works, in one to three minutes; writes nothing
  npm run bench -- --only <a,b>      some parts or contestants, or all of move-acces or sofipo
  npm run bench -- --rows 1e7        growth up to 10,000,000 vouchers: an hour or more, some 10 GB of disk

  --rounds <n>     rounds of each measurement (5)
  --seconds <n>    length of a measurement (8)
  --rows <n>       vouchers that growth ends with (1e6)
  --json <file>    everything measured, as JSON
  --write          write docs/reference/benchmarks*.md after a quick or partial run too

Parts:
${listOf(parts)}

Contestants:
${listOf(contestants.map(({ name, title }) => ({ name, about: title })))}

The page goes to standard output, what is under way to standard error. Measure on a quiet machine: nothing else should
run. Needs pgbench for the ratios; wrk, else autocannon is used; Debian's Python packages for FastAPI and Flask, which
are left out without them. Everything is started on private ports and folders and ended at the end or by Ctrl-C.

Exit status: 0 done, a missed bar included; 1 something failed to run or gave a wrong answer; 2 a wrong argument;
130 stopped.`;

await runLongCommand({
  name: 'bench',
  usage,
  parse: (args) => parseOptions(args, { parts, contestants: contestants.map(({ name }) => name) }),
  work: async (options, run) => {
    const report = await runBench(options, run);
    writeReport(report, options, pageFolder);
    for (const page of pagesOf(report).values()) console.log(page);
    const faults = report.sections.flatMap((section) => section.faults);
    if (faults.length > 0) console.error(`bench failed: ${faults.length} faults`);
    return faults.length > 0 ? 1 : 0;
  },
});
