import type { Db, Tx } from '../database/index.ts';
import { saltsBytes } from './leaf.ts';
import { hashBytes, completeRoot, type SubtreeHash } from './merkle.ts';
import { readTiles, writeTile } from './seal-statements.ts';
import { edgeTilesOf, type Tile, tileHeight, tileWidth, type TreeEdge, treeEdge } from './tree-edge.ts';

/** The edge of the stored tree with the salts of the leaves in its last tile. */
export interface SealedEdge {
  readonly tree: TreeEdge;
  /** Adds a leaf whose salts are to be kept. */
  append(leafHash: Buffer, salts: Buffer): void;
  /** Writes the tiles that changed. */
  write(tx: Tx): Promise<void>;
}

/** Reads the edge of a tree of this size, so that it can grow. */
export async function loadEdge(db: Db, size: number): Promise<SealedEdge> {
  const tiles: Tile[] = [];
  const salts = new Map<number, Buffer>();
  for (const { level, number } of edgeTilesOf(size)) {
    const [stored] = await readTiles(db, { level, from: number, to: number });
    if (!stored) continue;
    tiles.push({ level, number, hashes: stored.hashes });
    if (level === 0 && stored.salts) saltsOfTile(salts, number).set(stored.salts);
  }
  return sealedEdge(treeEdge(size, tiles), salts);
}

function sealedEdge(tree: TreeEdge, salts: Map<number, Buffer>): SealedEdge {
  return {
    tree,
    append: (leafHash, own) => {
      const leaf = tree.size;
      saltsOfTile(salts, Math.floor(leaf / tileWidth)).set(own, (leaf % tileWidth) * saltsBytes);
      tree.append(leafHash);
    },
    write: async (tx) => {
      for (const { level, number, hashes } of tree.takeChanged()) {
        const own = level === 0 ? saltsOfTile(salts, number) : undefined;
        const kept = own ? Buffer.from(own.subarray(0, (hashes.length / hashBytes) * saltsBytes)) : null;
        await writeTile(tx, { level, number, hashes, salts: kept });
        if (hashes.length === tileWidth * hashBytes) salts.delete(number);
      }
    },
  };
}

function saltsOfTile(salts: Map<number, Buffer>, number: number): Buffer {
  const known = salts.get(number);
  if (known) return known;
  const fresh = Buffer.alloc(tileWidth * saltsBytes);
  salts.set(number, fresh);
  return fresh;
}

/** The hashes of stored subtrees, each tile read once. */
export function storedSubtrees(db: Db): SubtreeHash {
  const tiles = new Map<string, Promise<Buffer>>();
  const tileOf = (level: number, number: number): Promise<Buffer> => {
    const key = `${level}/${number}`;
    const known = tiles.get(key) ?? readTile(db, level, number);
    tiles.set(key, known);
    return known;
  };
  return async (level, index) => {
    const height = level % tileHeight;
    const first = index * 2 ** height;
    const hashes = await tileOf((level - height) / tileHeight, Math.floor(first / tileWidth));
    const start = (first % tileWidth) * hashBytes;
    const end = start + 2 ** height * hashBytes;
    if (hashes.length < end) throw new Error(`The audit tree lacks hash ${index} of level ${level}`);
    return completeRoot(hashes.subarray(start, end));
  };
}

async function readTile(db: Db, level: number, number: number): Promise<Buffer> {
  const [tile] = await readTiles(db, { level, from: number, to: number });
  if (!tile) throw new Error(`The audit tree lacks tile ${number} of level ${level}`);
  return tile.hashes;
}
