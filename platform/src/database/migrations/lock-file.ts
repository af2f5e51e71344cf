import { readFile, writeFile } from 'node:fs/promises';
import { MigrationError } from './migration-error.ts';
import { listMigrationFiles } from './stream.ts';

/** What `lock` did. */
export interface LockOutcome {
  /** Migrations whose hash was written now. */
  readonly added: readonly string[];
  /** Locked migrations whose file is another now; their lock is left as it is. */
  readonly altered: readonly string[];
  /** Locked migrations whose file is gone. */
  readonly missing: readonly string[];
}

/** How a folder stands to its lock. */
export interface LockReport {
  readonly altered: readonly string[];
  readonly missing: readonly string[];
  /** Migrations that no lock holds yet. */
  readonly unlocked: readonly string[];
}

type Hashes = Readonly<Record<string, string>>;

const fileName = 'lock.json';

/**
 * Freezes the migrations of a folder: writes the SHA-256 of each new file to `lock.json` beside them. What is locked
 * already is never changed, whatever has become of its file.
 */
export async function lockMigrations(folder: URL): Promise<LockOutcome> {
  const locked = await readLock(folder);
  const { altered, missing, unlocked } = await checkLock(folder);
  if (unlocked.length > 0) {
    const files = await listMigrationFiles(folder);
    const added = files.filter((file) => unlocked.includes(file.name)).map((file) => [file.name, file.hash] as const);
    const all = [...Object.entries(locked), ...added].toSorted(([a], [b]) => (a < b ? -1 : 1));
    await writeFile(lockUrl(folder), `${JSON.stringify(Object.fromEntries(all), undefined, 2)}\n`);
  }
  return { added: unlocked, altered, missing };
}

/** Compares the files of a folder with its `lock.json`, and changes nothing. */
export async function checkLock(folder: URL): Promise<LockReport> {
  const locked = await readLock(folder);
  const files = await listMigrationFiles(folder);
  const present = new Set(files.map((file) => file.name));
  return {
    altered: files.filter((file) => (locked[file.name] ?? file.hash) !== file.hash).map((file) => file.name),
    missing: Object.keys(locked).filter((name) => !present.has(name)),
    unlocked: files.filter((file) => locked[file.name] === undefined).map((file) => file.name),
  };
}

async function readLock(folder: URL): Promise<Hashes> {
  const text = await readLockText(folder);
  if (text === undefined) return {};
  const hashes = parsed(text);
  if (!isHashes(hashes)) {
    throw new MigrationError('bad_stream', `${lockUrl(folder).pathname} is not an object of names and hashes`);
  }
  return hashes;
}

async function readLockText(folder: URL): Promise<string | undefined> {
  try {
    return await readFile(lockUrl(folder), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says that it is no lock
  }
}

function isHashes(value: unknown): value is Hashes {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((hash) => /^[0-9a-f]{64}$/.test(`${hash}`))
  );
}

function lockUrl(folder: URL): URL {
  return new URL(fileName, folder.href.endsWith('/') ? folder : `${folder.href}/`);
}
