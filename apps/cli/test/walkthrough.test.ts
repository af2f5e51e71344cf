import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mainScript, openPlace, type Place, type Server } from './place.ts';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const addressInReadme = 'http://localhost:8000';

let place: Place;
let server: Server;
beforeAll(async () => {
  place = openPlace();
  server = await place.start(['start', '--all']);
});
afterAll(() => place.close());

/** A command of the README, and the texts that stand below it as what it prints. */
interface Step {
  readonly command: string;
  readonly expected: readonly string[];
}

/** The fenced blocks right after `<!-- walkthrough -->`. */
function walkthroughBlocks(text: string): readonly string[] {
  return [...text.matchAll(/^<!-- walkthrough -->\n```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

/** Lines of a block as steps: a command may go on after a backslash, and `# → text` belongs to the one above. */
function stepsOf(block: string): readonly Step[] {
  const steps: { command: string; expected: string[] }[] = [];
  for (const line of block.replaceAll('\\\n', '\\\u0000').split('\n')) {
    const expected = /^# → (.+)$/.exec(line)?.[1];
    if (expected !== undefined) steps.at(-1)?.expected.push(expected);
    else if (line.trim() !== '') steps.push({ command: line.replaceAll('\u0000', '\n'), expected: [] });
  }
  return steps;
}

/** One bash session runs all steps; each writes what it prints to a file of its own. */
async function runSession(steps: readonly Step[]): Promise<readonly string[]> {
  const folder = path.join(place.folder, 'walkthrough');
  const programs = path.join(folder, 'programs');
  mkdirSync(programs, { recursive: true });
  // `npx quinta` as it would be in a checkout: this command, under the Node that runs the tests.
  const shim = `#!/bin/sh\n[ "$1" = quinta ] || exit 127\nshift\nexec '${process.execPath}' '${mainScript}' "$@"\n`;
  writeFileSync(path.join(programs, 'npx'), shim);
  chmodSync(path.join(programs, 'npx'), 0o755);
  // What the walkthrough names of the checkout by its path.
  symlinkSync(fileURLToPath(import.meta.resolve('../../../verifier')), path.join(folder, 'verifier'));
  const file = (step: number): string => path.join(folder, `${step}.out`);
  const script = steps.map(({ command }, step) => `{ ${command}\n} > '${file(step)}' 2>&1`).join('\n');
  const env = {
    ...place.variables,
    PATH: [programs, path.dirname(process.execPath), place.variables['PATH']].join(path.delimiter),
  };
  const session = `set -euo pipefail\n${script.replaceAll(addressInReadme, server.address)}\n`;
  await promisify(execFile)('bash', ['-c', session], { cwd: folder, env });
  return steps.map((_, step) => readFileSync(file(step), 'utf8'));
}

test('the walkthrough of the README does what it says', async () => {
  const blocks = walkthroughBlocks(readme);
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  expect(readme.match(/<!-- walkthrough -->/g)).toHaveLength(blocks.length);
  const steps = blocks.flatMap(stepsOf);
  expect(steps[0]?.command).toContain(addressInReadme);
  const outputs = await runSession(steps);
  for (const [place_, { command, expected }] of steps.entries()) {
    const output = outputs[place_] ?? '';
    expect({ command, missing: expected.filter((text) => !output.includes(text)), output }).toMatchObject({
      missing: [],
    });
    // What is printed and not told would surprise the reader, or be wrong one day without anybody noticing.
    expect({ command, untold: expected.length === 0 ? output.trim() : '' }).toEqual({ command, untold: '' });
  }
});
