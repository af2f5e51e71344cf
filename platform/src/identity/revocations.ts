import { type Database, readOn } from '../database/index.ts';
import type { Log } from '../kernel/index.ts';
import { createRevocationList, type RevocationList } from './revocation-list.ts';

export interface RevocationsOptions {
  /** The primary: a replica may be behind a revocation. */
  readonly database: Database;
  /** The pause between two polls; default 500. */
  readonly pollMs?: number;
  /** How long an access token lives: a revocation is remembered until the last one of its family has expired. */
  readonly accessTtlSeconds: number;
  readonly log: Log;
  /** How many families are held in memory, some 100 bytes each; default 250,000. */
  readonly familiesMax?: number;
  /** Milliseconds that only grow, from any start; default the process's own. No clock step reaches them. */
  readonly monotonicMs?: () => number;
}

export interface Revocations {
  /**
   * Whether the family has been revoked. From memory while that is fresh; otherwise the database is asked, and when it
   * cannot be, the promise rejects (503): nobody is let in on an old list.
   */
  isRevoked(familyId: string): boolean | Promise<boolean>;
  /** To be called after the commit of a revocation in this process, which then need not wait for its own poll. */
  revokedHere(familyId: string): void;
  /** Calls `listener` once for each family as this process learns of its end; returns what unsubscribes it. */
  onRevoked(listener: (familyId: string) => void): () => void;
  /** Loads what counts and begins to poll. A database that is down is no error here: `fresh` stays false. */
  start(): Promise<void>;
  /** Ends polling, after the poll that runs. */
  stop(): Promise<void>;
  /** Whether the last successful poll is recent enough to answer from memory. */
  readonly fresh: boolean;
  /** How many families are held, for metrics. */
  readonly size: number;
}

interface RevokedRow {
  readonly id: string;
  readonly age_ms: number | string;
}

const pollMsDefault = 500;
/** A list older than this is not trusted: what was revoked a second ago must be refused. */
const freshMsMax = 1_000;
/**
 * How far each poll reaches back behind the one before. A revocation carries the time of its statement and can be seen
 * only from its commit on, so a poll between the two misses it; transactions are cut off by the database long before
 * this.
 */
const overlapSeconds = 60;
/** Beyond a token's life: its tolerated clock difference, tokens signed beside a revocation, and slow host clocks. */
const marginSeconds = 120;
/** More than this are not held: the database is asked for each token, and the list tried again after a while. */
const familiesMaxDefault = 250_000;
const overflowPauseMs = 30_000;

const findRevoked = readOn<RevokedRow, { seconds: number; limit: string }>(
  'session.poll_revoked',
  (on) => `
    select id, ${on.ageMs('revoked_at')} as age_ms
      from refresh_families
     where revoked_at > ${on.before(':seconds')}
     order by revoked_at
     limit :limit`,
);

const findRevokedOne = readOn<{ id: string }, { id: string }>(
  'session.is_revoked',
  () => 'select id from refresh_families where id = :id and revoked_at is not null',
);

/**
 * Keeps in memory which families were revoked within the life of an access token, so that checking a token asks no
 * database, and every process knows of a revocation within a second: it polls every half second, and when its last
 * poll is older than a second it asks the database for each token instead.
 *
 * A family that is in no table counts as not revoked: a purge deletes families only long after their last access
 * token. All ages are computed by the database, all waiting is measured by this process's monotonic time.
 */
export function watchRevocations(options: RevocationsOptions): Revocations {
  const { database, pollMs = pollMsDefault, log, monotonicMs = () => performance.now() } = options;
  const list = createRevocationList(log);
  const poll = poller({ ...options, monotonicMs }, list);
  let timer: NodeJS.Timeout | undefined;
  let isStarted = false;
  let running = Promise.resolve();

  const turn = async (): Promise<void> => {
    running = poll.once();
    await running;
    if (isStarted) timer = setTimeout(() => void turn(), pollMs).unref();
  };

  return {
    isRevoked: (familyId) => {
      if (list.has(familyId)) return true;
      return poll.isFresh() ? false : findRevokedOne(database, { id: familyId }).then((rows) => rows.length > 0);
    },
    revokedHere: (familyId) => list.learn(familyId, monotonicMs() + poll.keepMs),
    onRevoked: list.onLearned,
    start: async () => {
      if (isStarted) return;
      isStarted = true;
      await turn();
    },
    stop: async () => {
      isStarted = false;
      clearTimeout(timer);
      await running;
    },
    get fresh() {
      return poll.isFresh();
    },
    get size() {
      return list.size;
    },
  };
}

interface Poller {
  /** How long a revocation is held. */
  readonly keepMs: number;
  readonly isFresh: () => boolean;
  /** Never rejects: a failure is logged once, when it begins. */
  readonly once: () => Promise<void>;
}

function poller(options: RevocationsOptions & { readonly monotonicMs: () => number }, list: RevocationList): Poller {
  const { database, log, monotonicMs, familiesMax = familiesMaxDefault } = options;
  const keepSeconds = options.accessTtlSeconds + marginSeconds;
  const keepMs = keepSeconds * 1000;
  let polledAtMs: number | undefined;
  let pausedUntilMs = 0;
  let isFailing = false;

  const poll = async (): Promise<void> => {
    const startedMs = monotonicMs();
    if (startedMs < pausedUntilMs) return;
    list.forget(startedMs);
    const sinceSeconds = polledAtMs === undefined ? keepSeconds : Math.ceil((startedMs - polledAtMs) / 1000);
    const seconds = Math.min(keepSeconds, sinceSeconds + overlapSeconds);
    const rows = await findRevoked(database, { seconds, limit: String(familiesMax + 1) });
    for (const { id, age_ms: ageMs } of rows) list.learn(id, startedMs + keepMs - Number(ageMs));
    const isWhole = list.size <= familiesMax;
    polledAtMs = isWhole ? startedMs : undefined;
    if (isWhole) return;
    list.clear();
    pausedUntilMs = startedMs + overflowPauseMs;
    log.warn({ families_max: familiesMax }, 'Too many revocations to hold: each token is checked in the database');
  };

  return {
    keepMs,
    isFresh: () => polledAtMs !== undefined && monotonicMs() - polledAtMs <= freshMsMax,
    once: async () => {
      try {
        await poll();
        if (isFailing) log.info({ families: list.size }, 'Revocations are read again');
        isFailing = false;
      } catch (error) {
        if (!isFailing) log.warn({ error }, 'Revocations cannot be read: each token is checked in the database');
        isFailing = true;
      }
    },
  };
}
