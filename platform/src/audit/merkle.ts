import { hash } from 'node:crypto';

/**
 * The Merkle tree of RFC 6962, section 2.1 (the same as RFC 9162, section 2.1): the hash of a leaf is
 * SHA-256(0x00 ‖ leaf), of a node SHA-256(0x01 ‖ left ‖ right), and of a tree of n leaves that of its largest complete
 * left subtree (a power of two, smaller than n) and of what is right of it. Sizes and places are whole numbers from 0.
 */

export const hashBytes = 32;

/** The hash of the subtree of 2^level leaves that is the index-th of its kind, counted from the left. */
export type SubtreeHash = (level: number, index: number) => Promise<Buffer>;

const leafPrefix = 0;
const nodePrefix = 1;
const nodeInput = Buffer.alloc(1 + 2 * hashBytes, nodePrefix);

export const emptyRoot: Buffer = sha256(Buffer.alloc(0));

/** Through a string, since asking for a buffer takes three times as long (1.8 against 0.6 microseconds). */
export function sha256(bytes: Buffer | string): Buffer {
  const digest = Buffer.allocUnsafe(hashBytes);
  digest.write(hash('sha256', bytes, 'binary'), 'binary');
  return digest;
}

/** Text is taken as UTF-8. */
export function leafHash(leaf: string | Buffer): Buffer {
  if (typeof leaf === 'string') return sha256(`\u0000${leaf}`);
  const input = Buffer.alloc(1 + leaf.length, leafPrefix);
  input.set(leaf, 1);
  return sha256(input);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashBytes);
  return sha256(nodeInput);
}

/** The root of a complete subtree of 2^n hashes that lie one behind the other. */
export function completeRoot(hashes: Buffer): Buffer {
  let level = hashes;
  while (level.length > hashBytes) {
    const above = Buffer.allocUnsafe(level.length / 2);
    for (let place = 0; place < above.length; place += hashBytes) {
      nodeInput.set(level.subarray(2 * place, 2 * place + 2 * hashBytes), 1);
      above.set(sha256(nodeInput), place);
    }
    level = above;
  }
  return Buffer.from(level);
}

/** The root of a tree from the complete subtrees that it falls into, the largest (leftmost) first. */
export function foldRoot(subtrees: readonly Buffer[]): Buffer {
  const last = subtrees.at(-1);
  if (last === undefined) return emptyRoot;
  return subtrees.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}

/** Leaves from `start` up to and without `end`. */
type Range = readonly [start: number, end: number];

/** The root over the first `size` leaves. */
export function rootAt(subtree: SubtreeHash, size: number): Promise<Buffer> {
  return rangeRoot(subtree, [0, size]);
}

/** PATH(m, D[n]) of RFC 6962, section 2.1.1: what a leaf needs to reach the root, from the bottom. */
export function inclusionProof(subtree: SubtreeHash, index: number, size: number): Promise<Buffer[]> {
  return rangeRoots(subtree, inclusionRanges(index, [0, size]));
}

/** PROOF(m, D[n]) of RFC 6962, section 2.1.2: that the tree of `from` leaves is the beginning of that of `to`. */
export function consistencyProof(subtree: SubtreeHash, from: number, to: number): Promise<Buffer[]> {
  if (from === 0 || from === to) return Promise.resolve([]);
  return rangeRoots(subtree, consistencyRanges(from, [0, to], true));
}

/** Whether a leaf with this hash stands at `index` of the tree of `size` leaves with this root (RFC 9162, 2.1.3.2). */
export function isIncluded(claim: {
  readonly leafHash: Buffer;
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  readonly proof: readonly Buffer[];
}): boolean {
  if (claim.index < 0 || claim.index >= claim.size) return false;
  let node = claim.index;
  let last = claim.size - 1;
  let root = claim.leafHash;
  for (const sibling of claim.proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      root = nodeHash(root, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && root.equals(claim.root);
}

/** Whether the tree with `fromRoot` is the beginning of the tree with `toRoot` (RFC 9162, section 2.1.4.2). */
export function isConsistent(claim: {
  readonly from: number;
  readonly to: number;
  readonly fromRoot: Buffer;
  readonly toRoot: Buffer;
  readonly proof: readonly Buffer[];
}): boolean {
  const { from, to, fromRoot, toRoot } = claim;
  if (from > to) return false;
  if (from === to) return claim.proof.length === 0 && fromRoot.equals(toRoot);
  if (from === 0) return claim.proof.length === 0 && fromRoot.equals(emptyRoot);
  const path = isPowerOfTwo(from) ? [fromRoot, ...claim.proof] : claim.proof;
  const roots = rootsBehind(path, from - 1, to - 1);
  return roots !== undefined && roots.older.equals(fromRoot) && roots.newer.equals(toRoot);
}

/** The roots that a consistency proof leads to: of the older tree and of the newer, from their last leaves. */
function rootsBehind(
  [first, ...path]: readonly Buffer[],
  lastOlder: number,
  lastNewer: number,
): { readonly older: Buffer; readonly newer: Buffer } | undefined {
  if (first === undefined) return undefined;
  let [older, newer] = [first, first];
  let [node, last] = [lastOlder, lastNewer];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  for (const sibling of path) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      newer = nodeHash(newer, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? { older, newer } : undefined;
}

function inclusionRanges(index: number, [start, end]: Range): Range[] {
  if (end - start <= 1) return [];
  const middle = start + splitOf(end - start);
  return index < middle
    ? [...inclusionRanges(index, [start, middle]), [middle, end]]
    : [...inclusionRanges(index, [middle, end]), [start, middle]];
}

/** @param isWhole whether the older tree ends with this subtree and begins with it: then its hash is known already */
function consistencyRanges(from: number, [start, end]: Range, isWhole: boolean): Range[] {
  if (from === end) return isWhole ? [] : [[start, end]];
  const middle = start + splitOf(end - start);
  return from <= middle
    ? [...consistencyRanges(from, [start, middle], isWhole), [middle, end]]
    : [...consistencyRanges(from, [middle, end], false), [start, middle]];
}

/** One after the other: what they are read from may be a transaction, which does one thing at a time. */
async function rangeRoots(subtree: SubtreeHash, ranges: readonly Range[]): Promise<Buffer[]> {
  const roots: Buffer[] = [];
  for (const range of ranges) roots.push(await rangeRoot(subtree, range));
  return roots;
}

/** The root over a range that begins where a subtree of its size may begin. */
async function rangeRoot(subtree: SubtreeHash, [start, end]: Range): Promise<Buffer> {
  const subtrees: Buffer[] = [];
  for (let place = start; place < end;) {
    const level = Math.floor(Math.log2(end - place));
    subtrees.push(await subtree(level, place / 2 ** level));
    place += 2 ** level;
  }
  return foldRoot(subtrees);
}

/** The largest power of two that is smaller than a count of two or more. */
function splitOf(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  return 2 ** Math.round(Math.log2(value)) === value;
}
