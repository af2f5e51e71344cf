import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';

import { SetupError } from './setup-error.mjs';

/** @typedef {{ args: readonly string[], cwd: string }} Command */
/** @typedef {{ readonly received: NodeJS.Signals | undefined, attach(child: import('node:child_process').ChildProcess): void, unfollow(): void }} Signals */

/** @type {readonly NodeJS.Signals[]} */
const followed = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * Passes the signals that end a process on to the child of the moment, as often as they come: npm passes its own on to
 * us, and one for the whole process group arrives besides, so a second must not end us before the child.
 * @returns {Signals}
 */
export function followSignals() {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let current;
  /** @type {NodeJS.Signals | undefined} */
  let received;
  /** @param {NodeJS.Signals} signal */
  const follow = (signal) => {
    received ??= signal;
    // A terminal sends its Ctrl-C to the child itself; twice would mean "at once" to many programs.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) current?.kill(signal);
  };
  for (const signal of followed) process.on(signal, follow);
  return {
    get received() {
      return received;
    },
    attach(child) {
      current = child;
      if (received !== undefined) child.kill(received);
    },
    unfollow() {
      for (const signal of followed) process.off(signal, follow);
    },
  };
}

/**
 * Runs Node with this terminal until it ends, and resolves to its exit code as a shell gives it.
 * @param {string} node
 * @param {Command} command
 * @param {Signals} signals
 * @returns {Promise<number>}
 */
export function runToEnd(node, { args, cwd }, signals) {
  const env = { ...process.env, PATH: [dirname(node), process.env['PATH'] ?? ''].join(delimiter) };
  const child = spawn(node, args, { cwd, env, stdio: 'inherit' });
  signals.attach(child);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new SetupError(`Cannot start ${node}: ${error.message}`)));
    child.once('close', (code, signal) => resolve(signal === null ? (code ?? 1) : exitCodeOf(signal)));
  });
}

/** @param {NodeJS.Signals} signal */
export function exitCodeOf(signal) {
  return 128 + constants.signals[signal];
}
