import type { Database, Tx } from '../database/index.ts';
import { readOn, writeOn } from '../database/index.ts';
import { hashBytes } from './merkle.ts';
import { type PersonalPart, personalPartNames, personalParts, saltBytes, saltsBytes } from './leaf.ts';
import { alteredRow, findSealed, notSealed } from './prove.ts';
import { currentCommitments, currentHash, isEmptied, type SealedRow } from './sealed-rows.ts';
import { advanceTree, awaitTree, readTiles, writeTile } from './seal-statements.ts';
import { tileWidth } from './tree-edge.ts';

/** Whose rows lose what: rows that the person caused lose their origin, rows about the person their values. */
export interface Erasure {
  readonly userId: string | number;
  /** The type of resource that a person is: `usuario`. */
  readonly personResource: string;
  /** The audit row that orders the erasure, sealed or not. */
  readonly erasureId: number;
}

type Whole = number | string;

const batchMax = 200;

const ofPart: Readonly<Record<PersonalPart, ReturnType<typeof rowsOfPart>>> = {
  origin: rowsOfPart('origin', (person) => `user_id = ${person}`),
  values: rowsOfPart('values', (person) => `resource_type = :resource and resource_id = ${person}`),
};

function rowsOfPart(part: PersonalPart, isTheirs: (person: string) => string) {
  const isFull = personalParts[part].map((field) => `${field} is not null`).join(' or ');
  return readOn<{ readonly id: Whole }, { person: string | number; resource: string; afterId: number; limit: string }>(
    `audit.erasable_${part}`,
    () => `
      select id from audit_logs
       where ${isTheirs(':person')} and (${isFull}) and id > :afterId
       order by id
       limit :limit`,
  );
}

const keepCommitment = writeOn<never, { id: number; part: string; commitment: string; erasureId: number }>(
  'audit.keep_commitment',
  () => `
    insert into audit_erasures (audit_id, part, commitment, erasure_id)
    values (:id, :part, :commitment, :erasureId)`,
);

const emptying: Readonly<Record<PersonalPart, ReturnType<typeof emptyPart>>> = {
  origin: emptyPart('origin'),
  values: emptyPart('values'),
};

function emptyPart(part: PersonalPart) {
  const columns = personalParts[part].map((field) => `${field} = null`).join(', ');
  return writeOn<never, { id: number }>(`audit.empty_${part}`, () => `update audit_logs set ${columns} where id = :id`);
}

/**
 * Erases a person's data from the audit: the fields, and the salts without which nobody can try out what they were.
 * What the tree holds stays as it is, and every proof with it. Works in small transactions and can be done again after
 * a crash. Needs the role that owns the tables.
 * @returns how many parts of rows were emptied now
 * @throws Problem audit_log_not_sealed, audit_log_altered
 */
export async function eraseFromAudit(
  database: Database,
  erasure: Erasure,
  onProgress: (rows: number) => void = () => undefined,
): Promise<number> {
  let erased = 0;
  for (const part of personalPartNames) {
    for (let afterId = 0; ;) {
      const ids = await database.transact((tx) => eraseBatch(tx, part, erasure, afterId));
      erased += ids.length;
      onProgress(ids.length);
      afterId = ids.at(-1) ?? afterId;
      if (ids.length < batchMax) break;
    }
  }
  return erased;
}

async function eraseBatch(tx: Tx, part: PersonalPart, erasure: Erasure, afterId: number): Promise<number[]> {
  const [tree] = await awaitTree(tx, {});
  if (!tree) throw new Error('The table audit_tree has lost its row');
  const found = await ofPart[part](tx, {
    person: erasure.userId,
    resource: erasure.personResource,
    afterId,
    limit: `${batchMax}`,
  });
  const ids = found.map(({ id }) => Number(id));
  for (const id of ids) await erasePart(tx, id, part, erasure.erasureId);
  // Whoever has remembered a part of the tree must read it anew, or would write the salts back.
  await advanceTree(tx, {
    size: Number(tree.size),
    highId: Number(tree.high_id),
    gaps: tree.gaps,
    revision: Number(tree.revision) + 1,
  });
  return ids;
}

async function erasePart(tx: Tx, id: number, part: PersonalPart, erasureId: number): Promise<void> {
  const sealed = await findSealed(tx, id);
  if (!sealed?.row) throw notSealed({ id });
  // The commitment is kept for good, so it must be the one that was sealed.
  if (!currentHash(sealed)?.equals(sealed.sealedHash)) throw alteredRow({ id });
  if (isEmptied(sealed.row, part)) return;
  const commitment = currentCommitments(sealed, sealed.row)[part];
  await keepCommitment(tx, { id, part, commitment, erasureId });
  await emptying[part](tx, { id });
  await forgetSalt(tx, sealed, part);
}

async function forgetSalt(tx: Tx, { leaf }: SealedRow, part: PersonalPart): Promise<void> {
  const number = Math.floor(leaf / tileWidth);
  const [tile] = await readTiles(tx, { level: 0, from: number, to: number });
  if (!tile?.salts) throw new Error(`The audit tree lacks tile ${number} of level 0`);
  const start = (leaf % tileWidth) * saltsBytes + personalPartNames.indexOf(part) * saltBytes;
  const salts = Buffer.from(tile.salts).fill(0, start, start + saltBytes);
  await writeTile(tx, { level: 0, number, hashes: tile.hashes.subarray(0, tileWidth * hashBytes), salts });
}
