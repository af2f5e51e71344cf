import { join } from 'node:path';

/**
 * What each task runs: a script of the house and the arguments before the caller's own. Those that work on the checkout
 * run in it; `quinta` stays where its caller is, so that the names of files in its arguments mean what they say.
 * @type {Readonly<Record<string, { about: string, script: string, args: readonly string[], isOfCheckout: boolean }>>}
 */
const tasks = {
  start: { about: 'starts all services', script: 'apps/cli/src/main.ts', args: ['start', '--all'], isOfCheckout: true },
  test: { about: 'runs the tests', script: 'tools/test.ts', args: [], isOfCheckout: true },
  check: {
    about: 'checks format, lint, types and house rules',
    script: 'tools/check.ts',
    args: [],
    isOfCheckout: true,
  },
  format: { about: 'formats the code', script: 'node_modules/oxfmt/bin/oxfmt', args: [], isOfCheckout: true },
  generate: { about: 'writes the generated files', script: 'tools/generate.ts', args: [], isOfCheckout: true },
  bench: {
    about: 'measures MEXA beside pgbench and its peers',
    script: 'bench/main.ts',
    args: [],
    isOfCheckout: true,
  },
  chaos: {
    about: 'kills and pauses what carries the events of SOFIPO',
    script: 'chaos/main.ts',
    args: [],
    isOfCheckout: true,
  },
  quinta: { about: 'runs a command of quinta', script: 'apps/cli/src/main.ts', args: [], isOfCheckout: false },
};

const list = Object.entries(tasks).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`);

export const usage = `Usage: node tools/setup/run.mjs <task> [arguments]\n\n${list.join('\n')}`;

/**
 * The arguments for Node, and where to run it; undefined where there is no such task.
 * @param {string} name
 * @param {readonly string[]} args
 * @param {string} root of the checkout
 * @returns {import('./child.mjs').Command | undefined}
 */
export function argumentsOf(name, args, root) {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (task === undefined) return undefined;
  const script = join(root, task.script);
  return { args: [script, ...task.args, ...args], cwd: task.isOfCheckout ? root : process.cwd() };
}
