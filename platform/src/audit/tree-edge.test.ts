import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyRoot, hashBytes, leafHash, nodeHash, rootAt } from './merkle.ts';
import { edgeTilesOf, type Tile, tileWidth, treeEdge } from './tree-edge.ts';

const leavesMax = 70_000;
const leaves = Array.from({ length: leavesMax }, (_, place) => leafHash(String(place)));

/** The root as the definition says, computed level by level. */
function plainRoot(size: number): Promise<Buffer> {
  const levels: Buffer[][] = [leaves.slice(0, size)];
  for (let below = levels[0] ?? []; below.length > 1;) {
    const above: Buffer[] = [];
    for (let place = 0; place + 1 < below.length; place += 2) {
      above.push(nodeHash(below[place] ?? emptyRoot, below[place + 1] ?? emptyRoot));
    }
    levels.push(above);
    below = above;
  }
  return rootAt((level, index) => Promise.resolve(levels[level]?.[index] ?? emptyRoot), size);
}

/** What a store would hold when each changed tile overwrites the one before it. */
function keep(store: Map<string, Tile>, tiles: readonly Tile[]): void {
  for (const tile of tiles) store.set(`${tile.level}/${tile.number}`, tile);
}

const sizes = fc.oneof(
  fc.integer({ min: 0, max: 1_100 }),
  fc.constantFrom(255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, leavesMax),
);

describe('the edge of a tree', () => {
  it('has the root that the definition gives, at any size', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (size) => {
        const edge = treeEdge();
        for (const leaf of leaves.slice(0, size)) edge.append(leaf);
        expect(edge.size).toBe(size);
        expect(edge.root()).toEqual(await plainRoot(size));
      }),
      { numRuns: 30 },
    );
  });

  it('goes on from its tiles as if it had never stopped', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (one, other) => {
        const [first, last] = [Math.min(one, other), Math.max(one, other)];
        const store = new Map<string, Tile>();
        const before = treeEdge();
        for (const leaf of leaves.slice(0, first)) before.append(leaf);
        keep(store, before.takeChanged());
        const ends = edgeTilesOf(first).map(({ level, number }) => store.get(`${level}/${number}`));
        const after = treeEdge(
          first,
          ends.flatMap((tile) => tile ?? []),
        );
        expect(after.root()).toEqual(before.root());
        for (const leaf of leaves.slice(first, last)) after.append(leaf);
        keep(store, after.takeChanged());
        expect(after.root()).toEqual(await plainRoot(last));
        for (let place = 0; place < last; place += 997) {
          const tile = store.get(`0/${Math.floor(place / tileWidth)}`);
          const start = (place % tileWidth) * hashBytes;
          expect(tile?.hashes.subarray(start, start + hashBytes)).toEqual(leaves[place]);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('says that a tile is missing or too short', () => {
    expect(() => treeEdge(3, [])).toThrow('Tile 0 of level 0 of the audit tree is missing or too short');
    expect(() => treeEdge(3, [{ level: 0, number: 0, hashes: Buffer.alloc(2 * hashBytes) }])).toThrow('too short');
  });
});
