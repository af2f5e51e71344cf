import { shortNumber } from '../figures/numbers.ts';
import { ratioOf, type Spread, spreadOf } from '../figures/statistics.ts';
import { rotated } from '../rounds/rounds.ts';
import type { Bench } from '../parts/part.ts';
import type { LoopResult } from './closed-loop.ts';

/** Figures of one round, whichever a part has. */
export type Figures = Readonly<Record<string, number>>;

/** Something that is measured in turns with others. */
export interface Turn {
  readonly name: string;
  readonly title: string;
  measure(seconds: number): Promise<{ readonly figures: Figures; readonly faults?: readonly string[] }>;
}

export interface TurnResult {
  readonly name: string;
  readonly title: string;
  readonly rounds: readonly Figures[];
  readonly faults: readonly string[];
}

/** Warms each up once, then measures them in turns: every round measures each once, and begins with another one. */
export async function runTurns({ stage, options }: Bench, turns: readonly Turn[]): Promise<readonly TurnResult[]> {
  const found = new Map(turns.map(({ name }) => [name, { rounds: [] as Figures[], faults: [] as string[] }]));
  for (const turn of turns) await turn.measure(options.warmUpSeconds);
  for (let round = 0; round < options.rounds; round += 1) {
    for (const turn of rotated(turns, round)) {
      stage.signal.throwIfAborted();
      const { figures, faults = [] } = await turn.measure(options.seconds);
      found.get(turn.name)?.rounds.push(figures);
      found.get(turn.name)?.faults.push(...faults.map((fault) => `${turn.title}: ${fault}`));
      const line = Object.entries(figures).map(([name, value]) => `${name} ${shortNumber(value)}`);
      stage.say(`  round ${round + 1} of ${options.rounds}: ${turn.name.padEnd(16)} ${line.join('  ')}`);
    }
  }
  return turns.map(({ name, title }) => ({ name, title, rounds: [], faults: [], ...found.get(name) }));
}

/** A figure of every round that has it. */
export function figureOf(result: TurnResult | undefined, figure: string): Spread | undefined {
  return spreadOf(valuesOf(result, figure).filter(Number.isFinite));
}

/** A figure of one to that of another, round by round. */
export function figureRatio(
  own: TurnResult | undefined,
  reference: TurnResult | undefined,
  figure: string,
): Spread | undefined {
  return ratioOf(valuesOf(own, figure), valuesOf(reference, figure));
}

export function resultNamed(results: readonly TurnResult[], name: string): TurnResult | undefined {
  return results.find((result) => result.name === name);
}

function valuesOf(result: TurnResult | undefined, figure: string): readonly number[] {
  return (result?.rounds ?? []).map((round) => round[figure] ?? NaN);
}

/** What a loop has found, as a turn tells it. */
export function loopFigures({ perSecond, p50Ms, p99Ms, turnedAwayPerSecond, faults }: LoopResult): {
  readonly figures: Figures;
  readonly faults: readonly string[];
} {
  return { figures: { perSecond, p50Ms, p99Ms, turnedAwayPerSecond }, faults };
}
