import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';

export type Role = 'admin' | 'officer' | 'cashier' | 'auditor';

export interface UserRow {
  readonly id: number;
  readonly username: string;
  readonly password_hash: string;
  readonly role: Role;
  readonly disabled_at: Date | null;
}

const columns = 'id, username, password_hash, role, disabled_at';

const findByName = readStatement<[username: string], UserRow>(
  'user.find_by_name',
  `select ${columns} from users where username = $1`,
);

export async function findUserByName(db: Db | Tx, username: string): Promise<UserRow | undefined> {
  return (await db.run(findByName, [username])).rows[0];
}

const findByRole = readStatement<[role: string], UserRow>(
  'user.find_by_role',
  `select ${columns} from users where role = $1 and disabled_at is null order by id limit 1`,
);

export async function findUserByRole(db: Db | Tx, role: string): Promise<UserRow | undefined> {
  return (await db.run(findByRole, [role])).rows[0];
}

const lockById = readStatement<[id: number], UserRow>(
  'user.lock',
  `select ${columns} from users where id = $1 for no key update`,
);

/** Locks a user against changes until the transaction ends. */
export async function lockUser(tx: Tx, id: number): Promise<UserRow | undefined> {
  return (await tx.run(lockById, [id])).rows[0];
}

const insert = writeStatement<[username: string, passwordHash: string, role: Role], UserRow>(
  'user.create',
  `insert into users (username, password_hash, role) values ($1, $2, $3)
   on conflict do nothing returning ${columns}`,
);

/** The new user, or undefined where the name is taken. */
export async function insertUser(
  tx: Tx,
  user: { readonly username: string; readonly passwordHash: string; readonly role: Role },
): Promise<UserRow | undefined> {
  return (await tx.run(insert, [user.username, user.passwordHash, user.role])).rows[0];
}

const rehash = writeStatement<[id: number, from: string, to: string], never>(
  'user.rehash',
  'update users set password_hash = $3 where id = $1 and password_hash = $2',
);

export async function replaceHash(
  tx: Tx,
  hash: { readonly id: number; readonly from: string; readonly to: string },
): Promise<void> {
  await tx.run(rehash, [hash.id, hash.from, hash.to]);
}
