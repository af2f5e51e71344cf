import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { exitCodeOf } from './child.mjs';
import { isInstalled, markInstalled, missingPackages } from './installed.mjs';
import { acquireLock } from './lock.mjs';
import { messageOf, SetupError } from './setup-error.mjs';

/** npm says what is wrong first, and may add a page of usage. */
const headLines = 10;
const tailLines = 10;
const sayAgainMs = 15_000;

/** @type {Readonly<Record<string, string>>} */
const announcements = {
  '.': 'Installing packages (first start only)…',
  'bench/peers': 'Installing the peers of the benchmark (first run only)…',
  'tools/node24': `Bringing in Node 24 (first start only; this is ${process.version})…`,
};

/**
 * Makes sure that each folder of the checkout has exactly the packages of its package-lock.json. Touches neither disk
 * nor network where it has. Of two starts at once the second waits for the first. Throws a SetupError.
 * @param {string} root
 * @param {readonly string[]} folders relative to the root
 * @param {import('./child.mjs').Signals} signals
 */
export async function ensureInstalled(root, folders, signals) {
  const isMissing = () => folders.some((folder) => !isInstalled(join(root, folder)));
  if (!isMissing()) return;
  const state = stateFolder(root);
  const lock = await acquireLock(join(state, 'setup.lock'), signals);
  try {
    for (const folder of folders.filter((name) => !isInstalled(join(root, name)))) {
      console.error(announcements[folder]);
      await install(join(root, folder), { state, lock, signals });
      markInstalled(join(root, folder));
      tellOfMissing(join(root, folder));
    }
  } finally {
    lock.release();
  }
}

/**
 * npm counts an optional package that it could not fetch as a success. Most can be done without, so this is no failure.
 * @param {string} folder
 */
function tellOfMissing(folder) {
  const missing = missingPackages(folder) ?? [];
  if (missing.length === 0) return;
  console.error(`npm has left out ${missing.join(', ')}. To try again, remove ${join(folder, 'node_modules')}.`);
}

/** @typedef {{ state: string, lock: import('./lock.mjs').Lock, signals: import('./child.mjs').Signals }} Surroundings */

/**
 * @param {string} folder
 * @param {Surroundings} surroundings
 */
async function install(folder, { state, lock, signals }) {
  const log = join(state, 'setup.log');
  const output = openSync(log, 'w', 0o600);
  try {
    const outcome = await runNpm(folder, output, { lock, signals });
    if (signals.received !== undefined) throw new SetupError('Stopped.', exitCodeOf(signals.received));
    if (outcome !== undefined) {
      throw new SetupError(`Cannot install the packages in ${folder}: npm ${outcome}.\n${tailOf(log)}`);
    }
  } finally {
    closeSync(output);
  }
  rmSync(log, { force: true });
}

/**
 * Runs `npm ci`; resolves to what went wrong. Its output goes to a file and not through us, so that it ends its work
 * even when we are killed; the lock names it, so that nobody begins before.
 * @param {string} folder
 * @param {number} output
 * @param {Pick<Surroundings, 'lock' | 'signals'>} surroundings
 * @returns {Promise<string | undefined>}
 */
function runNpm(folder, output, { lock, signals }) {
  const { command, before } = npmCommand();
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  // Node 20 installs what only Node 24 will run.
  const env = { ...process.env, npm_config_engine_strict: 'false', npm_config_update_notifier: 'false' };
  const child = spawn(command, [...before, ...args], { cwd: folder, env, stdio: ['ignore', output, output] });
  if (child.pid !== undefined) lock.share(child.pid);
  signals.attach(child);
  const started = Date.now();
  const timer = setInterval(
    () => console.error(`… still installing (${Math.round((Date.now() - started) / 1000)} s)`),
    sayAgainMs,
  );
  child.once('close', () => clearInterval(timer));
  child.once('error', () => clearInterval(timer));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`cannot be started (${error.message})`));
    child.once('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`));
  });
}

/** The npm that runs us, under this Node; else the one on the PATH. */
function npmCommand() {
  const own = process.env['npm_execpath'];
  const isNpm = own !== undefined && /npm-cli\.[cm]?js$/.test(own);
  return isNpm ? { command: process.execPath, before: [own] } : { command: 'npm', before: [] };
}

/**
 * The folder of the house's own files, where git does not look.
 * @param {string} root
 */
function stateFolder(root) {
  const folder = join(root, '.quinta');
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw new SetupError(
      `Packages are missing and cannot be installed: ${root} is not writable (${messageOf(error)}).`,
    );
  }
}

/** @param {string} log */
function tailOf(log) {
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  if (lines.length <= headLines + tailLines) return lines.join('\n');
  return [...lines.slice(0, headLines), '…', ...lines.slice(-tailLines)].join('\n');
}
