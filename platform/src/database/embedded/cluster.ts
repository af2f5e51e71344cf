import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Account, hasName, identityOf } from './account.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedServerError, explained, explaining, reasonIn } from './embedded-server-error.ts';
import type { Place } from './placement.ts';
import { makeSecret, type PasswordOf, readPasswords } from './secret.ts';

export const superuser = 'postgres';

const partPrefix = 'cluster.part-';
const initdbTimeoutMs = 180_000;
const outputMax = 20_000;

/**
 * Makes the cluster where there is none, and checks and repairs the one there is. initdb works in a folder beside that
 * is renamed when it is done, so a cluster is whole or absent. Call it under the mutex. Throws an EmbeddedServerError.
 */
export async function ensureCluster(place: Place, binaries: Binaries, say: (line: string) => void): Promise<void> {
  removeParts(place.directory);
  if (existsSync(join(place.clusterDirectory, 'PG_VERSION'))) {
    checkVersion(place, binaries);
    explaining(`Cannot use ${place.clusterDirectory}`, () => giveTo(place));
    return;
  }
  explaining(`${place.clusterDirectory} is no database of PostgreSQL; move it away to begin with an empty one`, () => {
    if (existsSync(place.clusterDirectory)) rmdirSync(place.clusterDirectory);
  });
  requireName(place.account);
  say(`Making a PostgreSQL ${binaries.major} database in ${place.directory} (first start only)…`);
  await makeCluster(place, binaries);
}

async function makeCluster(place: Place, binaries: Binaries): Promise<void> {
  const part = join(place.directory, `${partPrefix}${randomBytes(4).toString('hex')}`);
  const passwordFile = `${part}.password`;
  makeSecret(place.secretFile);
  try {
    preparePart(place.account, part, passwordFile, readPasswords(place.secretFile));
    await runInitdb(binaries, place.account, part, passwordFile);
    renameSync(part, place.clusterDirectory);
    syncFolder(place.directory);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw explained(`Cannot make the database in ${place.directory}`, error);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function preparePart(account: Account, part: string, passwordFile: string, passwordOf: PasswordOf): void {
  mkdirSync(part, { mode: 0o700 });
  writeFileSync(passwordFile, `${passwordOf(superuser)}\n`, { mode: 0o600, flag: 'wx' });
  if (!account.isDelegated) return;
  for (const path of [part, passwordFile]) lchownSync(path, account.uid, account.gid);
}

/** Byte order with Unicode's own upper and lower case (the builtin provider), the same on every system. */
function initdbArguments(part: string, passwordFile: string): readonly string[] {
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--encoding=UTF8'];
  const access = [`--username=${superuser}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  return [`--pgdata=${part}`, '--no-instructions', ...locale, ...access];
}

function runInitdb(binaries: Binaries, account: Account, part: string, passwordFile: string): Promise<void> {
  const child = spawn(binaries.initdb, initdbArguments(part, passwordFile), {
    cwd: '/',
    env: serverEnvironment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: initdbTimeoutMs,
    ...identityOf(account),
  });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-outputMax);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(cannotRun(binaries.initdb, error)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`initdb ended with ${signal ?? `code ${code}`}: ${output}`));
    });
  });
}

/** No variable of ours may change what PostgreSQL does, and it needs none. */
export const serverEnvironment: Readonly<Record<string, string>> = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

/** A program that is there and cannot be started was built for another C library, or its folder forbids running. */
export function cannotRun(program: string, error: unknown): EmbeddedServerError {
  const message = error instanceof Error ? error.message : String(error);
  return new EmbeddedServerError(
    `The embedded PostgreSQL cannot run on this system (${process.platform}-${process.arch}): ${program}: ` +
      `${reasonIn(message)}. Set DATABASE_URL to a PostgreSQL of your own.`,
    { cause: error },
  );
}

function checkVersion({ clusterDirectory, directory }: Place, binaries: Binaries): void {
  const made = readFileSync(join(clusterDirectory, 'PG_VERSION'), 'utf8').trim();
  if (made === String(binaries.major)) return;
  throw new EmbeddedServerError(
    `The database in ${directory} was made by PostgreSQL ${made}, and this is PostgreSQL ${binaries.major}, which ` +
      `cannot read it. Export it with the version of Quinta that made it (pg_dumpall), move ${directory} away, start ` +
      'again and load the export.',
  );
}

/** A tree that was copied by root, or unpacked, belongs to root; PostgreSQL insists on its own and on mode 0700. */
function giveTo({ account, clusterDirectory }: Place): void {
  if (account.isDelegated && statSync(clusterDirectory).uid !== account.uid) {
    const entries = readdirSync(clusterDirectory, { recursive: true, encoding: 'utf8' });
    for (const path of [...entries, '.']) lchownSync(join(clusterDirectory, path), account.uid, account.gid);
  }
  chmodSync(clusterDirectory, 0o700);
}

function requireName(account: Account): void {
  if (hasName(account)) return;
  throw new EmbeddedServerError(
    `PostgreSQL cannot make a database for user id ${account.uid}: it has no entry in /etc/passwd. Add one, start as ` +
      'another user, or set DATABASE_URL to a PostgreSQL of your own.',
  );
}

/** What an interrupted start has left; its initdb may still run for a moment, and then the next start clears up. */
function removeParts(directory: string): void {
  for (const name of readdirSync(directory).filter((entry) => entry.startsWith(partPrefix))) {
    explaining(`Cannot remove ${join(directory, name)}`, () => removePart(join(directory, name)));
  }
}

function removePart(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
