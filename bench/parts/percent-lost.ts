import type { Spread } from '../figures/statistics.ts';
import { rateRatio, type SlotResult } from '../rounds/rounds.ts';

/** How much throughput one slot loses to another, in percent; below zero where it gains. */
export function percentLost(own: SlotResult | undefined, reference: SlotResult | undefined): Spread | undefined {
  const ratio = rateRatio(own, reference);
  if (!ratio) return undefined;
  return { median: percentBelow(ratio.median), min: percentBelow(ratio.max), max: percentBelow(ratio.min) };
}

function percentBelow(ratio: number): number {
  return (1 - ratio) * 100;
}
