import { type Db, likeAnywhere, queryBuilder, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import type { MexaTables, Role, UsuarioRow } from '../tables.ts';

const columns = [
  'id',
  'username',
  'email',
  'password_hash',
  'role',
  'disabled_at',
  'created_at',
  'updated_at',
] as const;
const columnList = columns.join(', ');

const lockNames = readStatement<[username: string, email: string], { locked: boolean }>(
  'usuario.lock_names',
  `select pg_advisory_xact_lock(key) is null as locked
     from (select distinct hashtextextended(name, 5303) as key
             from unnest(array['u:' || $1, 'e:' || lower($2)]) as name order by 1) as keys`,
);

/**
 * Makes others who want this name or this address wait until the transaction ends, so that who looks for them next sees
 * who came first: a unique index would make the later statement raise, and cost everything that is sent with it.
 */
export async function lockUsuarioNames(
  tx: Tx,
  { username, email }: { readonly username: string; readonly email: string },
): Promise<void> {
  await tx.run(lockNames, [username, email]);
}

const insert = writeStatement<[username: string, email: string, passwordHash: string, role: Role], UsuarioRow>(
  'usuario.create',
  `insert into usuarios (username, email, password_hash, role, created_at, updated_at)
   select $1, $2::varchar, $3, $4, localtimestamp, localtimestamp
    where not exists (select 1 from usuarios where lower(email) = lower($2::varchar))
   on conflict do nothing
   returning ${columnList}`,
);

/** The new user, or undefined where the name or the address is taken. */
export async function insertUsuario(
  tx: Tx,
  user: { readonly username: string; readonly email: string; readonly passwordHash: string; readonly role: Role },
): Promise<UsuarioRow | undefined> {
  const { rows } = await tx.run(insert, [user.username, user.email, user.passwordHash, user.role]);
  return rows[0];
}

const findById = readStatement<[id: number], UsuarioRow>(
  'usuario.find',
  `select ${columnList} from usuarios where id = $1`,
);

export async function findUsuario(db: Db | Tx, id: number): Promise<UsuarioRow | undefined> {
  return (await db.run(findById, [id])).rows[0];
}

const findByLogin = readStatement<[identifier: string], UsuarioRow>(
  'usuario.find_by_login',
  `select ${columnList} from usuarios
    where username = $1 or email in ($1, lower($1))
    order by username = $1 desc, email = $1 desc
    limit 1`,
);

/** A user by name or e-mail address; one that the earlier system kept in capitals is found as it was written. */
export async function findUsuarioByLogin(db: Db | Tx, identifier: string): Promise<UsuarioRow | undefined> {
  return (await db.run(findByLogin, [identifier])).rows[0];
}

const lockById = readStatement<[id: number], UsuarioRow>(
  'usuario.lock',
  `select ${columnList} from usuarios where id = $1 for no key update`,
);

/** Locks a user against other changes until the transaction ends; rows that name the user may still be written. */
export async function lockUsuario(tx: Tx, id: number): Promise<UsuarioRow | undefined> {
  return (await tx.run(lockById, [id])).rows[0];
}

const holdById = readStatement<[id: number], UsuarioRow>(
  'usuario.hold',
  `select ${columnList} from usuarios where id = $1 for key share`,
);

/**
 * Holds the key of a user, as each audit row that names the user does. Whoever locks a session and then writes such a
 * row holds the user first: others change a user and then end the sessions, and the two would wait for each other.
 */
export async function holdUsuario(tx: Tx, id: number): Promise<UsuarioRow | undefined> {
  return (await tx.run(holdById, [id])).rows[0];
}

const lockAdmins = readStatement<[], { id: number }>(
  'usuario.lock_admins',
  "select id from usuarios where role = 'admin' and disabled_at is null order by id for no key update",
);

/** Locks the active admins, so that no two of them step down at once; returns their keys. */
export async function lockActiveAdmins(tx: Tx): Promise<readonly number[]> {
  return (await tx.run(lockAdmins, [])).rows.map(({ id }) => id);
}

const taken = readStatement<
  [username: string, email: string, id: number],
  { username_taken: boolean; email_taken: boolean }
>(
  'usuario.taken',
  `select exists (select 1 from usuarios where username = $1 and id <> $3) as username_taken,
          exists (select 1 from usuarios where lower(email) = lower($2) and id <> $3) as email_taken`,
);

/** Which of a name and an address somebody else has; `id` is 0 for a user that is not there yet. */
export async function findTaken(
  db: Db | Tx,
  user: { readonly username: string; readonly email: string; readonly id: number },
): Promise<{ username_taken: boolean; email_taken: boolean }> {
  const { rows } = await db.run(taken, [user.username, user.email, user.id]);
  return rows[0] ?? { username_taken: false, email_taken: false };
}

const update = writeStatement<
  [id: number, username: string, email: string, role: Role, disabledAt: Date | null],
  UsuarioRow
>(
  'usuario.update',
  `update usuarios
      set username = $2, email = $3, role = $4, disabled_at = $5, updated_at = localtimestamp
    where id = $1
   returning ${columnList}`,
);

/** Writes a user that the transaction has locked. */
export async function updateUsuario(tx: Tx, user: UsuarioRow): Promise<UsuarioRow> {
  const { rows } = await tx.run(update, [user.id, user.username, user.email, user.role, user.disabled_at]);
  if (!rows[0]) throw new Error(`User ${user.id} vanished while it was locked`);
  return rows[0];
}

const setHash = writeStatement<[id: number, passwordHash: string, formerHash: string], never>(
  'usuario.set_password',
  `update usuarios set password_hash = $2, updated_at = localtimestamp where id = $1 and password_hash = $3`,
);

/** Replaces a password's hash, unless it has changed since it was read; says whether it did. */
export async function replacePasswordHash(
  tx: Tx,
  change: { readonly id: number; readonly from: string; readonly to: string },
): Promise<boolean> {
  const { affected } = await tx.run(setHash, [change.id, change.to, change.from]);
  return affected === 1;
}

export interface UsuarioFilter {
  readonly role?: Role | undefined;
  readonly active?: boolean | undefined;
  /** Any part of the name or the address, without regard to case. */
  readonly text?: string | undefined;
}

/** Users in the order of their keys, above `afterId` where it is given. */
export function listUsuarios(
  db: Db,
  filter: UsuarioFilter,
  page: { readonly afterId?: number | undefined; readonly limit: number },
): Promise<UsuarioRow[]> {
  let query = queryBuilder<MexaTables>(db).selectFrom('usuarios').select(columns);
  if (filter.role !== undefined) query = query.where('role', '=', filter.role);
  if (filter.active !== undefined) query = query.where('disabled_at', filter.active ? 'is' : 'is not', null);
  if (filter.text !== undefined) {
    const pattern = likeAnywhere(filter.text);
    query = query.where((where) => where.or([where('username', 'ilike', pattern), where('email', 'ilike', pattern)]));
  }
  if (page.afterId !== undefined) query = query.where('id', '>', page.afterId);
  return query.orderBy('id').limit(page.limit).execute();
}

const demoUser = readStatement<[role: string], UsuarioRow>(
  'usuario.find_by_role',
  `select ${columnList} from usuarios where role = $1 and disabled_at is null order by id limit 1`,
);

/** The first active user of a role. */
export async function findUsuarioByRole(db: Db, role: string): Promise<UsuarioRow | undefined> {
  return (await db.run(demoUser, [role])).rows[0];
}
