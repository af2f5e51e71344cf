import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';

/** @type {NodeJS.Signals[]} */
const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * Runs a command to its end with our terminal, and resolves to its exit status (128 + n for a signal). Signals are
 * handed on and survived: npm and a process group may both send them, and we must not end before the child has.
 * @param {string} node
 * @param {string[]} words
 * @param {{ cwd: string }} where
 * @returns {Promise<number>}
 */
export function runChild(node, words, { cwd }) {
  const environment = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env['PATH'] ?? ''}` };
  return new Promise((resolve, reject) => {
    const child = spawn(node, words, { cwd, env: environment, stdio: 'inherit' });
    for (const signal of forwarded) process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}
