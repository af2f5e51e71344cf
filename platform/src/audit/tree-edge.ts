import { completeRoot, foldRoot, hashBytes, nodeHash } from './merkle.ts';

/**
 * The right edge of a growing tree: all that is needed to append leaves and to know the root. The tree is kept in
 * tiles of 256 hashes, as in the tlog-tiles format: a tile of level 0 has the hashes of leaves, one of level 1 the roots
 * of the tiles of level 0, and so on. A full tile never changes again.
 */

export const tileHeight = 8;
export const tileWidth = 2 ** tileHeight;

/** Some of the 256 hashes of a tile, from the left: all of them, or at the right edge of the tree fewer. */
export interface Tile {
  readonly level: number;
  /** Counted from the left, from 0. */
  readonly number: number;
  readonly hashes: Buffer;
}

export interface TreeEdge {
  readonly size: number;
  append(leafHash: Buffer): void;
  /** The root over all leaves so far. */
  root(): Buffer;
  /** The tiles that changed since they were last taken. */
  takeChanged(): Tile[];
  /** The tiles in which the tree ends. */
  openTiles(): Tile[];
}

/** The levels of the tiles in which a tree of this size ends, with the number of hashes that each has there. */
export function edgeTilesOf(
  size: number,
): { readonly level: number; readonly number: number; readonly count: number }[] {
  const tiles: { level: number; number: number; count: number }[] = [];
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / tileWidth)) {
    const inLast = count % tileWidth;
    if (inLast > 0) tiles.push({ level, number: Math.floor(count / tileWidth), count: inLast });
  }
  return tiles;
}

/** An empty tree's edge, or that of a tree of `size` leaves from the tiles in which it ends. */
export function treeEdge(size = 0, tiles: readonly Tile[] = []): TreeEdge {
  const edge = new GrowingEdge();
  if (size > 0) edge.restore(size, tiles);
  return edge;
}

interface Node {
  readonly level: number;
  readonly hash: Buffer;
}

interface OpenTile {
  number: number;
  count: number;
  isChanged: boolean;
  readonly hashes: Buffer;
}

class GrowingEdge implements TreeEdge {
  size = 0;
  /** The complete subtrees that the tree falls into, the largest first. */
  #subtrees: Node[] = [];
  readonly #open: OpenTile[] = [];
  #filled: Tile[] = [];

  append(leafHash: Buffer): void {
    this.size += 1;
    this.#put(0, leafHash);
    let node: Node = { level: 0, hash: leafHash };
    for (let left = this.#subtrees.at(-1); left?.level === node.level; left = this.#subtrees.at(-1)) {
      this.#subtrees.pop();
      node = { level: node.level + 1, hash: nodeHash(left.hash, node.hash) };
      if (node.level % tileHeight === 0) this.#put(node.level / tileHeight, node.hash);
    }
    this.#subtrees.push(node);
  }

  root(): Buffer {
    return foldRoot(this.#subtrees.map(({ hash }) => hash));
  }

  takeChanged(): Tile[] {
    const changed = [...this.#filled, ...this.#openWhere(({ isChanged }) => isChanged)];
    this.#filled = [];
    for (const tile of this.#open) tile.isChanged = false;
    return changed;
  }

  openTiles(): Tile[] {
    return this.#openWhere(() => true);
  }

  restore(size: number, tiles: readonly Tile[]): void {
    this.size = size;
    for (const { level, number, count } of edgeTilesOf(size).toReversed()) {
      const stored = tiles.find((tile) => tile.level === level && tile.number === number);
      if (stored === undefined || stored.hashes.length < count * hashBytes) {
        throw new Error(`Tile ${number} of level ${level} of the audit tree is missing or too short`);
      }
      const hashes = stored.hashes.subarray(0, count * hashBytes);
      const open = this.#openTile(level);
      open.number = number;
      open.count = count;
      open.hashes.set(hashes);
      this.#subtrees.push(...subtreesOf(hashes, level * tileHeight));
    }
    // A level whose last tile is just full goes on with the next one.
    for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / tileWidth)) {
      this.#openTile(level).number = Math.floor(count / tileWidth);
    }
  }

  #put(level: number, hash: Buffer): void {
    const tile = this.#openTile(level);
    tile.hashes.set(hash, tile.count * hashBytes);
    tile.count += 1;
    tile.isChanged = true;
    if (tile.count < tileWidth) return;
    this.#filled.push({ level, number: tile.number, hashes: Buffer.from(tile.hashes) });
    tile.number += 1;
    tile.count = 0;
    tile.isChanged = false;
  }

  #openWhere(isWanted: (tile: OpenTile) => boolean): Tile[] {
    return this.#open.flatMap((tile, level) => {
      if (tile.count === 0 || !isWanted(tile)) return [];
      return [{ level, number: tile.number, hashes: Buffer.from(tile.hashes.subarray(0, tile.count * hashBytes)) }];
    });
  }

  #openTile(level: number): OpenTile {
    const known = this.#open[level];
    if (known) return known;
    const fresh = { number: 0, count: 0, isChanged: false, hashes: Buffer.alloc(tileWidth * hashBytes) };
    this.#open[level] = fresh;
    return fresh;
  }
}

/** The complete subtrees that so many hashes of one level fall into, the largest first. */
function subtreesOf(hashes: Buffer, level: number): Node[] {
  const nodes: Node[] = [];
  let start = 0;
  for (let height = tileHeight - 1; height >= 0; height -= 1) {
    const bytes = 2 ** height * hashBytes;
    if (hashes.length - start < bytes) continue;
    nodes.push({ level: level + height, hash: completeRoot(hashes.subarray(start, start + bytes)) });
    start += bytes;
  }
  return nodes;
}
