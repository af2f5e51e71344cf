import { openPostgresql } from '../postgresql.ts';
import { Probe } from './probe.ts';
import { foreignness, type PrimaryAnswer, primaryQuestion, type ReplicaAnswer, replicaQuestion } from './questions.ts';
import { replicaPool } from './replica-pool.ts';

/** What a look at a replica from outside has shown. */
export type ReplicaFinding =
  | { readonly kind: 'replica'; readonly lagBytes: number }
  | { readonly kind: 'foreign'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly cause: unknown };

const timeoutMs = 5_000;

/** Whether a server is a streaming replica of that primary, for an operator. Throws where the primary does not answer. */
export async function examineReplica(primaryUrl: string, replicaUrl: string): Promise<ReplicaFinding> {
  const primary = await askOnce<PrimaryAnswer>(primaryUrl, primaryQuestion);
  try {
    const replica = await askOnce<ReplicaAnswer>(replicaUrl, replicaQuestion);
    const reason = foreignness(primary, replica);
    if (reason !== undefined) return { kind: 'foreign', reason };
    const lagBytes = BigInt(primary.position) - BigInt(replica.position);
    return { kind: 'replica', lagBytes: lagBytes > 0n ? Number(lagBytes) : 0 };
  } catch (cause) {
    return { kind: 'unreachable', cause };
  }
}

async function askOnce<Answer>(url: string, question: string): Promise<Answer> {
  const pool = { ...replicaPool({ url }), connectionsMax: 1, connectTimeoutMs: timeoutMs };
  const probe = new Probe<Answer>(openPostgresql(pool), question, timeoutMs);
  try {
    return await probe.ask();
  } finally {
    await probe.close();
  }
}
