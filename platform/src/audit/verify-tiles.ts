import { type Db, readOn } from '../database/index.ts';
import { readTiles } from './seal-statements.ts';
import { hashBytes } from './merkle.ts';
import { edgeTilesOf, type Tile, tileWidth, type TreeEdge } from './tree-edge.ts';
import { CheckpointFault } from './verify-checkpoints.ts';

/** Compares the stored tiles with those of the tree that was computed anew. */
export interface TileWatch {
  /** Full tiles above the leaves, whose hashes are compared one by one with their rows. */
  compareFull(tiles: readonly Tile[]): Promise<void>;
  /** The tiles in which the whole tree ends; there are no others. */
  compareEnd(edge: TreeEdge): Promise<void>;
}

const countTiles = readOn<{ readonly tiles: number | string }, Record<string, never>>(
  'audit.count_tiles',
  () => 'select count(*) as tiles from audit_tiles',
);

export function tileWatch(db: Db): TileWatch {
  const compare = async ({ level, number, hashes }: Tile): Promise<void> => {
    const [stored] = await readTiles(db, { level, from: number, to: number });
    if (!stored?.hashes.equals(hashes)) throw damaged(`Tile ${number} of level ${level} was damaged`);
  };
  return {
    compareFull: async (tiles) => {
      for (const tile of tiles) {
        if (tile.level > 0 && tile.hashes.length === tileWidth * hashBytes) await compare(tile);
      }
    },
    compareEnd: async (edge) => {
      for (const tile of edge.openTiles()) await compare(tile);
      const [counted] = await countTiles(db, {});
      const [tiles, expected] = [Number(counted?.tiles ?? 0), tilesOf(edge.size)];
      if (tiles !== expected)
        throw damaged(`There are ${tiles} tiles where a tree of ${edge.size} rows has ${expected}`);
    },
  };
}

/** How many tiles a tree has: all full ones of each level, and those in which it ends. */
function tilesOf(size: number): number {
  let tiles = edgeTilesOf(size).length;
  for (let full = Math.floor(size / tileWidth); full > 0; full = Math.floor(full / tileWidth)) tiles += full;
  return tiles;
}

function damaged(what: string): CheckpointFault {
  return new CheckpointFault({
    kind: 'tree',
    auditId: undefined,
    message: `${what}; the rows themselves are as they were`,
  });
}
