import { createHash } from 'node:crypto';
import {
  databaseBusy,
  type Database,
  deleteOld,
  ignoringDuplicates,
  queryBuilder,
  type Tx,
  writeLaterOn,
} from '../database/index.ts';
import { type Context, Problem } from '../kernel/index.ts';
import { idempotencyKeyReused, idempotencyRunning } from './problems.ts';

interface IdempotencyTables {
  readonly idempotency_keys: {
    scope: string;
    key: string;
    fingerprint: string;
    status: number;
    body: string;
    created_at: Date;
  };
}

export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
}

export interface IdempotentRequest {
  readonly context: Context;
  /** The client's `Idempotency-Key`; without one the work simply runs. */
  readonly key: string | undefined;
  /** What the key stands for: compared by fingerprint, so it must hold no secret that is not also the key's. */
  readonly request: unknown;
}

/**
 * Runs a creating use case at most once a key. The key, the request's fingerprint and the first answer are stored in
 * the transaction of the effect, so a crash leaves both or neither. A second request with the key waits for the first
 * and hears its answer; with another body it is a 422, and where the first still runs after the lock timeout a 409.
 */
export async function idempotently<Body>(
  database: Pick<Database, 'transact'>,
  asked: IdempotentRequest,
  work: (tx: Tx) => Promise<Answer<Body>>,
): Promise<Answer<Body> & { readonly isReplay: boolean }> {
  const { key } = asked;
  if (key === undefined) {
    return database.transact(async (tx) => ({ ...(await work(tx)), isReplay: false }));
  }
  const scope = `${asked.context.operation}:${asked.context.actor?.id ?? asked.context.client.address}`;
  const fingerprint = createHash('sha256')
    .update(JSON.stringify(asked.request) ?? '')
    .digest('hex');
  const claim: Claim = { scope, key, fingerprint, now: asked.context.clock.now() };
  let isClaiming = true;
  try {
    return await database.transact(async (tx) => {
      isClaiming = true;
      const isFirst = await claimKey(tx, claim);
      isClaiming = false;
      return isFirst ? firstAnswer(tx, claim, work) : replay<Body>(tx, claim);
    });
  } catch (error) {
    // A lock that the work itself waited for says nothing of the key.
    if (isClaiming && isLockTimeout(error)) {
      throw idempotencyRunning({}, { headers: { 'retry-after': '1' }, cause: error });
    }
    throw error;
  }
}

interface Claim {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly now: Date;
}

/** Whether the key was free. Waits for another transaction that has claimed it and has not ended. */
async function claimKey(tx: Tx, { now, ...identity }: Claim): Promise<boolean> {
  const claimed = await ignoringDuplicates(
    queryBuilder<IdempotencyTables>(tx)
      .insertInto('idempotency_keys')
      .values({ ...identity, status: 0, body: '', created_at: now }),
    tx.dialect,
  ).executeTakeFirst();
  return Boolean(claimed.numInsertedOrUpdatedRows);
}

const keepAnswer = writeLaterOn<
  Claim & Readonly<Record<string, unknown>> & { readonly status: number; readonly body: string }
>(
  'idempotency.answer',
  // A reserved word of MySQL needs no quotes behind the name of its table.
  () => `
    update idempotency_keys set status = :status, body = :body
     where idempotency_keys.scope = :scope and idempotency_keys.key = :key`,
);

async function firstAnswer<Body>(
  tx: Tx,
  claim: Claim,
  work: (tx: Tx) => Promise<Answer<Body>>,
): Promise<Answer<Body> & { isReplay: boolean }> {
  const answer = await work(tx);
  keepAnswer(tx, { ...claim, status: answer.status, body: JSON.stringify(answer.body) });
  return { ...answer, isReplay: false };
}

async function replay<Body>(tx: Tx, claim: Claim): Promise<Answer<Body> & { isReplay: boolean }> {
  const first = await queryBuilder<IdempotencyTables>(tx)
    .selectFrom('idempotency_keys')
    .select(['fingerprint', 'status', 'body'])
    .where('scope', '=', claim.scope)
    .where('key', '=', claim.key)
    .executeTakeFirstOrThrow();
  if (first.fingerprint !== claim.fingerprint) throw idempotencyKeyReused();
  return { status: first.status, body: JSON.parse(first.body) as Body, isReplay: true };
}

/** Forgets keys older than the time said, in one statement; returns how many. At most `limitMax` a call. */
export function forgetIdempotencyKeys(database: Database, olderThan: Date, limitMax = 5_000): Promise<number> {
  return database.transact((tx) =>
    deleteOld(tx, { table: 'idempotency_keys', column: 'created_at', before: olderThan, limitMax }),
  );
}

function isLockTimeout(error: unknown): boolean {
  if (!(error instanceof Problem) || error.code !== databaseBusy.definition.code) return false;
  const code = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined;
  return code === '55P03' || code === 'ER_LOCK_WAIT_TIMEOUT';
}
