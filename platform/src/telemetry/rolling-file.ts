/**
 * A log file that several processes append to and any of them rotates.
 *
 * Each process appends whole blocks (O_APPEND: on a local file system blocks of several processes do not mix). Before a
 * block it looks at the path: where another file stands there, somebody rotated, and it opens that one; where the file
 * is full it renames it to `<path>.<time>-<process>` and begins a new one. Nothing is locked and no line is lost: a
 * process that has not looked yet still appends to the renamed file, and when two rotate at once one renames a file
 * that is nearly empty. The libraries that rotate files (rotating-file-stream, pino-roll) count their own bytes alone,
 * so that four workers would rename each other's files.
 */

import { close as closeCallback, fstat as fstatCallback, mkdirSync, open as openCallback, openSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Outlet, warnOnStderr } from './block-writer.ts';

const open = promisify(openCallback);
const close = promisify(closeCallback);
const fstat = promisify(fstatCallback);

export interface RollingFileOptions {
  readonly path: string;
  /** A block that would make the file longer begins a new one. */
  readonly bytesMax: number;
  /** How many rotated files stay beside the present one. */
  readonly filesMax: number;
}

/** Log lines tell of people (addresses, names), so others on the machine do not read them. */
const fileMode = 0o640;
const rotatedStamp = /^\.\d{8}T\d{9}Z-\d+-\d+$/;

export class RollingFile implements Outlet {
  readonly name: string;
  readonly #options: RollingFileOptions;
  #descriptor: number;
  #rotations = 0;
  #hasWarned = false;

  /** Opens the file, and makes its folder. Throws an Error that says which path cannot be written and why. */
  constructor(options: RollingFileOptions) {
    this.name = options.path;
    this.#options = options;
    this.#descriptor = openFirst(options.path);
  }

  get descriptor(): number {
    return this.#descriptor;
  }

  async ready(blockBytes: number): Promise<number> {
    const size = await this.#follow();
    if (size > 0 && size + blockBytes > this.#options.bytesMax) await this.#rotate();
    return this.#descriptor;
  }

  async close(): Promise<void> {
    await close(this.#descriptor);
  }

  /** Makes sure that the descriptor is of the file that stands at the path; resolves to its size. */
  async #follow(): Promise<number> {
    const [there, ours] = await Promise.all([statOrNothing(this.#options.path), fstat(this.#descriptor)]);
    if (there && there.ino === ours.ino && there.dev === ours.dev) return ours.size;
    await this.#reopen();
    return there?.size ?? 0;
  }

  async #reopen(): Promise<void> {
    await mkdir(dirname(this.#options.path), { recursive: true });
    const before = this.#descriptor;
    this.#descriptor = await open(this.#options.path, 'a', fileMode);
    await close(before);
  }

  /** Where it cannot be rotated the file grows on: a long log is better than none. */
  async #rotate(): Promise<void> {
    const { path, filesMax } = this.#options;
    try {
      const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '');
      this.#rotations += 1;
      await rename(path, `${path}.${stamp}-${process.pid}-${this.#rotations}`);
      await this.#reopen();
      await prune(path, filesMax);
      this.#hasWarned = false;
    } catch (cause) {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      warnOnStderr(`cannot rotate ${path}: ${cause instanceof Error ? cause.message : 'unknown'}`);
    }
  }
}

function openFirst(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a', fileMode);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown';
    throw new Error(`Cannot write the log file ${path}: ${reason}`, { cause });
  }
}

/** Removes the oldest rotated files. Another process may be doing the same, so one that is gone already is no fault. */
async function prune(path: string, filesMax: number): Promise<void> {
  const name = basename(path);
  const files = await readdir(dirname(path));
  const rotated = files.filter((file) => file.startsWith(name) && rotatedStamp.test(file.slice(name.length)));
  const old = rotated.toSorted().slice(0, Math.max(0, rotated.length - filesMax));
  for (const file of old) await rm(join(dirname(path), file), { force: true });
}

async function statOrNothing(path: string): Promise<{ ino: number; dev: number; size: number } | undefined> {
  try {
    return await stat(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
}
