import { z } from 'zod';
import { cursorParameter, idParams, limitParameter, type Route, routesOf } from '../http/index.ts';
import { type Context, pageOf } from '../kernel/index.ts';
import type { AuditLedger } from './ledger.ts';
import type { SignedCheckpoint } from './signing.ts';

const tag = 'audit-logs';
const checkpointsDefault = 100;
const checkpointsMax = 1_000;

const size = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const hash = z.string().meta({ description: 'SHA-256 as base64' });

const checkpointOutput = z.object({
  origin: z.string(),
  size: z.int(),
  root: hash,
  time: z.string(),
  number: z.int().meta({ description: 'Checkpoints of a log count from 1' }),
  key: z.string().meta({ description: 'The key that made it' }),
  note: z
    .string()
    .meta({ description: 'The signed note (C2SP tlog-checkpoint): keep it where nobody here can reach it' }),
});

const inclusionOutput = z.object({
  audit_log_id: z.int(),
  leaf_index: z.int(),
  tree_size: z.int(),
  leaf_hash: hash,
  entry: z.string().meta({ description: 'The leaf: canonical JSON whose hash with the prefix 0x00 is `leaf_hash`' }),
  openings: z.object({ origin: z.string().nullable(), values: z.string().nullable() }).meta({
    description: 'What the commitments in the entry are SHA-256 of; null where it was erased',
  }),
  proof: z.array(hash),
  checkpoint: checkpointOutput,
  keys: z.array(z.string()),
});

const consistencyOutput = z.object({
  from: checkpointOutput,
  to: checkpointOutput,
  proof: z.array(hash),
  keys: z.array(z.string()),
});

const checkpointsOutput = z.object({
  checkpoints: z.array(checkpointOutput),
  keys: z.array(z.string()).meta({ description: 'Keys that verify the notes (C2SP verifier keys), oldest first' }),
  count: z.int(),
  limit: z.int(),
  next: z.string().nullable(),
});

export interface ProofRoutesOptions<App> {
  readonly ledgerOf: (app: App) => AuditLedger;
  /** Reading a row is audited, also when it is read with its proof; throws where there is no such row. */
  readonly recordReading: (app: App, context: Context, auditId: number) => Promise<void>;
}

/** The routes by which an auditor proves the audit: under /audit-logs, before a route of `/audit-logs/:id`. */
export function auditProofRoutes<App>({ ledgerOf, recordReading }: ProofRoutesOptions<App>): readonly Route<App>[] {
  const { route } = routesOf<App>();
  return [
    route({
      method: 'GET',
      path: '/audit-logs/checkpoints',
      operation: 'audit_log.checkpoints',
      summary: 'Signed checkpoints of the audit, newest first, and the keys that verify them',
      tag,
      query: z.strictObject({
        limit: limitParameter(checkpointsDefault, checkpointsMax),
        cursor: cursorParameter('id'),
      }),
      replies: { 200: checkpointsOutput },
      handle: async ({ app, query: { limit, cursor } }) => {
        const ledger = ledgerOf(app);
        const belowSize = cursor && Number(cursor[0]);
        const found = await ledger.checkpoints({ belowSize, limit: limit + 1 });
        const { items, next } = pageOf(found, limit, (checkpoint) => [checkpoint.size]);
        const body = { checkpoints: items.map(checkpointBody), keys: await ledger.keys() };
        return { status: 200, body: { ...body, count: items.length, limit, next } };
      },
    }),
    route({
      method: 'GET',
      path: '/audit-logs/consistency',
      operation: 'audit_log.consistency',
      summary: 'That the audit of one checkpoint is the beginning of that of a later one',
      tag,
      query: z.strictObject({ from: size, to: size }).refine(({ from, to }) => from <= to, {
        message: 'Expected a size that is not smaller than from',
        path: ['to'],
      }),
      replies: { 200: consistencyOutput },
      problems: ['audit_checkpoint_not_found'],
      handle: async ({ app, query: { from, to } }) => {
        const ledger = ledgerOf(app);
        const proof = await ledger.proveConsistency(from, to);
        const body = { from: checkpointBody(proof.from), to: checkpointBody(proof.to), proof: base64(proof.path) };
        return { status: 200, body: { ...body, keys: await ledger.keys() } };
      },
    }),
    route({
      method: 'GET',
      path: '/audit-logs/:id/proof',
      operation: 'audit_log.proof',
      summary: 'That an audit row is what was sealed, under the newest checkpoint or under that of `size` rows',
      tag,
      params: idParams,
      query: z.strictObject({ size: size.optional() }),
      replies: { 200: inclusionOutput },
      problems: ['audit_log_not_found', 'audit_log_not_sealed_yet', 'audit_log_altered', 'audit_checkpoint_not_found'],
      handle: async ({ app, context, params: { id }, query }) => {
        await recordReading(app, context, id);
        return { status: 200, body: await inclusionBody(ledgerOf(app), id, query.size) };
      },
    }),
  ];
}

/** What the route answers; `quinta audit proof` prints the same. */
export async function inclusionBody(
  ledger: AuditLedger,
  id: number,
  treeSize: number | undefined,
): Promise<z.input<typeof inclusionOutput>> {
  const proof = await ledger.proveInclusion(id, treeSize);
  return {
    audit_log_id: proof.auditId,
    leaf_index: proof.leaf,
    tree_size: proof.checkpoint.size,
    leaf_hash: proof.leafHash.toString('base64'),
    entry: proof.entry,
    openings: proof.openings,
    proof: base64(proof.path),
    checkpoint: checkpointBody(proof.checkpoint),
    keys: await ledger.keys(),
  };
}

function checkpointBody({
  origin,
  size: rows,
  root,
  time,
  number,
  key,
  note,
}: SignedCheckpoint): z.input<typeof checkpointOutput> {
  return { origin, size: rows, root: root.toString('base64'), time, number, key, note };
}

function base64(hashes: readonly Buffer[]): string[] {
  return hashes.map((each) => each.toString('base64'));
}
