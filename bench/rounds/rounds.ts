import { shortNumber } from '../figures/numbers.ts';
import { ratioOf, type Spread, spreadOf } from '../figures/statistics.ts';
import type { Stage } from '../stage/stage.ts';
import { failedMeasurement, measure, type Measurement, type Slot } from './measure.ts';

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** The rounds of one slot. */
export interface SlotResult {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly rounds: readonly Measurement[];
}

/**
 * Warms each slot up once, on its empty tables, then measures them in turns: every round measures each slot once, and
 * begins with another one.
 */
export async function runRounds(
  stage: Stage,
  slots: readonly Slot[],
  options: RoundsOptions,
): Promise<readonly SlotResult[]> {
  for (const slot of slots) {
    stage.say(`  warming up: ${slot.name}`);
    const warmUp = await tryMeasure(stage, slot, options.warmUpSeconds);
    for (const fault of warmUp.faults) stage.say(`  FAULT: ${fault}`);
  }
  const measured = new Map<string, Measurement[]>(slots.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const slot of rotated(slots, round)) {
      const measurement = await tryMeasure(stage, slot, options.seconds);
      measured.get(slot.name)?.push(measurement);
      stage.say(`  round ${round + 1} of ${options.rounds}: ${slot.name.padEnd(16)} ${lineOf(measurement)}`);
    }
  }
  return slots.map(({ name, title, order }) => ({
    name,
    title,
    connections: order.connections,
    rounds: measured.get(name) ?? [],
  }));
}

/** One that cannot be measured spoils its own figures, and no one else's. */
async function tryMeasure(stage: Stage, slot: Slot, seconds: number): Promise<Measurement> {
  try {
    return await measure(stage, { ...slot, order: { ...slot.order, seconds } });
  } catch (error) {
    stage.signal.throwIfAborted();
    return failedMeasurement(`${slot.title}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The same list, beginning with another one each round. */
export function rotated<T>(list: readonly T[], round: number): readonly T[] {
  const first = list.length === 0 ? 0 : round % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

/** What a measurement has in numbers. */
export type Figure = Exclude<keyof Measurement, 'faults'>;

/** A figure of every round that has it. */
export function figureOf(result: SlotResult | undefined, figure: Figure): Spread | undefined {
  return spreadOf(valuesOf(result, figure).filter((value) => Number.isFinite(value)));
}

/** A figure of one slot to that of another, round by round. */
export function ratioBetween(
  own: SlotResult | undefined,
  reference: SlotResult | undefined,
  figure: Figure,
): Spread | undefined {
  return ratioOf(valuesOf(own, figure), valuesOf(reference, figure));
}

/** Requests a second of one slot to those of another. */
export function rateRatio(own: SlotResult | undefined, reference: SlotResult | undefined): Spread | undefined {
  return ratioBetween(own, reference, 'requestsPerSecond');
}

function valuesOf(result: SlotResult | undefined, figure: Figure): readonly number[] {
  return (result?.rounds ?? []).map((round) => round[figure] ?? NaN);
}

export function faultsOf(results: readonly SlotResult[]): readonly string[] {
  return results.flatMap(({ rounds }) => rounds.flatMap(({ faults }) => faults));
}

function lineOf({ requestsPerSecond, p99Ms, faults }: Measurement): string {
  const fault = faults.length === 0 ? '' : `  FAULT: ${faults.join('; ')}`;
  return `${shortNumber(requestsPerSecond).padStart(9)}/s  p99 ${shortNumber(p99Ms)} ms${fault}`;
}
