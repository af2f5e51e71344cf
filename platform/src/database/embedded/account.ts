import { readFileSync, statSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { EmbeddedServerError } from './embedded-server-error.ts';

/** Who PostgreSQL runs as: ourselves, or somebody without privileges where we are root, which PostgreSQL refuses. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** We are root: processes are started as this account, and its files are given to it. */
  readonly isDelegated: boolean;
}

const passable = 0o1;
const nobodyId = 65_534;

/** Throws an EmbeddedServerError where the system has no accounts (Windows). */
export function ownAccount(): Account {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  if (uid === undefined || gid === undefined) {
    throw new EmbeddedServerError('The embedded PostgreSQL needs a system with Unix users; set DATABASE_URL instead.');
  }
  return uid === 0 ? unprivileged() : { name: nameOf(uid), uid, gid, isDelegated: false };
}

/** The account that owns a cluster made earlier: root may run it for an ordinary user. */
export function accountOf(owner: Stats): Account {
  return { name: nameOf(owner.uid), uid: owner.uid, gid: owner.gid, isDelegated: true };
}

/** For `spawn`: nothing where PostgreSQL runs as ourselves. */
export function identityOf({ isDelegated, uid, gid }: Account): { readonly uid?: number; readonly gid?: number } {
  return isDelegated ? { uid, gid } : {};
}

/** The folder above or at `path` that the account cannot pass, by its mode bits; undefined where it reaches `path`. */
export function barrierTo(path: string, account: Account): string | undefined {
  const above = dirname(path) === path ? undefined : barrierTo(dirname(path), account);
  return above ?? (isAllowed(path, account, passable) ? undefined : path);
}

/** Whether the mode bits give the account all of `bits` (4 read, 2 write, 1 pass or execute). */
export function isAllowed(path: string, { uid, gid }: Account, bits: number): boolean {
  const stats = statSync(path);
  const shift = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0;
  return ((stats.mode >> shift) & bits) === bits;
}

/** Whether a user id has a name, which initdb insists on; a container may run as an id without one. */
export function hasName({ isDelegated, uid }: Account): boolean {
  if (isDelegated) return passwdEntries().some((entry) => entry.uid === uid);
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

/** `nobody`, wherever it is a usable id (on macOS it is negative), else `daemon`. */
function unprivileged(): Account {
  const entries = passwdEntries().filter(({ uid }) => uid > 0);
  const entry = ['nobody', 'daemon'].map((name) => entries.find((known) => known.name === name)).find(Boolean);
  return { ...(entry ?? { name: 'nobody', uid: nobodyId, gid: nobodyId }), isDelegated: true };
}

function nameOf(uid: number): string {
  return passwdEntries().find((entry) => entry.uid === uid)?.name ?? `user id ${uid}`;
}

function passwdEntries(): readonly { readonly name: string; readonly uid: number; readonly gid: number }[] {
  return readPasswd()
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}
