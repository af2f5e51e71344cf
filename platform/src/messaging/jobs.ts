import { randomBytes } from 'node:crypto';
import { type Database, type Db, deleteOld, ignoringDuplicates, queryBuilder, type Tx } from '../database/index.ts';
import { type Context, uuidV7 } from '../kernel/index.ts';
import { jobsCommitted } from './hints.ts';
import { type JobRow, listByState } from './job-statements.ts';

/** Something to be done later, by any process. */
export interface JobRequest {
  /** Which handler does it: `close_day`; at most 100 ASCII characters, without a comma. */
  readonly kind: string;
  /**
   * Names the piece of work: of one kind and key there is one job, ever, as long as it is kept. At most 191 printable
   * ASCII characters.
   */
  readonly key?: string;
  /** Plain data that JSON can say. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Not before then; default at once. */
  readonly runAt?: Date;
  /** After so many failures it is dead; default 10. */
  readonly attemptsMax?: number;
}

interface JobTables {
  readonly jobs: {
    readonly id: string;
    readonly kind: string;
    readonly job_key: string | null;
    readonly payload: string;
    readonly due_at: Date;
    readonly attempts_max: number;
  };
}

const attemptsMaxDefault = 10;
const kindPattern = /^[\w.:-]{1,100}$/;
/** MySQL would rather change a key that does not fit than refuse it, and so take two for one. */
const keyPattern = /^[\x20-\x7e]{1,191}$/;

/**
 * Puts a job into the queue, in the transaction of what calls for it. False where this kind and key are there already,
 * done or not: then nothing changes. @throws RangeError for a kind or a key that cannot be kept
 */
export async function enqueueJob(tx: Tx, context: Pick<Context, 'clock'>, job: JobRequest): Promise<boolean> {
  if (!kindPattern.test(job.kind)) throw new RangeError(`"${job.kind}" is no kind of a job`);
  if (job.key !== undefined && !keyPattern.test(job.key)) {
    throw new RangeError(`The key of a ${job.kind} job should be 1 to 191 printable ASCII characters`);
  }
  const now = context.clock.now();
  const row = {
    id: uuidV7(now.getTime(), randomBytes(10)),
    kind: job.kind,
    job_key: job.key ?? null,
    payload: JSON.stringify(job.payload ?? {}),
    due_at: job.runAt ?? now,
    attempts_max: job.attemptsMax ?? attemptsMaxDefault,
  };
  const insert = queryBuilder<JobTables>(tx).insertInto('jobs').values(row);
  const { numInsertedOrUpdatedRows } = await ignoringDuplicates(insert, tx.dialect).executeTakeFirstOrThrow();
  tx.afterCommit(() => jobsCommitted.tell());
  return Number(numInsertedOrUpdatedRows) > 0;
}

/** A job as an operator sees it. */
export interface ListedJob {
  readonly id: string;
  readonly kind: string;
  readonly key: string | null;
  readonly state: string;
  readonly dueAt: Date | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

/** Jobs of a state, the newest first. */
export async function listJobs(
  db: Db,
  { state, limit }: { readonly state: 'waiting' | 'running' | 'done' | 'dead'; readonly limit: number },
): Promise<readonly ListedJob[]> {
  return (await listByState(db, { state, limit: String(limit) })).map(listedOf);
}

function listedOf(row: JobRow): ListedJob {
  return {
    id: row.id,
    kind: row.kind,
    key: row.job_key,
    state: row.state,
    dueAt: row.due_at,
    attempts: row.attempts,
    lastError: row.last_error,
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}

const pruneMax = 1_000;

/** Forgets jobs that ended before an instant, at most a thousand; says how many. Their keys are free again. */
export async function pruneJobs(database: Database, before: Date): Promise<number> {
  return database.transact((tx) => deleteOld(tx, { table: 'jobs', column: 'ended_at', before, limitMax: pruneMax }));
}
