import { parseArgs } from 'node:util';

import { formatFinding } from './tidy/rule.ts';
import { rules } from './tidy/rules.ts';
import { readTree } from './tidy/tree.ts';

const usage = `tidy: the rules of the house, over every file that git tracks or would track.

  node tools/tidy.ts [--only <rule>] [--help]

Rules:
${rules.map(({ name, holds }) => `  ${name.padEnd(17)} ${holds}`).join('\n')}

Exit code: 0 when all hold, 1 with one line for each place where one does not, 2 for a wrong argument.`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const chosen = rules.filter(({ name }) => values.only === undefined || values.only === name);
  if (chosen.length === 0) {
    console.error(`There is no rule "${values.only}". The rules: ${rules.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const tree = await readTree(import.meta.dirname + '/..');
  const lines = chosen.flatMap((rule) => rule.find(tree).map((finding) => formatFinding(rule, finding)));
  for (const line of lines) console.log(line);
  console.log(`${chosen.length} rules over ${tree.paths.size} files: ${lines.length} places to mend`);
  return lines.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
