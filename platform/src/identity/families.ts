import { randomBytes } from 'node:crypto';
import type { Db, Tx } from '../database/index.ts';
import { type ClientOrigin, type Clock, isUuid, uuidV7 } from '../kernel/index.ts';
import {
  beginFamily,
  type FamilyRow,
  findLive,
  findRefusal,
  findToken,
  listSessions,
  lockLiveFamilies,
  prolongToken,
  purgeFamilies,
  purgeTokens,
  revokeFamilies,
  revokeFamily,
  rotateToken,
  type SessionRow,
} from './family-statements.ts';
import {
  isRefreshToken,
  refreshTokenBytes,
  refreshTokenFrom,
  refreshTokenHash,
  successorOf,
} from './refresh-tokens.ts';
import type { IssuedRefresh, Rotation } from './rotation.ts';
import { secretKey } from './signing-keys.ts';

export interface FamiliesOptions {
  /** At least 32 bytes, the same in every process: successors are derived with it. */
  readonly successorKey: string | Uint8Array;
  /** Names new families only; every decision about time is the database's. */
  readonly clock: Clock;
  readonly random?: (size: number) => Uint8Array;
  /** A token that is not used for this long expires. */
  readonly idleTtlSeconds: number;
  /** A family ends this long after its sign-in, however busy it is. */
  readonly absoluteTtlSeconds: number;
  /** For this long after a rotation, its parent gets the same successor again. */
  readonly graceSeconds: number;
  /** Told of each family that a commit has ended: `revocations.revokedHere`. */
  readonly onRevoked?: (familyId: string) => void;
}

export interface Session {
  readonly id: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly userAgent: string;
  readonly address: string;
}

export interface Families {
  /**
   * A new family for who has just signed in. Where a password change ends all families, read the password's row under
   * a lock in the same transaction, so that a sign-in with the old password cannot slip in behind it.
   */
  begin(tx: Tx, sign: { readonly subject: string; readonly client: ClientOrigin }): Promise<IssuedRefresh>;
  /**
   * Spends a refresh token. Does not throw for a bad one: commit first, since `reused` has to end the family, then
   * throw `refusalOf(rotation)`. Wants the isolation "read committed", which is the default.
   */
  rotate(tx: Tx, refreshToken: string, client: ClientOrigin): Promise<Rotation>;
  /**
   * Lets a refresh token live on instead of spending it, for clients that keep the one they have: its session is used
   * now, and its idle time begins again. Nobody can be told of theft this way. Answers as `rotate` does, `replayed` with
   * the same token.
   */
  prolong(tx: Tx, refreshToken: string, client: ClientOrigin): Promise<Rotation>;
  /** Whose token this is, live or not: for logout and for the audit. */
  familyOf(db: Db, refreshToken: string): Promise<{ familyId: string; subject: string } | undefined>;
  /** Whether the family was live and has ended now. */
  revoke(tx: Tx, familyId: string, reason: string): Promise<boolean>;
  /** Ends every family of the subject but `except`; resolves to the ids that ended. */
  revokeAllOf(
    tx: Tx,
    subject: string,
    reason: string,
    options?: { readonly except?: string },
  ): Promise<readonly string[]>;
  /** The live sessions, last used first, at most 100. */
  list(db: Db, subject: string): Promise<readonly Session[]>;
  isLive(db: Db, familyId: string): Promise<boolean>;
  /** Deletes at most `limitMax` tokens and as many families that ended two days ago or earlier. */
  purgeExpired(tx: Tx, limitMax: number): Promise<{ readonly tokens: number; readonly families: number }>;
}

const sessionsListedMax = 100;
/** Longer than any access token lives, so that a purge never forgets a revocation that still counts. */
const purgeAfterSeconds = 2 * 86_400;
/** No family has it: stands where no family is spared. */
const noFamily = '00000000-0000-0000-0000-000000000000';
const userAgentLengthMax = 255;
const addressLengthMax = 64;
/** Ten years: no session lives longer. */
const secondsMax = 10 * 366 * 86_400;
const subjectForm = /^[\x21-\x7e]{1,191}$/;
const reasonForm = /^[\x20-\x7e]{1,64}$/;

/**
 * Refresh families: a sign-in begins one, each refresh replaces its one live token by a successor, and the end of the
 * family is the end of every token of it (RFC 9700 section 4.14.2).
 *
 * A token is `live` until it is used or expires. Used, it stands in its grace time: shown again it gets the same
 * successor, because the first answer may have been lost or raced by a second request. After the grace, or once the
 * successor was used itself, showing it again is theft: somebody holds a copy, nobody knows who, so the family ends.
 *
 * Every instant is the database's, never a process's. Whether a token is still good is decided by one conditional
 * statement, and "one live token a family" is a unique constraint.
 */
export function createFamilies(options: FamiliesOptions): Families {
  const { idleTtlSeconds, absoluteTtlSeconds, graceSeconds } = options;
  refuseOdd({ idleTtlSeconds, absoluteTtlSeconds, graceSeconds });
  const key = secretKey(options.successorKey, 'The key of refresh tokens');
  return {
    begin: (tx, sign) => begin(options, tx, sign),
    rotate: async (tx, refreshToken, client) => {
      if (!isRefreshToken(refreshToken)) return { outcome: 'invalid' };
      const successor = successorOf(refreshToken, key);
      const hashes = { parent: refreshTokenHash(refreshToken), successor: refreshTokenHash(successor) };
      const row = await rotateToken(tx, { ...hashes, ...seen(client), idleSeconds: idleTtlSeconds });
      if (row) return { outcome: 'rotated', ...issued(row, successor) };
      return refused(options, tx, { ...hashes, token: successor });
    },
    prolong: async (tx, refreshToken, client) => {
      if (!isRefreshToken(refreshToken)) return { outcome: 'invalid' };
      const token = refreshTokenHash(refreshToken);
      const row = await prolongToken(tx, { token, ...seen(client), idleSeconds: idleTtlSeconds });
      if (row) return { outcome: 'replayed', ...issued(row, refreshToken) };
      const successor = successorOf(refreshToken, key);
      return refused(options, tx, { parent: token, successor: refreshTokenHash(successor), token: successor });
    },
    familyOf: async (db, refreshToken) => {
      if (!isRefreshToken(refreshToken)) return undefined;
      const [row] = await findToken(db, { token: refreshTokenHash(refreshToken) });
      return row && { familyId: row.family_id, subject: row.subject };
    },
    revoke: (tx, familyId, reason) => revoke(options, tx, familyId, reason),
    revokeAllOf: async (tx, subject, reason, { except = noFamily } = {}) => {
      refuseReason(reason);
      if (!isUuid(except)) throw new RangeError('The family to be spared is named by a UUID');
      const ids = (await lockLiveFamilies(tx, { subject, except })).map(({ id }) => id);
      if (ids.length > 0) await revokeFamilies(tx, { subject, ids: ids.join(','), reason });
      tell(options, tx, ids);
      return ids;
    },
    list: async (db, subject) => (await listSessions(db, { subject, limit: String(sessionsListedMax) })).map(sessionOf),
    isLive: async (db, id) => isUuid(id) && (await findLive(db, { id })).length > 0,
    purgeExpired: async (tx, limitMax) => {
      const params = { keepSeconds: purgeAfterSeconds, limit: String(limitMax) };
      const tokens = await purgeTokens(tx, params);
      const families = await purgeFamilies(tx, params);
      return { tokens: tokens.affected, families: families.affected };
    },
  };
}

async function begin(
  { clock, random = randomBytes, idleTtlSeconds, absoluteTtlSeconds }: FamiliesOptions,
  tx: Tx,
  { subject, client }: { readonly subject: string; readonly client: ClientOrigin },
): Promise<IssuedRefresh> {
  if (!subjectForm.test(subject)) throw new RangeError('A subject has 1 to 191 visible ASCII characters');
  const id = uuidV7(clock.now().getTime(), random(16));
  const refreshToken = refreshTokenFrom(random(refreshTokenBytes));
  const token = refreshTokenHash(refreshToken);
  const lives = { absoluteSeconds: absoluteTtlSeconds, idleSeconds: idleTtlSeconds };
  return issued(await beginFamily(tx, { id, subject, token, ...lives, ...seen(client) }), refreshToken);
}

/** The parent was not rotated: says why, and ends the family where that is theft. */
async function refused(
  options: FamiliesOptions,
  tx: Tx,
  { parent, successor, token }: { readonly parent: Buffer; readonly successor: Buffer; readonly token: string },
): Promise<Rotation> {
  const [row] = await findRefusal(tx, { parent, graceSeconds: options.graceSeconds });
  if (!row) return { outcome: 'invalid' };
  const { family_id: familyId, subject, refusal, replaced_by: replacedBy, successor_expires_at: expiresAt } = row;
  if (refusal === 'reused') await revoke(options, tx, familyId, 'reuse');
  if (refusal !== 'replayed') return { outcome: refusal, familyId, subject };
  // Another key made the successor: it cannot be said again, and that is no theft.
  if (!replacedBy?.equals(successor) || !expiresAt) return { outcome: 'invalid' };
  return { outcome: 'replayed', familyId, subject, refreshToken: token, refreshExpiresAt: expiresAt };
}

async function revoke(options: FamiliesOptions, tx: Tx, id: string, reason: string): Promise<boolean> {
  refuseReason(reason);
  if (!isUuid(id)) return false;
  const { affected } = await revokeFamily(tx, { id, reason });
  if (affected > 0) tell(options, tx, [id]);
  return affected > 0;
}

function tell({ onRevoked }: FamiliesOptions, tx: Tx, ids: readonly string[]): void {
  if (!onRevoked || ids.length === 0) return;
  tx.afterCommit(() => {
    for (const id of ids) onRevoked(id);
  });
}

function issued(row: FamilyRow, refreshToken: string): IssuedRefresh {
  return { familyId: row.family_id, subject: row.subject, refreshToken, refreshExpiresAt: row.expires_at };
}

/** What is kept of a client, as one line of ASCII that fits its column, whatever a header may hold. */
function seen({ userAgent, address }: ClientOrigin): { userAgent: string; address: string } {
  return { userAgent: plain(userAgent, userAgentLengthMax), address: plain(address, addressLengthMax) };
}

function plain(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replaceAll(/[^\x20-\x7e]/g, '?');
}

function sessionOf(row: SessionRow): Session {
  return {
    id: row.id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    userAgent: row.user_agent,
    address: row.address,
  };
}

function refuseReason(reason: string): void {
  if (!reasonForm.test(reason)) throw new RangeError('A reason has 1 to 64 characters of ASCII');
}

function refuseOdd(seconds: { idleTtlSeconds: number; absoluteTtlSeconds: number; graceSeconds: number }): void {
  for (const [name, value] of Object.entries(seconds)) {
    const lowest = name === 'graceSeconds' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < lowest || value > secondsMax) {
      throw new RangeError(`${name} must be a whole number from ${lowest} to ${secondsMax}, not ${value}`);
    }
  }
}
