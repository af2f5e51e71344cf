import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Account, accountOf, barrierTo, ownAccount } from './account.ts';
import { EmbeddedServerError, explained, explaining } from './embedded-server-error.ts';
import { originName, sweepTemporary } from './sweep.ts';

/** Where everything of one embedded server is. */
export interface Place {
  readonly account: Account;
  /** Holds all of the below; the data folder itself, or a folder that root's PostgreSQL can reach. */
  readonly directory: string;
  readonly clusterDirectory: string;
  readonly logFile: string;
  readonly lockFile: string;
  readonly secretFile: string;
}

const pointerName = 'database-is-elsewhere.txt';
const reachableByAll = 0o755;
const othersMayWrite = 0o022;

/**
 * Decides where the cluster of a data folder lives: in it, wherever PostgreSQL's account can reach it; else, for root,
 * under /var/lib/quinta (or the folder for temporary files), with a text file in the data folder that names the place.
 */
export function placeFor(dataDirectory: string, say: (line: string) => void): Place {
  const home = madeFolder(dataDirectory);
  const own = ownAccount();
  const moved = own.isDelegated ? pointedPlace(home) : undefined;
  if (moved !== undefined) return placeIn(moved, own);
  const hasCluster = existsSync(join(home, 'cluster'));
  const place = placeIn(home, own);
  const barrier = place.account.isDelegated ? barrierTo(home, place.account) : undefined;
  if (barrier === undefined) return place;
  if (hasCluster) {
    throw new EmbeddedServerError(
      `PostgreSQL refuses to run as root, and ${place.account.name} cannot reach the database in ${home}: ` +
        `${barrier} is closed to it. Open it (chmod o+x), or start as the user who owns it.`,
    );
  }
  return placeIn(movedPlace(home, barrier, own, say), own);
}

/** A folder of root's that no one else can write to and everybody can pass: /var/lib/quinta, else a temporary one. */
export function sharedFolder(): { readonly path: string; readonly isTemporary: boolean } {
  const [lasting, temporary] = ['/var/lib/quinta', join(tmpdir(), `quinta-of-${process.geteuid?.() ?? 0}`)];
  try {
    return { path: safeFolder(lasting), isTemporary: false };
  } catch {
    return { path: explaining(`Cannot use ${temporary}`, () => safeFolder(temporary)), isTemporary: true };
  }
}

function safeFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: reachableByAll });
  const stats = lstatSync(path);
  if (!stats.isDirectory() || stats.uid !== process.geteuid?.() || (stats.mode & othersMayWrite) !== 0) {
    throw new EmbeddedServerError(`Cannot use ${path}: it is not a folder that this user alone can write to.`);
  }
  accessSync(path, constants.W_OK);
  chmodSync(path, reachableByAll); // whatever the umask made of it
  return path;
}

function madeFolder(path: string): string {
  return explaining(`Cannot keep the database in ${path}`, () => {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK | constants.X_OK);
    return realpathSync(path);
  });
}

function placeIn(directory: string, own: Account): Place {
  const clusterDirectory = join(directory, 'cluster');
  return {
    account: accountFor(clusterDirectory, own),
    directory,
    clusterDirectory,
    logFile: join(directory, 'postgresql.log'),
    lockFile: join(directory, 'lock.sqlite'),
    secretFile: join(directory, 'secret'),
  };
}

/** Root runs a cluster as whoever owns it; anybody else can only run their own. */
function accountFor(clusterDirectory: string, own: Account): Account {
  const owner = statSync(clusterDirectory, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === own.uid) return own;
  if (own.isDelegated) return owner.uid === 0 ? own : accountOf(owner);
  throw new EmbeddedServerError(
    `The database in ${clusterDirectory} belongs to ${accountOf(owner).name}. Start as that user or as root, ` +
      'or choose another folder with QUINTA_DATA_DIR.',
  );
}

/** Where the pointer in the data folder leads. A copied data folder does not share the original's database. */
function pointedPlace(home: string): string | undefined {
  const pointer = join(home, pointerName);
  if (!existsSync(pointer)) return undefined;
  const path = readFileSync(pointer, 'utf8').trim().split('\n').at(-1) ?? '';
  const origin = join(path, originName);
  if (!existsSync(origin)) return undefined;
  const owner = readFileSync(origin, 'utf8').trim();
  if (owner === home) return path;
  if (existsSync(join(owner, pointerName))) return undefined;
  writeWhole(origin, `${home}\n`); // the data folder was moved, and its database comes along
  return path;
}

function movedPlace(home: string, barrier: string, { name }: Account, say: (line: string) => void): string {
  const shared = sharedFolder();
  const path = join(shared.path, `data-${shortHash(home)}`);
  sweepTemporary(shared.path);
  say(
    `PostgreSQL refuses to run as root, and ${name} cannot pass ${barrier}: the database of ${home} is in ${path}` +
      (shared.isTemporary ? ', which the system may empty; open the folder or set DATABASE_URL to keep it.' : '.'),
  );
  try {
    mkdirSync(path, { recursive: true, mode: reachableByAll });
    chmodSync(path, reachableByAll);
    writeWhole(join(path, originName), `${home}\n`);
    writeWhole(join(home, pointerName), pointerText(name, barrier, path));
    return path;
  } catch (error) {
    throw explained(`Cannot keep the database in ${path}`, error);
  }
}

function pointerText(name: string, barrier: string, path: string): string {
  return `PostgreSQL refuses to run as root, and the user ${name} cannot pass ${barrier}.\nThe database is in:\n${path}\n`;
}

/** Writes beside and renames, so that no reader sees half of it. */
export function writeWhole(path: string, text: string, mode = 0o644): void {
  const part = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(part, text, { mode, flush: true });
  renameSync(part, path);
}

/** Enough of a hash to tell the folders of one machine apart, short enough for the path of a socket. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
