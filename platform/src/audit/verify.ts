import type { Db, Tx } from '../database/index.ts';
import { type Gap, parseGaps } from './late-rows.ts';
import { currentHash, type SealedRow } from './sealed-rows.ts';
import { BrokenRuns, sealedWindows } from './sealed-windows.ts';
import { readTree } from './seal-statements.ts';
import { treeEdge } from './tree-edge.ts';
import { CheckpointFault, checkpointWatch, type CheckpointWatch } from './verify-checkpoints.ts';
import { checkErasures, findAdded } from './verify-rest.ts';
import { tileWatch, type TileWatch } from './verify-tiles.ts';

/** What is wrong, and with which row: the first in the order of the tree. */
export interface AuditFault {
  readonly kind: 'edited' | 'removed' | 'added' | 'cut' | 'rewritten' | 'tree' | 'checkpoint' | 'key' | 'erasure';
  /** The audit row; undefined where it is the proof that was damaged and every row is as it was. */
  readonly auditId: number | undefined;
  readonly message: string;
}

export interface AuditVerdict {
  readonly isSound: boolean;
  readonly fault: AuditFault | undefined;
  /** `quinta/mexa/` and the number of the log. */
  readonly origin: string;
  /** Rows that were compared with the tree. */
  readonly rows: number;
  /** Rows that the tree has. */
  readonly size: number;
  readonly checkpoints: number;
  /** Ids beyond the tree: the sealer has not come so far. */
  readonly unsealed: number;
}

export interface VerifyOptions {
  /** `quinta/mexa` */
  readonly origin: string;
  /** Notes that were kept elsewhere: the tree must still begin as they say. */
  readonly keptNotes?: readonly string[];
  /** C2SP verifier keys that were kept elsewhere: everything must be signed by one of them or its confirmed successor. */
  readonly trustedKeys?: readonly string[];
  /** Told of the rows that were compared, as they are. */
  readonly onProgress?: (rows: number) => void;
}

/**
 * Compares every audit row with the tree, the tree with every checkpoint, and every checkpoint with its signature; ends
 * at the first row that is wrong.
 * @param tx repeatable read, so that rows which are sealed meanwhile do not confuse it
 */
export async function verifyAudit(tx: Tx, options: VerifyOptions): Promise<AuditVerdict> {
  const db = inTurn(tx);
  const [row] = await readTree(db, {});
  if (!row)
    return unsound(options.origin, { kind: 'tree', auditId: undefined, message: 'audit_tree has lost its row' });
  const tree: SealedTree = {
    origin: `${options.origin}/${row.log_id}`,
    size: Number(row.size),
    highId: Number(row.high_id),
    gaps: readableGaps(row.gaps),
  };
  const newestId = Number(row.newest_id ?? 0);
  const seen = { rows: 0, checkpoints: 0 };
  const fault = await firstFault(db, tree, options, seen);
  return {
    isSound: fault === undefined,
    fault,
    origin: tree.origin,
    ...seen,
    size: tree.size,
    unsealed: Math.max(0, newestId - tree.highId),
  };
}

/** A transaction does one thing at a time: what is asked while another statement runs waits for it. */
function inTurn(tx: Tx): Db {
  let last: Promise<unknown> = Promise.resolve();
  return {
    dialect: tx.dialect,
    run: (statement, params) => {
      const next = last.then(() => tx.run(statement, params));
      last = next.catch(() => undefined); // whoever asked hears of it
      return next;
    },
  };
}

interface SealedTree {
  readonly origin: string;
  readonly size: number;
  readonly highId: number;
  /** Undefined where what is stored cannot be read. */
  readonly gaps: readonly Gap[] | undefined;
}

async function firstFault(
  db: Db,
  tree: SealedTree,
  options: VerifyOptions,
  seen: { rows: number; checkpoints: number },
): Promise<AuditFault | undefined> {
  try {
    const checkpoints = await checkpointWatch(db, tree, options);
    await walk(db, tree, { checkpoints, tiles: tileWatch(db) }, (rows) => {
      seen.rows += rows;
      options.onProgress?.(rows);
    });
    seen.checkpoints = checkpoints.finish();
  } catch (error) {
    if (error instanceof CheckpointFault) return error.fault;
    if (error instanceof BrokenRuns) return { kind: 'tree', auditId: undefined, message: error.message };
    throw error;
  }
  if (!tree.gaps) return { kind: 'tree', auditId: undefined, message: 'audit_tree.gaps cannot be read' };
  return (await findAdded(db, { ...tree, gaps: tree.gaps })) ?? checkErasures(db);
}

/** Goes through the leaves in their order and hashes the rows as they are now. */
async function walk(
  db: Db,
  tree: SealedTree,
  watch: { readonly checkpoints: CheckpointWatch; readonly tiles: TileWatch },
  onProgress: (rows: number) => void,
): Promise<void> {
  const edge = treeEdge();
  let highId = 0;
  await watch.checkpoints.passed(edge);
  for await (const rows of sealedWindows(db, Number.MAX_SAFE_INTEGER)) {
    for (const sealed of rows) {
      edge.append(hashNow(sealed, watch.checkpoints));
      highId = Math.max(highId, sealed.id);
      if (edge.size === watch.checkpoints.nextSize) await watch.checkpoints.passed(edge);
    }
    await watch.tiles.compareFull(edge.takeChanged());
    onProgress(rows.length);
  }
  watch.checkpoints.reachedEnd(edge.size);
  if (edge.size !== tree.size || highId !== tree.highId) {
    const message = `audit_tree says ${tree.size} rows up to ${tree.highId}, audit_runs ${edge.size} up to ${highId}`;
    throw new CheckpointFault({ kind: 'tree', auditId: undefined, message });
  }
  await watch.tiles.compareEnd(edge);
}

function hashNow(sealed: SealedRow, checkpoints: CheckpointWatch): Buffer {
  const hash = currentHash(sealed);
  if (!hash) {
    throw new CheckpointFault({ kind: 'removed', auditId: sealed.id, message: `Row ${sealed.id} was removed` });
  }
  if (!hash.equals(sealed.sealedHash)) checkpoints.mismatch(sealed);
  checkpoints.last(sealed.id);
  return hash;
}

function readableGaps(text: string): readonly Gap[] | undefined {
  try {
    return parseGaps(text);
  } catch {
    return undefined; // told as a fault of its own, behind those of rows
  }
}

function unsound(origin: string, fault: AuditFault): AuditVerdict {
  return { isSound: false, fault, origin, rows: 0, size: 0, checkpoints: 0, unsealed: 0 };
}
