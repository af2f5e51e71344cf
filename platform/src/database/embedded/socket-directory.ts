import { existsSync, lchownSync, lstatSync, mkdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account } from './account.ts';
import { EmbeddedServerError, explained } from './embedded-server-error.ts';
import { shortHash } from './placement.ts';
import { isPostmasterOf } from './postmaster.ts';

export const socketPort = 5432;
export const socketName = `.s.PGSQL.${socketPort}`;

/** What fits in a Unix socket's address on every system (macOS: 104 with its end mark), in bytes. */
const socketPathMax = 103;
const namesMax = 10;
const ownerOnly = 0o700;
const modeBits = 0o777;

/**
 * A private folder for the socket of a cluster: short, named after the cluster and its account, made or already theirs.
 * A name that somebody else has taken, or where another server is listening, is passed over for the next one.
 */
export function socketDirectoryFor(clusterDirectory: string, account: Account): string {
  const name = `quinta-${shortHash(`${clusterDirectory}\n${account.uid}`)}`;
  for (const base of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    for (let number = 0; number < namesMax; number += 1) {
      const path = join(base, number === 0 ? name : `${name}-${number}`);
      if (Buffer.byteLength(join(path, socketName)) > socketPathMax) break;
      if (isOurs(path, account) && !isListening(path)) return path;
    }
  }
  throw new EmbeddedServerError(
    `There is no folder for PostgreSQL's socket: ${tmpdir()} and /tmp are too long, not writable or taken. ` +
      'Set TMPDIR to a short path that you can write to.',
  );
}

/** Takes the empty folder away after a stop; what others have put in it stays. */
export function removeSocketDirectory(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // A leftover folder is only litter, and the next start uses it again.
  }
}

function isOurs(path: string, account: Account): boolean {
  try {
    mkdirSync(path, { mode: ownerOnly });
    if (account.isDelegated) lchownSync(path, account.uid, account.gid);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOSPC') throw explained(`Cannot make ${path}`, error);
    return code === 'EEXIST' && isPrivateFolderOf(path, account);
  }
}

function isPrivateFolderOf(path: string, account: Account): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === account.uid && (stats.mode & modeBits) === ownerOnly;
}

/** A server whose cluster was deleted under it can still hold the socket for a while. */
function isListening(path: string): boolean {
  const lock = join(path, `${socketName}.lock`);
  if (!existsSync(lock)) return false;
  const [pid = '', clusterDirectory = ''] = readFileSync(lock, 'utf8').split('\n');
  if (isPostmasterOf(Number(pid), clusterDirectory)) return true;
  // A killed server's: PostgreSQL would refuse to start while its process id is in use, even by a zombie or a stranger.
  for (const name of [`${socketName}.lock`, socketName]) rmSync(join(path, name), { force: true });
  return false;
}
