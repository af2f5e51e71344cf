import type { Checked } from '../check/check-contestant.ts';
import { checkContestant, rowFaultsOf } from '../check/check-contestant.ts';
import type { Contestant, Running } from '../contestants/contestant.ts';
import type { BenchDatabase } from '../stage/stage.ts';
import type { Bench } from './part.ts';

/** A contestant that runs on a database of its own, which was empty before its check. */
export interface Ready {
  readonly contestant: Contestant;
  readonly running: Running;
  readonly database: BenchDatabase;
}

/** Those that run, those that cannot, and what their check has found. */
export interface Line {
  readonly ready: readonly Ready[];
  readonly leftOut: readonly string[];
  readonly faults: readonly string[];
  /** Columns that MEXA's audit rows fill beyond the promised ones. */
  readonly furtherColumns: readonly string[];
}

/**
 * Starts the contestants, each on a database of its own, checks that they answer and write the same as MEXA, and ends
 * them all when the work is done. One that cannot run or starts in vain is named, with the reason.
 */
export async function withContestants<T>(
  bench: Bench,
  contestants: readonly Contestant[],
  work: (line: Line) => Promise<T>,
): Promise<T> {
  const ready: Ready[] = [];
  const [leftOut, faults]: [string[], string[]] = [[], []];
  try {
    for (const contestant of contestants) {
      const reason = await contestant.reasonAgainst(bench.stage);
      if (reason !== undefined) leftOut.push(`${contestant.title}: ${reason}`);
      else await open(bench, contestant).then((one) => ready.push(one), toFault(bench, contestant, faults));
    }
    for (const line of [...leftOut, ...faults]) bench.stage.say(`  left out: ${line}`);
    const checks = await checkAll(bench, ready);
    faults.push(...checks.faults);
    return await work({ ready, leftOut, faults, furtherColumns: checks.furtherColumns });
  } finally {
    await Promise.all(ready.map(({ running }) => running.stop()));
    for (const { database } of ready) await database.drop();
  }
}

async function open({ stage, generator }: Bench, contestant: Contestant): Promise<Ready> {
  stage.say(`  starting: ${contestant.name}`);
  const database = await stage.makeDatabase(contestant.name);
  try {
    return { contestant, database, running: await contestant.start({ stage, generator, database }) };
  } catch (error) {
    await database.drop();
    throw error;
  }
}

/** One that can run here and does not is a failure, and the others go on. */
function toFault({ stage }: Bench, { title }: Contestant, faults: string[]): (error: unknown) => void {
  return (error) => {
    stage.signal.throwIfAborted();
    faults.push(`${title} does not start: ${error instanceof Error ? error.message : String(error)}`);
  };
}

async function checkAll(
  { stage }: Bench,
  ready: readonly Ready[],
): Promise<{ faults: string[]; furtherColumns: readonly string[] }> {
  const checked: { readonly one: Ready; readonly check: Checked }[] = [];
  for (const one of ready.filter(({ running }) => running.isDurable)) {
    checked.push({ one, check: await checkContestant(stage, one) });
  }
  const mexa = checked.find(({ one }) => one.contestant.name.startsWith('mexa'))?.check;
  const faults = checked.flatMap(({ one, check }) => [
    ...check.faults,
    ...(mexa && check.faults.length === 0 ? rowFaultsOf(one.contestant.title, check, mexa) : []),
  ]);
  const complaints = checked
    .filter(({ check }) => check.faults.length > 0)
    .map(({ one }) => `${one.contestant.name} said: ${one.running.complaints().slice(-2_000)}`);
  for (const line of [...faults, ...complaints]) stage.say(`  FAULT: ${line}`);
  return { faults, furtherColumns: mexa?.furtherColumns ?? [] };
}
