import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistencyProof,
  emptyRoot,
  hashBytes,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  nodeHash,
  rootAt,
  type SubtreeHash,
} from './merkle.ts';

/**
 * The published vectors of the reference implementation of RFC 6962 (google/certificate-transparency,
 * cpp/merkletree/merkle_tree_test.cc): eight leaves, the root of each size, paths and consistency proofs.
 */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];

const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** Index from 0, size, path. */
const paths: readonly [number, number, readonly string[]][] = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

/** From, to, proof. */
const proofs: readonly [number, number, readonly string[]][] = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

const hex = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('hex'));

/** Subtrees as the definition says: slow, and as plain as can be. */
function treeOf(hashes: readonly Buffer[]): SubtreeHash {
  const subtree = (level: number, index: number): Buffer => {
    const leaf = hashes[index];
    if (level === 0 && leaf !== undefined) return leaf;
    if (level === 0) throw new Error(`There is no leaf ${index}`);
    return nodeHash(subtree(level - 1, 2 * index), subtree(level - 1, 2 * index + 1));
  };
  return (level, index) => Promise.resolve(subtree(level, index));
}

const vectors = treeOf(leaves.map((leaf) => leafHash(Buffer.from(leaf, 'hex'))));

describe('the published vectors of RFC 6962', () => {
  it('give the root of nothing', async () => {
    expect(emptyRoot.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(await rootAt(vectors, 0)).toEqual(emptyRoot);
  });

  it.each(roots.map((root, place) => [place + 1, root] as const))('give the root of %i leaves', async (size, root) => {
    expect((await rootAt(vectors, size)).toString('hex')).toBe(root);
  });

  it.each(paths)('give the path of leaf %i in a tree of %i', async (index, size, path) => {
    expect(hex(await inclusionProof(vectors, index, size))).toEqual(path);
  });

  it.each(proofs)('give the proof from %i to %i leaves', async (from, to, proof) => {
    expect(hex(await consistencyProof(vectors, from, to))).toEqual(proof);
  });
});

describe('a tree of any size', () => {
  const hashes = Array.from({ length: 300 }, (_, place) => leafHash(Buffer.from(String(place))));
  const tree = treeOf(hashes);
  const sizes = fc.integer({ min: 1, max: hashes.length });

  it('proves each of its leaves, and no other leaf, place, size or path', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, chosen, broken) => {
        const index = chosen % size;
        const claim = {
          leafHash: hashes[index] ?? emptyRoot,
          index,
          size,
          root: await rootAt(tree, size),
          proof: await inclusionProof(tree, index, size),
        };
        expect(isIncluded(claim)).toBe(true);
        expect(isIncluded({ ...claim, leafHash: emptyRoot })).toBe(false);
        expect(isIncluded({ ...claim, root: emptyRoot })).toBe(false);
        expect(isIncluded({ ...claim, index: size })).toBe(false);
        expect(isIncluded({ ...claim, index: index + (index % 2 === 0 ? 1 : -1) })).toBe(false);
        expect(isIncluded({ ...claim, proof: [...claim.proof, emptyRoot] })).toBe(false);
        const altered = claim.proof.length > 0 && isIncluded({ ...claim, proof: flipped(claim.proof, broken) });
        expect(altered).toBe(false);
      }),
    );
  });

  it('proves that each older tree is its beginning, and no other one', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (to, chosen, broken) => {
        const from = chosen % (to + 1);
        const claim = {
          from,
          to,
          fromRoot: await rootAt(tree, from),
          toRoot: await rootAt(tree, to),
          proof: await consistencyProof(tree, from, to),
        };
        expect(isConsistent(claim)).toBe(true);
        expect(isConsistent({ ...claim, fromRoot: leafHash(claim.fromRoot) })).toBe(false);
        expect(from > 0 && isConsistent({ ...claim, toRoot: leafHash(claim.toRoot) })).toBe(false);
        expect(isConsistent({ ...claim, proof: [...claim.proof, emptyRoot] })).toBe(false);
        const altered = claim.proof.length > 0 && isConsistent({ ...claim, proof: flipped(claim.proof, broken) });
        expect(altered).toBe(false);
        expect(from < to && isConsistent({ ...claim, from: to, to: from })).toBe(false);
      }),
    );
  });
});

/** The same hashes with one bit turned. */
function flipped(proof: readonly Buffer[], chosen: number): Buffer[] {
  const bit = chosen % (proof.length * hashBytes * 8);
  return proof.map((hash, place) => {
    const copy = Buffer.from(hash);
    const byte = Math.floor(bit / 8) - place * hashBytes;
    if (byte >= 0 && byte < hashBytes) copy[byte] = (copy[byte] ?? 0) ^ (1 << (bit % 8));
    return copy;
  });
}
