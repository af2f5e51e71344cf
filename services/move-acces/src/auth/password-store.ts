import { createHash, timingSafeEqual } from 'node:crypto';
import { type Db, readOn, type Tx, writeOn } from '@quinta/platform/database';
import type { LegacyColumns } from '../legacy/columns.ts';

/** What a member's password is checked against. */
export interface StoredLogin {
  /** The hash that counts now: ours, unless the other system has changed its own since. */
  readonly hash: string;
  /** The digest of the other system's hash, which a hash of ours is made from. */
  readonly legacyDigest: Buffer;
}

/** Passwords: the other system's, read only, and ours, which stand for them. */
export interface PasswordStore {
  find(db: Db, member: { readonly id: number; readonly email: string }): Promise<StoredLogin | undefined>;
  /** Keeps a hash of ours, in place of whatever was kept before. */
  keep(tx: Tx, password: { readonly id: number; readonly hash: string; readonly legacyDigest: Buffer }): Promise<void>;
}

interface LoginRow {
  readonly email: string;
  readonly legacy_hash: string;
  readonly password_hash: string | null;
  readonly made_from: Buffer | null;
}

const loginsMax = '10';

const keep = writeOn<never, { id: number; hash: string; legacyDigest: Buffer }>(
  'password.keep',
  (on) => `
    insert into member_passwords (user_id, password_hash, made_from, changed_at)
    values (:id, :hash, :legacyDigest, ${on.now})
    ${on.overwriting(['user_id'], ['password_hash', 'made_from', 'changed_at'])}`,
);

export function passwordStore({ access }: LegacyColumns): PasswordStore {
  const find = readOn<LoginRow, { id: number; email: string; limit: string }>(
    'password.find',
    (on) => `
      select a.${access.email} as email, a.${access.passwordHash} as legacy_hash, p.password_hash, p.made_from
        from acces_app a
        left join member_passwords p on p.user_id = :id
       where ${on.caseless(`a.${access.email}`)} = :email
       limit :limit`,
  );
  return {
    find: async (db, { id, email }) => {
      const wanted = email.toLowerCase();
      const rows = await find(db, { id, email: wanted, limit: loginsMax });
      const [row, ...others] = rows.filter((one) => one.email.toLowerCase() === wanted);
      // Two rows of one address: nobody knows whose password is whose.
      if (!row || others.length > 0) return undefined;
      const legacyDigest = digestOf(row.legacy_hash);
      const isOurs = row.password_hash !== null && row.made_from !== null && isSame(row.made_from, legacyDigest);
      return { hash: isOurs ? (row.password_hash ?? '') : row.legacy_hash, legacyDigest };
    },
    keep: async (tx, password) => {
      await keep(tx, password);
    },
  };
}

function digestOf(hash: string): Buffer {
  return createHash('sha256').update(hash).digest();
}

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
