import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Migration } from '../migration.ts';
import { MigrationError, messageOf } from './migration-error.ts';

/** A folder of numbered migrations under one name: the platform's, or a service's. */
export interface MigrationStream {
  /** `platform`, or the service's name. */
  readonly name: string;
  readonly folder: URL;
  /** Names (without `.ts`) of those that are wanted; default all. */
  readonly only?: readonly string[];
}

/** A migration's file, as its name says. */
export interface MigrationFile {
  /** Without `.ts`: `v001_initial_schema`. */
  readonly name: string;
  /** `v` in `v001_initial_schema`. */
  readonly prefix: string;
  /** 1 in `v001_initial_schema`. */
  readonly number: number;
  readonly url: URL;
  /** SHA-256 of the file's bytes, in hex. */
  readonly hash: string;
}

/** A migration that is ready to run. */
export interface LoadedMigration extends MigrationFile {
  readonly stream: string;
  readonly migration: Migration;
}

const namePattern = /^([a-z])(\d{3})_[a-z0-9]+(?:_[a-z0-9]+)*$/;

/**
 * Reads every stream in the order given, each in the order of its numbers, and imports the files.
 * Throws a MigrationError of kind `bad_stream` for a wrong name, a number that is there twice or missing, or a file
 * that exports no `migration`.
 */
export async function loadStreams(streams: readonly MigrationStream[]): Promise<readonly LoadedMigration[]> {
  const loaded: LoadedMigration[] = [];
  for (const stream of streams) {
    const files = selected(stream, await listMigrationFiles(stream.folder));
    for (const file of files) {
      loaded.push({ ...file, stream: stream.name, migration: await importMigration(stream.name, file) });
    }
  }
  refuseTwice(loaded);
  return loaded;
}

/** The migrations of a folder by number, without running any of them. Tests beside them are passed over. */
export async function listMigrationFiles(folder: URL): Promise<readonly MigrationFile[]> {
  const base = folder.href.endsWith('/') ? folder : new URL(`${folder.href}/`);
  const names = (await namesIn(base)).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).toSorted();
  const files: MigrationFile[] = [];
  for (const fileName of names) {
    const name = fileName.slice(0, -'.ts'.length);
    const [, prefix, digits] = namePattern.exec(name) ?? [];
    if (prefix === undefined) {
      throw bad(`${fileName} is no name for a migration: expected one like v001_initial_schema.ts`, name);
    }
    const url = new URL(fileName, base);
    const hash = createHash('sha256')
      .update(await readFile(url))
      .digest('hex');
    files.push({ name, prefix, number: Number(digits), url, hash });
  }
  refuseMixed(files);
  return files;
}

async function namesIn(folder: URL): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw bad(`Cannot list the migrations in ${folder.pathname}: ${messageOf(error)}`, undefined, error);
  }
}

/** One letter a folder, and each number once. */
function refuseMixed(files: readonly MigrationFile[]): void {
  files.forEach((file, index) => {
    const before = files[index - 1];
    if (!before) return;
    if (before.prefix !== file.prefix) {
      throw bad(`${before.name} and ${file.name} are in one folder but start with different letters`, file.name);
    }
    if (before.number === file.number) {
      throw bad(`${before.name} and ${file.name} have the same number`, file.name);
    }
  });
}

function selected(stream: MigrationStream, files: readonly MigrationFile[]): readonly MigrationFile[] {
  if (stream.only) {
    const missing = stream.only.find((name) => files.every((file) => file.name !== name));
    if (missing !== undefined) throw bad(`The stream ${stream.name} asks for ${missing}, which is not there`, missing);
    return files.filter((file) => stream.only?.includes(file.name));
  }
  files.forEach((file, index) => {
    if (file.number === index + 1) return;
    const expected = `${file.prefix}${String(index + 1).padStart(3, '0')}`;
    throw bad(`The stream ${stream.name} has a gap: ${file.name} stands where ${expected}_… should`, file.name);
  });
  return files;
}

function refuseTwice(loaded: readonly LoadedMigration[]): void {
  const seen = new Set<string>();
  for (const { stream, name } of loaded) {
    const key = `${stream}/${name}`;
    if (seen.has(key)) throw bad(`${name} is in the stream ${stream} twice`, name);
    seen.add(key);
  }
}

async function importMigration(stream: string, file: MigrationFile): Promise<Migration> {
  const module = await importFile(stream, file);
  const { migration } = module;
  if (!isMigration(migration)) {
    throw bad(`${stream}/${file.name} exports no \`migration\` with a \`why\`, an \`up\` and a \`down\``, file.name);
  }
  return migration;
}

async function importFile(stream: string, file: MigrationFile): Promise<{ readonly migration?: unknown }> {
  try {
    return (await import(file.url.href)) as { readonly migration?: unknown };
  } catch (error) {
    throw bad(`Cannot import ${stream}/${file.name}: ${messageOf(error)}`, file.name, error);
  }
}

function isMigration(value: unknown): value is Migration {
  if (typeof value !== 'object' || value === null) return false;
  const { why, up, down, verify } = value as Partial<Record<keyof Migration, unknown>>;
  const hasReason = typeof why === 'string' && why.trim() !== '';
  return (
    hasReason &&
    typeof up === 'function' &&
    typeof down === 'function' &&
    (verify === undefined || typeof verify === 'function')
  );
}

function bad(message: string, migration?: string, cause?: unknown): MigrationError {
  return new MigrationError('bad_stream', message, { ...(migration === undefined ? {} : { migration }), cause });
}
