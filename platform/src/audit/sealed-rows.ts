import type { Db } from '../database/index.ts';
import { commitmentsOf, type Commitments, leafHashOf, personalParts, type RowText, saltsBytes } from './leaf.ts';
import { type ErasureRow, erasuresBetween, readTiles, rowsBetween, type RunRow } from './seal-statements.ts';
import { hashBytes } from './merkle.ts';
import { tileWidth } from './tree-edge.ts';

/** Leaves first, first + 1 … are the rows firstId, firstId + 1 … */
export interface Run {
  readonly firstLeaf: number;
  readonly firstId: number;
  readonly count: number;
}

/** What is known of one leaf: what was sealed, and the row as it is now. */
export interface SealedRow {
  readonly leaf: number;
  readonly id: number;
  /** The hash that the tree holds. */
  readonly sealedHash: Buffer;
  /** Both salts; of an erased part it is zeros. */
  readonly salts: Buffer;
  /** Undefined where the row is gone. */
  readonly row: RowText | undefined;
  /** What was kept of the parts that were erased. */
  readonly erased: Partial<Commitments>;
}

export function runOf(row: RunRow): Run {
  return { firstLeaf: Number(row.first_leaf), firstId: Number(row.first_id), count: Number(row.row_count) };
}

/** The commitments of a row as it is now; those of erased parts as they were kept. */
export function currentCommitments(sealed: SealedRow, row: RowText): Commitments {
  const open = commitmentsOf(row, sealed.salts);
  return {
    origin: (isEmptied(row, 'origin') ? sealed.erased.origin : undefined) ?? open.origin,
    values: (isEmptied(row, 'values') ? sealed.erased.values : undefined) ?? open.values,
  };
}

/** The hash that the row as it is now would have; undefined where there is no row. */
export function currentHash(sealed: SealedRow): Buffer | undefined {
  return sealed.row && leafHashOf(sealed.row, currentCommitments(sealed, sealed.row));
}

export function isEmptied(row: RowText, part: keyof typeof personalParts): boolean {
  return personalParts[part].every((field) => row[field] === null);
}

/** How much wider than its rows a range of ids may be, and still be read at once. */
const spreadMax = 4;

/** Reads the rows of runs that lie one behind the other, in the order of their leaves. */
export async function readSealed(db: Db, runs: readonly Run[]): Promise<SealedRow[]> {
  const first = runs[0]?.firstLeaf ?? 0;
  const count = runs.reduce((sum, run) => sum + run.count, 0);
  if (count === 0) return [];
  const rows = await readRows(db, runs, count);
  const tiles = await readLeafTiles(db, first, first + count - 1);
  const erasures = await readErasures(db, runs);
  return runs.flatMap((run) =>
    Array.from({ length: run.count }, (_, place): SealedRow => {
      const [leaf, id] = [run.firstLeaf + place, run.firstId + place];
      const tile = tiles.get(Math.floor(leaf / tileWidth));
      const slot = leaf % tileWidth;
      return {
        leaf,
        id,
        sealedHash: tile?.hashes.subarray(slot * hashBytes, (slot + 1) * hashBytes) ?? Buffer.alloc(0),
        salts: tile?.salts?.subarray(slot * saltsBytes, (slot + 1) * saltsBytes) ?? Buffer.alloc(0),
        row: rows.get(id),
        erased: erasures.get(id) ?? {},
      };
    }),
  );
}

async function readRows(db: Db, runs: readonly Run[], count: number): Promise<ReadonlyMap<number, RowText>> {
  const { from, to } = idsOf(runs);
  const isDense = to - from < count * spreadMax;
  const ranges = isDense ? [{ from, to }] : runs.map((run) => idsOf([run]));
  const rows = new Map<number, RowText>();
  for (const range of ranges) {
    for (const row of await rowsBetween(db, { ...range, limit: `${range.to - range.from + 1}` })) {
      rows.set(Number(row.id), row);
    }
  }
  return rows;
}

async function readLeafTiles(
  db: Db,
  firstLeaf: number,
  lastLeaf: number,
): Promise<ReadonlyMap<number, { readonly hashes: Buffer; readonly salts: Buffer | null }>> {
  const [from, to] = [Math.floor(firstLeaf / tileWidth), Math.floor(lastLeaf / tileWidth)];
  const tiles = await readTiles(db, { level: 0, from, to });
  return new Map(tiles.map((tile) => [Number(tile.tile_number), tile]));
}

async function readErasures(db: Db, runs: readonly Run[]): Promise<ReadonlyMap<number, Partial<Commitments>>> {
  const { from, to } = idsOf(runs);
  const found = new Map<number, Partial<Commitments>>();
  // Two parts a row at the most.
  const rows: readonly ErasureRow[] = await erasuresBetween(db, { from, to, limit: `${2 * (to - from + 1)}` });
  for (const { audit_id: id, part, commitment } of rows) {
    found.set(Number(id), { ...found.get(Number(id)), [part]: commitment });
  }
  return found;
}

function idsOf(runs: readonly Run[]): { readonly from: number; readonly to: number } {
  return {
    from: Math.min(...runs.map((run) => run.firstId)),
    to: Math.max(...runs.map((run) => run.firstId + run.count - 1)),
  };
}
