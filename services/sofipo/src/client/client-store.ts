import { type Db, readStatement, type Tx, writeStatement } from '@quinta/platform/database';
import type { ClientRow } from './client.ts';

const columns = 'id, full_name, email, rfc, created_at';

const insert = writeStatement<[id: string, fullName: string, email: string, rfc: string], ClientRow>(
  'client.create',
  `insert into clients (id, full_name, email, rfc) values ($1, $2, $3, $4)
   on conflict do nothing returning ${columns}`,
);

/** The new client, or undefined where the RFC or the address is taken. */
export async function insertClient(
  tx: Tx,
  client: { readonly id: string; readonly full_name: string; readonly email: string; readonly rfc: string },
): Promise<ClientRow | undefined> {
  return (await tx.run(insert, [client.id, client.full_name, client.email, client.rfc])).rows[0];
}

const taken = readStatement<[rfc: string, email: string, id: string], { rfc_taken: boolean; email_taken: boolean }>(
  'client.taken',
  `select exists (select from clients where rfc = $1 and id <> $3) as rfc_taken,
          exists (select from clients where email = $2 and id <> $3) as email_taken`,
);

/** Which of an RFC and an address another client has. */
export async function findTaken(
  db: Db | Tx,
  { rfc, email, id }: Pick<ClientRow, 'rfc' | 'email' | 'id'>,
): Promise<{ readonly rfc_taken: boolean; readonly email_taken: boolean }> {
  return (await db.run(taken, [rfc, email, id])).rows[0] ?? { rfc_taken: false, email_taken: false };
}

const findByRfc = readStatement<[rfc: string], ClientRow>(
  'client.find_by_rfc',
  `select ${columns} from clients where rfc = $1`,
);

export async function findClientByRfc(db: Db | Tx, rfc: string): Promise<ClientRow | undefined> {
  return (await db.run(findByRfc, [rfc])).rows[0];
}

const findById = readStatement<[id: string], ClientRow>('client.find', `select ${columns} from clients where id = $1`);

export async function findClient(db: Db | Tx, id: string): Promise<ClientRow | undefined> {
  return (await db.run(findById, [id])).rows[0];
}

const lockById = readStatement<[id: string], ClientRow>(
  'client.lock',
  `select ${columns} from clients where id = $1 for update`,
);

/** Locks a client against changes, and against new loans, until the transaction ends. */
export async function lockClient(tx: Tx, id: string): Promise<ClientRow | undefined> {
  return (await tx.run(lockById, [id])).rows[0];
}

const update = writeStatement<[id: string, fullName: string, email: string], ClientRow>(
  'client.update',
  `update clients set full_name = $2, email = $3 where id = $1 returning ${columns}`,
);

/** Writes a client that the transaction has locked. */
export async function updateClient(tx: Tx, { id, full_name, email }: ClientRow): Promise<ClientRow> {
  const { rows } = await tx.run(update, [id, full_name, email]);
  if (!rows[0]) throw new Error(`Client ${id} vanished while it was locked`);
  return rows[0];
}

const remove = writeStatement<[id: string], never>('client.delete', 'delete from clients where id = $1');

export async function deleteClientRow(tx: Tx, id: string): Promise<void> {
  await tx.run(remove, [id]);
}

const countLoans = readStatement<[clientId: string], { count: number }>(
  'client.count_loans',
  'select count(*)::int as count from loans where client_id = $1',
);

export async function countLoansOf(db: Db | Tx, clientId: string): Promise<number> {
  return (await db.run(countLoans, [clientId])).rows[0]?.count ?? 0;
}

const list = readStatement<[limit: number, skip: number], ClientRow>(
  'client.list',
  `select ${columns} from clients order by created_at, id limit $1 offset $2`,
);

/** In the order in which they were registered. */
export async function listClients(
  db: Db,
  { limit, skip }: { readonly limit: number; readonly skip: number },
): Promise<readonly ClientRow[]> {
  return (await db.run(list, [limit, skip])).rows;
}
