import type { Db } from '../database/index.ts';
import { defineProblem } from '../kernel/index.ts';
import { type Commitments, entryOf, openingOf, type PersonalPart, personalPartNames } from './leaf.ts';
import { consistencyProof, inclusionProof } from './merkle.ts';
import { currentCommitments, currentHash, isEmptied, readSealed, runOf, type SealedRow } from './sealed-rows.ts';
import { storedSubtrees } from './sealed-tiles.ts';
import { checkpointsBelow, checkpointsFrom, readKeys, rowsBetween, runOfId } from './seal-statements.ts';
import { parseCheckpoint, type SignedCheckpoint } from './signing.ts';

/** That one row stands at its place in the tree of a checkpoint. */
export interface InclusionProof {
  readonly auditId: number;
  /** Place in the tree, from 0. */
  readonly leaf: number;
  readonly leafHash: Buffer;
  /** What the leaf is the hash of. */
  readonly entry: string;
  /** What the commitments in the entry are hashes of; null where it was erased. */
  readonly openings: Readonly<Record<PersonalPart, string | null>>;
  readonly path: readonly Buffer[];
  readonly checkpoint: SignedCheckpoint;
}

/** That the tree of one checkpoint is the beginning of that of another. */
export interface ConsistencyProof {
  readonly from: SignedCheckpoint;
  readonly to: SignedCheckpoint;
  readonly path: readonly Buffer[];
}

export const auditLogNotFound = defineProblem('audit_log_not_found', 404, 'Not Found', 'There is no audit row {id}.');

export const notSealedYet = defineProblem(
  'audit_log_not_sealed_yet',
  409,
  'Conflict',
  'Audit row {id} is not sealed yet: try again in a second.',
);

export const notSealed = defineProblem(
  'audit_log_not_sealed',
  409,
  'Conflict',
  'Audit row {id} was never sealed: what it was could not be proved after the erasure.',
);

export const alteredRow = defineProblem(
  'audit_log_altered',
  409,
  'Conflict',
  'Audit row {id} is not what was sealed: there is no proof of it.',
);

const noCheckpoint = defineProblem(
  'audit_checkpoint_not_found',
  404,
  'Not Found',
  'There is no checkpoint of {size} rows.',
);

export const auditProofProblems = [auditLogNotFound, notSealedYet, alteredRow, notSealed, noCheckpoint];

/**
 * Proves a row under the newest checkpoint, or under that of `size` rows.
 * @throws Problem audit_log_not_found, audit_log_not_sealed_yet, audit_log_altered, audit_checkpoint_not_found
 */
export async function proveInclusion(db: Db, auditId: number, size?: number): Promise<InclusionProof> {
  const sealed = await findSealed(db, auditId);
  if (!sealed && !(await exists(db, auditId))) throw auditLogNotFound({ id: auditId });
  const checkpoint = size === undefined ? (await checkpointPage(db, { limit: 1 }))[0] : await checkpointOf(db, size);
  if (!sealed || !checkpoint || checkpoint.size <= sealed.leaf) {
    throw notSealedYet({ id: auditId }, { headers: { 'retry-after': '1' } });
  }
  const hash = currentHash(sealed);
  if (!sealed.row || !hash?.equals(sealed.sealedHash)) throw alteredRow({ id: auditId });
  const { row, salts } = sealed;
  const commitments: Commitments = currentCommitments(sealed, row);
  const openingIn = (part: PersonalPart): string | null => {
    const isErased = sealed.erased[part] !== undefined && isEmptied(row, part);
    return isErased ? null : openingOf[part](row, salts);
  };
  return {
    auditId,
    leaf: sealed.leaf,
    leafHash: hash,
    entry: entryOf(row, commitments),
    openings: { origin: openingIn(personalPartNames[0]), values: openingIn(personalPartNames[1]) },
    path: await inclusionProof(storedSubtrees(db), sealed.leaf, checkpoint.size),
    checkpoint,
  };
}

/** @throws Problem audit_checkpoint_not_found */
export async function proveConsistency(db: Db, fromSize: number, toSize: number): Promise<ConsistencyProof> {
  const [from, to] = [await checkpointOf(db, fromSize), await checkpointOf(db, toSize)];
  return { from, to, path: await consistencyProof(storedSubtrees(db), from.size, to.size) };
}

/** Checkpoints, newest first, below a size where it is given. */
export async function checkpointPage(
  db: Db,
  page: { readonly belowSize?: number | undefined; readonly limit: number },
): Promise<SignedCheckpoint[]> {
  const size = page.belowSize ?? Number.MAX_SAFE_INTEGER;
  return (await checkpointsBelow(db, { size, limit: `${page.limit}` })).map(readCheckpoint);
}

/** The keys that have signed, oldest first, as C2SP verifier keys. */
export async function auditKeys(db: Db): Promise<string[]> {
  return (await readKeys(db, {})).map((key) => key.verifier_key);
}

/** The leaf of a row; undefined where it was not sealed. */
export async function findSealed(db: Db, auditId: number): Promise<SealedRow | undefined> {
  const [found] = await runOfId(db, { id: auditId });
  const run = found && runOf(found);
  if (!run || auditId >= run.firstId + run.count) return undefined;
  const firstLeaf = run.firstLeaf + auditId - run.firstId;
  const [sealed] = await readSealed(db, [{ firstLeaf, firstId: auditId, count: 1 }]);
  return sealed;
}

async function exists(db: Db, auditId: number): Promise<boolean> {
  return (await rowsBetween(db, { from: auditId, to: auditId, limit: '1' })).length > 0;
}

async function checkpointOf(db: Db, size: number): Promise<SignedCheckpoint> {
  const [found] = await checkpointsFrom(db, { size, limit: '1' });
  if (!found || Number(found.size) !== size) throw noCheckpoint({ size });
  return readCheckpoint(found);
}

function readCheckpoint(row: { readonly size: number | string; readonly note: string }): SignedCheckpoint {
  const checkpoint = parseCheckpoint(row.note);
  if (!checkpoint) throw new Error(`The stored checkpoint of ${row.size} rows cannot be read`);
  return checkpoint;
}
