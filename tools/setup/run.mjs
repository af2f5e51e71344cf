#!/usr/bin/env node
// The door of every npm script: makes sure of packages and Node 24, then runs the task. Plain JavaScript for Node 20,
// because it runs before anything is installed.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNode, ensurePackages, SetupError } from './packages.mjs';
import { runChild } from './run-child.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** @type {Record<string, [file: string, ...words: string[]]>} */
const tasks = {
  start: ['apps/cli/src/main.ts', 'start', '--all'],
  test: ['tools/test.ts'],
  check: ['tools/check.ts'],
  format: ['node_modules/oxfmt/bin/oxfmt', '.'],
  generate: ['tools/generate.ts'],
  quinta: ['apps/cli/src/main.ts'],
};

/**
 * Runs a task of the table with more words behind; resolves to the exit status.
 * @param {string} name
 * @param {string[]} words
 */
export async function runTask(name, words) {
  const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
  if (!task) {
    say(`There is no task "${name}". There are: ${Object.keys(tasks).join(', ')}`);
    return 2;
  }
  try {
    await ensurePackages(root, 'packages', say);
    const node = await ensureNode(root, say);
    const [file, ...before] = task;
    return await runChild(node, [path.join(root, file), ...before, ...words], {
      cwd: name === 'quinta' ? process.cwd() : root,
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return 1;
  }
}

/**
 * To the person at the terminal, beside what a script reads.
 * @param {string} line
 */
function say(line) {
  process.stderr.write(`${line}\n`);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await runTask(process.argv[2] ?? '', process.argv.slice(3));
}
