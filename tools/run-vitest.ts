import { parseCLI, startVitest } from 'vitest/node';

import { TallyReporter } from './tally.ts';

/**
 * One run of vitest in this process: `node tools/run-vitest.ts <tally file> [arguments of vitest]`. Started by
 * tools/test.ts, which reads the tally afterwards, whatever has become of this process.
 */
const [tallyPath = '', ...args] = process.argv.slice(2);
const { filter, options } = parseCLI(['vitest', 'run', ...args]);
const asked = [options.reporters ?? options.reporter ?? []].flat();
const reporters = [...(asked.length > 0 ? asked : ['default']), new TallyReporter(tallyPath)];
const vitest = await startVitest(filter, { ...options, run: true, watch: false, reporters });
await vitest.exit();
