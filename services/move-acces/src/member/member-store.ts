import type { Db, Tx } from '@quinta/platform/database';
import type { Role } from '../auth/role-store.ts';
import type { LegacyColumns } from '../legacy/columns.ts';
import type { Member, ProfileInput, RegistrationInput } from './member.ts';
import { memberReads, type MemberRow, memberWrites } from './member-statements.ts';

/** Members in the tables of the other system. */
export interface MemberStore {
  find(db: Db, id: number): Promise<Member | undefined>;
  /** A member with their role, by one statement. */
  findWithRole(db: Db, id: number): Promise<{ readonly member: Member; readonly role: Role } | undefined>;
  /** Everybody of that address, in lower case: more than one where the other system let two in. At most ten. */
  findByEmail(db: Db, email: string): Promise<readonly Member[]>;
  /** Members whose name or address begins with a text, or of that key, newest first. */
  search(db: Db, wanted: MemberSearch): Promise<readonly Member[]>;
  /** Writes the member and their credentials. */
  insert(tx: Tx, member: RegistrationInput, passwordHash: string): Promise<void>;
  /** Holds the member's row until the end of the transaction. */
  lock(tx: Tx, id: number): Promise<Member | undefined>;
  update(tx: Tx, member: Member): Promise<void>;
}

export interface MemberSearch {
  /** In lower case; undefined for everybody. */
  readonly text: string | undefined;
  readonly beforeId: number | undefined;
  readonly limit: number;
}

const sameAddressMax = '10';
/** The largest key that a request can name. */
const idMax = 2_147_483_647;

export function memberStore(columns: LegacyColumns): MemberStore {
  const { find, findWithRole, lock, findByEmail, search } = memberReads(columns);
  const { insertUser, insertAccess, update } = memberWrites(columns);
  return {
    find: async (db, id) => (await find(db, { id })).map(memberOf)[0],
    findWithRole: async (db, id) => {
      const [row] = await findWithRole(db, { id });
      return row && { member: memberOf(row), role: row.role ?? 'member' };
    },
    lock: async (tx, id) => (await lock(tx, { id })).map(memberOf)[0],
    findByEmail: async (db, email) => {
      const rows = await findByEmail(db, { email, limit: sameAddressMax });
      // A collation may take é for e: to this service they are two addresses.
      return rows.filter((row) => row.email.toLowerCase() === email).map(memberOf);
    },
    search: async (db, { text, beforeId, limit }) => {
      const rows = await search(db, {
        start: `${likeStart(text ?? '')}%`,
        id: /^\d{1,15}$/.test(text ?? '') ? Number(text) : 0,
        upTo: beforeId === undefined ? idMax : beforeId - 1,
        limit: String(limit),
      });
      return rows.map(memberOf);
    },
    insert: async (tx, member, hash) => {
      await insertUser(tx, { ...member, tel: member.tel || null });
      await insertAccess(tx, { email: member.email, hash });
    },
    update: async (tx, { id, firstName, lastName, street, postcode, town, phone }) => {
      await update(tx, { id, firstName, lastName, street, postcode, town, phone });
    },
  };
}

/** A member after a change of their profile. */
export function changedMember(member: Member, change: ProfileInput): Member {
  const { tel } = change;
  return {
    ...member,
    firstName: change.first_name ?? member.firstName,
    lastName: change.last_name ?? member.lastName,
    street: change.rue ?? member.street,
    postcode: change.npa ?? member.postcode,
    town: change.localite ?? member.town,
    phone: tel === undefined ? member.phone : tel || null,
  };
}

/** The later version of the tables allows what it does not know to be null. */
function memberOf(row: MemberRow): Member {
  return {
    id: Number(row.id),
    email: row.email,
    firstName: row.first_name ?? '',
    lastName: row.last_name ?? '',
    birthDate: row.birth_date?.slice(0, 10) ?? null,
    street: row.street ?? '',
    postcode: (row.postcode ?? '').trim(),
    town: row.town ?? '',
    phone: row.phone,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function likeStart(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`);
}
