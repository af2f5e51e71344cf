import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { messageOf, SetupError } from './setup-error.mjs';

const markName = '.quinta-installed';

/**
 * Whether node_modules holds what package-lock.json says, here and for this machine. Without our mark (somebody has run
 * npm by hand) npm's own record of what it has installed decides.
 * @param {string} folder
 */
export function isInstalled(folder) {
  const mark = join(folder, 'node_modules', markName);
  if (existsSync(mark)) return readFileSync(mark, 'utf8') === expectedMark(folder);
  return missingPackages(folder)?.length === 0;
}

/** @param {string} folder */
export function markInstalled(folder) {
  const mark = join(folder, 'node_modules', markName);
  const part = `${mark}.${process.pid}`;
  mkdirSync(dirname(mark), { recursive: true }); // npm makes none where there is nothing to install
  writeFileSync(part, expectedMark(folder));
  renameSync(part, mark);
}

/** @param {string} folder */
function expectedMark(folder) {
  const parts = [readLock(folder), process.platform, process.arch, realpathSync(folder)];
  return `${createHash('sha256').update(parts.join('\0')).digest('hex')}\n`;
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, os?: string[], cpu?: string[] }} Entry */

/**
 * What npm's own record of its last installation lacks of what this machine needs; undefined where there is no record:
 * npm writes it last of all, so there is none after an installation that was cut off.
 * @param {string} folder
 * @returns {readonly string[] | undefined}
 */
export function missingPackages(folder) {
  const record = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return undefined;
  const [installed, wanted] = [packagesIn(readFileSync(record, 'utf8')), packagesIn(readLock(folder))];
  const unwanted = [...installed.keys()].filter((path) => !wanted.has(path));
  return [...wanted]
    .filter(([path, entry]) => !isThere(path, entry, installed.get(path)))
    .map(([path]) => path)
    .concat(unwanted);
}

/**
 * Optional packages may be absent, but not those for just this kind of machine: npm passes over one that it cannot
 * fetch, and says nothing.
 * @param {string} path
 * @param {Entry} wanted
 * @param {Entry | undefined} found
 */
function isThere(path, { version, integrity, optional, os, cpu }, found) {
  if (found !== undefined) return found.version === version && found.integrity === integrity;
  const isForUs = os?.includes(process.platform) && cpu?.includes(process.arch) && !path.includes(otherLibrary());
  return optional === true && isForUs !== true;
}

/** How packages for the C library that this system does not have end their names. */
function otherLibrary() {
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return header.glibcVersionRuntime === undefined ? '-gnu' : '-musl';
}

/**
 * The packages that lie in node_modules; the checkout's own stand beside them in the file.
 * @param {string} text
 * @returns {ReadonlyMap<string, Entry>}
 */
function packagesIn(text) {
  const { packages = {} } = /** @type {{ packages?: Record<string, Entry> }} */ (JSON.parse(text));
  return new Map(Object.entries(packages).filter(([path]) => path.startsWith('node_modules/')));
}

/** @param {string} folder */
function readLock(folder) {
  try {
    return readFileSync(join(folder, 'package-lock.json'), 'utf8');
  } catch (error) {
    throw new SetupError(`Cannot read what to install: ${messageOf(error)}`);
  }
}
