import type { Db } from '../database/index.ts';
import { type Run, readSealed, runOf, type SealedRow } from './sealed-rows.ts';
import { runsFrom } from './seal-statements.ts';

/** How many rows are read at once. */
const windowMax = 8_192;
const runsMax = 1_000;

/** The runs do not say which row each leaf is. */
export class BrokenRuns extends Error {
  constructor(leaf: number, run: Run) {
    super(`audit_runs does not say which row leaf ${leaf} is: its next run begins with leaf ${run.firstLeaf}`);
  }
}

/**
 * The sealed rows in the order of their leaves, up to `size`, window by window: while one is worked on the next is being
 * read.
 * @throws BrokenRuns
 */
export async function* sealedWindows(db: Db, size: number): AsyncGenerator<SealedRow[]> {
  const plans = plannedWindows(db, size);
  let next = await nextWindow(db, plans);
  while (next) {
    const following = nextWindow(db, plans);
    // One that fails while the other is worked on must not count as unheard.
    following.catch(() => undefined);
    yield next;
    next = await following;
  }
}

async function nextWindow(db: Db, plans: AsyncGenerator<Run[]>): Promise<SealedRow[] | undefined> {
  const plan = await plans.next();
  return plan.done ? undefined : readSealed(db, plan.value);
}

/** Runs one behind the other, cut into windows. */
async function* plannedWindows(db: Db, size: number): AsyncGenerator<Run[]> {
  let window: Run[] = [];
  let count = 0;
  for await (const run of consecutiveRuns(db, size)) {
    for (const part of partsOf(cutAt(run, size))) {
      window.push(part);
      count += part.count;
      if (count < windowMax) continue;
      yield window;
      [window, count] = [[], 0];
    }
  }
  if (window.length > 0) yield window;
}

async function* consecutiveRuns(db: Db, size: number): AsyncGenerator<Run> {
  for (let leaf = 0; leaf < size;) {
    const runs = (await runsFrom(db, { leaf, limit: `${runsMax}` })).map(runOf);
    for (const run of runs) {
      if (run.firstLeaf !== leaf) throw new BrokenRuns(leaf, run);
      yield run;
      leaf += run.count;
    }
    if (runs.length < runsMax) return;
  }
}

function partsOf(run: Run): Run[] {
  return Array.from({ length: Math.ceil(run.count / windowMax) }, (_, place) => ({
    firstLeaf: run.firstLeaf + place * windowMax,
    firstId: run.firstId + place * windowMax,
    count: Math.min(windowMax, run.count - place * windowMax),
  }));
}

function cutAt(run: Run, size: number): Run {
  return { ...run, count: Math.max(0, Math.min(run.count, size - run.firstLeaf)) };
}
