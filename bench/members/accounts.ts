import { createPasswordHasher } from '../../platform/src/identity/index.ts';
import { standInTables } from '../../services/move-acces/src/legacy/stand-in.ts';
import type { Database } from '../../platform/src/database/index.ts';
import { query } from '../stage/sql.ts';

/** What OWASP asks for at least: what all that hash here are measured with. */
export const hashing = { memoryKiB: 19_456, passes: 2, lanes: 1 } as const;

export interface Member {
  readonly id: number;
  readonly email: string;
}

/** Of every member of the bench; made up. */
export const password = 'seven lanterns over the lake';

/** The tables of the other system with so many members, all with the same password. */
export async function makeMembers(owner: Database, count: number): Promise<readonly Member[]> {
  await standInTables({ dialect: owner.dialect, run: (text) => query(owner, text) });
  const hash = await createPasswordHasher(hashing).hash(password);
  const members = await query<{ user_id: number; email: string }>(
    owner,
    `insert into users (nom, prenom, date_naissance, rue, npa, localite, email)
     select 'Bench', 'Member ' || n, '1990-01-01', 'Rue 1', '1950', 'Sion', 'member' || n || '@bench.example'
       from generate_series(1, $1::int) n returning user_id, email`,
    [count],
  );
  await query(owner, 'insert into acces_app (email, password_hash) select email, $1 from users', [hash]);
  await query(owner, 'analyze users');
  await query(owner, 'analyze acces_app');
  return members.map(({ user_id: id, email }) => ({ id, email }));
}
