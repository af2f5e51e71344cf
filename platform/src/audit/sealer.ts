import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Database, Tx } from '../database/index.ts';
import type { Clock, Log } from '../kernel/index.ts';
import { commitmentsOf, leafHashOf, type RowText, saltsBytes } from './leaf.ts';
import { currentWriters, type Gap, gapsBetween, gapWithout, parseGaps, quietGaps } from './late-rows.ts';
import { loadEdge, type SealedEdge } from './sealed-tiles.ts';
import {
  advanceTree,
  checkpointsBelow,
  extendRun,
  insertCheckpoint,
  insertKey,
  insertRun,
  lastRun,
  lockTree,
  readKeys,
  readTree,
  rowsAfter,
  rowsBetween,
  type TreeRow,
} from './seal-statements.ts';
import { type AuditSigner, parseCheckpoint, signCheckpoint } from './signing.ts';

/**
 * Puts audit rows into the tree, in the order in which they become visible, and signs how far it has come.
 *
 * Each batch is one transaction that locks the tree's only row: of any number of processes one seals at a time, and
 * the others pass by. What a batch does is all there or not at all, so a sealer may die anywhere. Nothing of it stands
 * in the way of a request: rows are sealed after their commit, within about a second.
 */
export interface Sealer {
  /** Seals what is there; resolves to the number of rows, or undefined where another process is at it. */
  sealNow(): Promise<number | undefined>;
  start(): void;
  /** Ends after the batch that runs. */
  stop(): Promise<void>;
}

export interface SealerOptions {
  readonly database: Database;
  /** `quinta/mexa`: the beginning of the origin that checkpoints name. */
  readonly origin: string;
  readonly signer: AuditSigner;
  /** The key before it, which signs as well while keys are changed, so that whoever trusts it can trust the new one. */
  readonly previousSigner?: AuditSigner | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** The pause between two turns; default 1,000. */
  readonly pollMs?: number;
  readonly observe?: (sealed: { readonly rows: number; readonly durationMs: number; readonly size: number }) => void;
}

const pollMsDefault = 1_000;
const batchMax = 2_048;
/** How many leaves are hashed before others get their turn: some two milliseconds. */
const sliceMax = 256;
/** So many open gaps: no further row is sealed until some are closed. */
const gapsMax = 1_000;
/** Batches of one turn, so that it ends. */
const batchesMax = 1_000;

export function createSealer(options: SealerOptions): Sealer {
  return new PollingSealer(options);
}

interface Tree {
  readonly logId: string;
  readonly size: number;
  readonly highId: number;
  readonly gaps: readonly Gap[];
  readonly revision: number;
}

class PollingSealer implements Sealer {
  readonly #options: SealerOptions;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #running: Promise<unknown> = Promise.resolve();
  #isFailing = false;
  /** The edge of the tree at a revision; of another revision it must be read anew. */
  #edge: { readonly revision: number; readonly edge: SealedEdge } | undefined;

  constructor(options: SealerOptions) {
    this.#options = options;
  }

  sealNow(): Promise<number | undefined> {
    const turn = this.#running.then(() => this.#turn());
    this.#running = turn.catch(() => undefined); // whoever asked for the turn hears of it
    return turn;
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#plan();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #plan(): void {
    if (!this.#isStarted) return;
    // Processes that start at once do not poll at once for ever.
    const pauseMs = (this.#options.pollMs ?? pollMsDefault) * (0.9 + 0.2 * Math.random());
    this.#timer = setTimeout(() => void this.#tick(), pauseMs).unref();
  }

  async #tick(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.sealNow();
      if (this.#isFailing) log.info({}, 'Audit rows are sealed again');
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) log.error({ error }, 'Audit rows cannot be sealed');
      this.#isFailing = true;
    }
    this.#plan();
  }

  async #turn(): Promise<number | undefined> {
    let rows = 0;
    for (let batch = 0; batch < batchesMax; batch += 1) {
      const sealed = await this.#batch();
      if (sealed === undefined) return rows > 0 ? rows : undefined;
      rows += sealed.rows;
      if (!sealed.isFull) break;
    }
    return rows;
  }

  async #batch(): Promise<{ readonly rows: number; readonly isFull: boolean } | undefined> {
    const { database, clock, observe } = this.#options;
    const startedMs = performance.now();
    const [seen] = await readTree(database, {});
    if (!seen) throw new Error('The table audit_tree has lost its row');
    const before = treeOf(seen);
    if (Number(seen.newest_id ?? 0) <= before.highId && before.gaps.length === 0) return { rows: 0, isFull: false };
    const quiet = await quietGaps(database, before.gaps, clock.now().getTime());
    const done = await database.transact(async (tx) => {
      const [locked] = await lockTree(tx, {});
      return locked && this.#seal(tx, treeOf(locked), { revision: before.revision, quiet });
    });
    if (!done) return undefined;
    this.#edge = { revision: done.revision, edge: done.edge };
    if (done.rows > 0) {
      observe?.({ rows: done.rows, durationMs: performance.now() - startedMs, size: done.edge.tree.size });
    }
    return done;
  }

  async #seal(tx: Tx, tree: Tree, known: { readonly revision: number; readonly quiet: ReadonlySet<number> }) {
    const edge = this.#edge?.revision === tree.revision ? this.#edge.edge : await loadEdge(tx, tree.size);
    // A transaction that is rolled back leaves an edge that has grown: it is good again only once this one commits.
    this.#edge = undefined;
    const nowMs = this.#options.clock.now().getTime();
    const late = await readLate(tx, tree.gaps, known.revision === tree.revision ? known.quiet : new Set());
    const { fresh, isFull } = await readFresh(tx, tree);
    const rows = [...late.rows, ...fresh];
    const found = gapsBetween(tree.highId, idsOf(fresh));
    const writers = found.length > 0 ? await currentWriters(tx) : [];
    const gaps = [...late.gaps, ...found.map((gap) => ({ ...gap, writers, foundMs: nowMs }))];
    const hasChanged = rows.length > 0 || gaps.length !== tree.gaps.length;
    if (!hasChanged) return { rows: 0, isFull, revision: tree.revision, edge };
    await appendRows(edge, rows);
    await edge.write(tx);
    await writeRuns(tx, tree.size, idsOf(rows));
    const revision = tree.revision + 1;
    const highId = idsOf(fresh).at(-1) ?? tree.highId;
    await advanceTree(tx, { size: edge.tree.size, highId, gaps: JSON.stringify(gaps), revision });
    if (rows.length > 0) await this.#checkpoint(tx, tree.logId, edge);
    return { rows: rows.length, isFull, revision, edge };
  }

  async #checkpoint(tx: Tx, logId: string, { tree }: SealedEdge): Promise<void> {
    const { origin, signer, previousSigner, clock } = this.#options;
    await this.#registerKey(tx);
    const size = tree.size;
    const [row] = await checkpointsBelow(tx, { size: Number.MAX_SAFE_INTEGER, limit: '1' });
    const newest = row && parseCheckpoint(row.note);
    // Somebody has cut the tree behind our back: what was signed stays, and `audit verify` tells of it.
    if (newest && newest.size >= size) throw new Error(`The audit tree of ${size} rows is shorter than it was`);
    const number = (newest?.number ?? 0) + 1;
    const checkpoint = {
      origin: `${origin}/${logId}`,
      size,
      root: tree.root(),
      time: clock.now().toISOString(),
      number,
    };
    const { note } = signCheckpoint(checkpoint, previousSigner ? [signer, previousSigner] : [signer]);
    await insertCheckpoint(tx, { size, note });
  }

  /** The keys that ever signed are listed in the order in which they came. */
  async #registerKey(tx: Tx): Promise<void> {
    const { verifierKey } = this.#options.signer;
    const keys = await readKeys(tx, {});
    if (keys.some((key) => key.verifier_key === verifierKey)) return;
    const last = keys.at(-1);
    await insertKey(tx, { place: (last?.place ?? 0) + 1, key: verifierKey });
    if (last && last.verifier_key !== this.#options.previousSigner?.verifierKey) {
      this.#options.log.error({}, 'The audit is signed by a new key that the one before it has not confirmed');
    }
  }
}

function treeOf(row: TreeRow): Tree {
  return {
    logId: row.log_id,
    size: Number(row.size),
    highId: Number(row.high_id),
    gaps: parseGaps(row.gaps),
    revision: Number(row.revision),
  };
}

function idsOf(rows: readonly RowText[]): number[] {
  return rows.map(({ id }) => Number(id));
}

/** The next rows, and whether there are more than fit into a batch. */
async function readFresh(tx: Tx, tree: Tree): Promise<{ readonly fresh: RowText[]; readonly isFull: boolean }> {
  if (tree.gaps.length >= gapsMax) return { fresh: [], isFull: false };
  const found = await rowsAfter(tx, { afterId: tree.highId, limit: `${batchMax + 1}` });
  return { fresh: found.slice(0, batchMax), isFull: found.length > batchMax };
}

/** Rows that came late, and the gaps that stay open. */
async function readLate(
  tx: Tx,
  gaps: readonly Gap[],
  quiet: ReadonlySet<number>,
): Promise<{ readonly rows: RowText[]; readonly gaps: Gap[] }> {
  const rows: RowText[] = [];
  const open: Gap[] = [];
  for (const gap of gaps) {
    const found = await rowsBetween(tx, { ...gap, limit: `${batchMax}` });
    rows.push(...found);
    // A full batch is no proof of what is not there.
    if (found.length < batchMax && quiet.has(gap.from)) continue;
    open.push(...gapWithout(gap, idsOf(found)));
  }
  return { rows, gaps: open };
}

async function appendRows(edge: SealedEdge, rows: readonly RowText[]): Promise<void> {
  const salts = randomBytes(rows.length * saltsBytes);
  for (const [place, row] of rows.entries()) {
    if (place % sliceMax === sliceMax - 1) await setImmediate();
    const own = salts.subarray(place * saltsBytes, (place + 1) * saltsBytes);
    edge.append(leafHashOf(row, commitmentsOf(row, own)), own);
  }
}

/** Neighbouring ids become one run, which may go on from the last one. */
async function writeRuns(tx: Tx, size: number, ids: readonly number[]): Promise<void> {
  const runs: { leaf: number; id: number; count: number }[] = [];
  for (const [place, id] of ids.entries()) {
    const run = runs.at(-1);
    if (run && id === run.id + run.count) run.count += 1;
    else runs.push({ leaf: size + place, id, count: 1 });
  }
  const [last] = await lastRun(tx, {});
  const [first, ...rest] = runs;
  if (!first) return;
  if (last && first.id === Number(last.first_id) + Number(last.row_count)) {
    await extendRun(tx, { leaf: Number(last.first_leaf), count: first.count });
  } else {
    rest.unshift(first);
  }
  for (const run of rest) await insertRun(tx, run);
}
