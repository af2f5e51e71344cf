import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { binOf, runSteps, type Step, type StepResult } from './step.ts';

const root = join(import.meta.dirname, '..');
const node = process.execPath;

/** The longest first: two run at a time, and the short ones fill the gaps. */
const steps: readonly Step[] = [
  {
    name: 'lint',
    about: 'oxlint with type-aware rules; a warning is an error',
    command: binOf(root, 'oxlint'),
    args: ['--type-aware', '--deny-warnings'],
  },
  { name: 'types', about: 'tsc over everything', command: binOf(root, 'tsc'), args: ['--project', 'tsconfig.json'] },
  { name: 'knip', about: 'what nobody uses: files, exports, dependencies', command: binOf(root, 'knip'), args: [] },
  {
    name: 'generated',
    about: 'docs/reference is what the code says',
    command: node,
    args: ['tools/generate.ts', '--check'],
  },
  { name: 'tidy', about: 'the rules of the house', command: node, args: ['tools/tidy.ts'] },
  {
    name: 'format',
    about: 'oxfmt would change nothing (npm run format mends it)',
    command: binOf(root, 'oxfmt'),
    args: ['--check', '.'],
  },
];

const usage = `check: the gate before each commit.

  npm run check [-- --only <step>]

Steps:
${steps.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}

Prints one line a step, and the output of those that failed. Exit code: 0 when all are good, 1 when one failed,
2 for a wrong argument.`;

const stepsAtOnce = 2;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const unknown = values.only?.find((name) => !steps.some((step) => step.name === name));
  if (unknown !== undefined) {
    console.error(`There is no step "${unknown}". The steps: ${steps.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  process.chdir(root);
  const chosen = steps.filter(({ name }) => values.only?.includes(name) ?? true);
  const results = await runSteps(chosen, stepsAtOnce, (result) => console.log(lineOf(result)));
  const failed = results.filter(({ isGood }) => !isGood);
  for (const { step, output } of failed) console.log(`\n--- ${step.name} ---\n${output}`);
  if (failed.length > 0) console.log(`\ncheck failed: ${failed.map(({ step }) => step.name).join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

function lineOf({ step, isGood, durationMs }: StepResult): string {
  return `${isGood ? 'good  ' : 'FAILED'} ${step.name.padEnd(10)} ${(durationMs / 1000).toFixed(1)} s`;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
