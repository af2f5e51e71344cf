import { auditKeys, proveConsistency, proveInclusion } from '../../platform/src/audit/prove.ts';
import type { SignedCheckpoint } from '../../platform/src/audit/signing.ts';
import type { LedgerWorld } from '../../platform/src/audit/test/ledger-world.ts';

/** The bodies that the routes of proofs answer; types and no interfaces, so that they count as JSON. */
export type CheckpointBody = {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly time: string;
  readonly number: number;
  readonly key: string;
  readonly note: string;
};

export function checkpointBody({ origin, size, root, time, number, key, note }: SignedCheckpoint): CheckpointBody {
  return { origin, size, root: root.toString('base64'), time, number, key, note };
}

const base64 = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('base64'));

export type InclusionBody = {
  readonly audit_log_id: number;
  readonly leaf_index: number;
  readonly tree_size: number;
  readonly leaf_hash: string;
  readonly entry: string;
  readonly openings: { readonly origin: string | null; readonly values: string | null };
  readonly proof: readonly string[];
  readonly checkpoint: CheckpointBody;
  readonly keys: readonly string[];
};

export type ConsistencyBody = {
  readonly from: CheckpointBody;
  readonly to: CheckpointBody;
  readonly proof: readonly string[];
  readonly keys: readonly string[];
};

export async function inclusionBody({ database }: LedgerWorld, id: number, treeSize?: number): Promise<InclusionBody> {
  const { auditId, leaf, leafHash, entry, openings, path, checkpoint } = await proveInclusion(database, id, treeSize);
  return {
    audit_log_id: auditId,
    leaf_index: leaf,
    tree_size: checkpoint.size,
    leaf_hash: leafHash.toString('base64'),
    entry,
    openings,
    proof: base64(path),
    checkpoint: checkpointBody(checkpoint),
    keys: await auditKeys(database),
  };
}

export async function consistencyBody(
  { database }: LedgerWorld,
  fromSize: number,
  toSize: number,
): Promise<ConsistencyBody> {
  const { from, to, path } = await proveConsistency(database, fromSize, toSize);
  const [older, newer] = [checkpointBody(from), checkpointBody(to)];
  return { from: older, to: newer, proof: base64(path), keys: await auditKeys(database) };
}
