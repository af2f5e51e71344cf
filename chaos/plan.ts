import { shuffled } from '../platform/src/testing/shuffled.ts';
import { chanceOf } from './chance.ts';

/**
 * What is done to a part: killed (SIGKILL); killed in the middle of the next set that it writes; stopped (SIGSTOP) and
 * let go on; its connections cut; its wire dead without a word.
 */
export const faultKinds = ['kill', 'tear', 'pause', 'cut', 'stall'] as const;
export type FaultKind = (typeof faultKinds)[number];

export const partNames = ['broker', 'documents', 'worker 1', 'worker 2', 'api'] as const;
export type PartName = (typeof partNames)[number];

export interface Fault {
  /** From the beginning of the load. */
  readonly atMs: number;
  readonly part: PartName;
  readonly kind: FaultKind;
  /** How long the part stays down, stopped or cut off. */
  readonly lastsMs: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly count: number;
  readonly seconds: number;
  /** Without a broker of its own there is nothing to kill. */
  readonly hasBroker: boolean;
}

type Card = readonly [part: 'broker' | 'documents' | 'worker' | 'api', kind: FaultKind];

/** Faults are dealt from this deck, shuffled anew whenever it is used up: every kind comes, and kills come most. */
const deck: readonly Card[] = [
  ['broker', 'kill'],
  ['broker', 'kill'],
  ['broker', 'pause'],
  ['broker', 'cut'],
  ['broker', 'stall'],
  ['documents', 'kill'],
  ['documents', 'kill'],
  ['documents', 'tear'],
  ['documents', 'pause'],
  ['documents', 'cut'],
  ['documents', 'stall'],
  ['worker', 'kill'],
  ['worker', 'kill'],
  ['worker', 'kill'],
  ['worker', 'pause'],
  ['api', 'kill'],
  ['api', 'pause'],
];

/** As many faults show every kind at least once. */
export const deckSize = deck.length;

const downMaxMs = 4_000;
/** Longer than two heartbeats of RabbitMQ, after which it gives the queue to the other worker. */
const pauseMaxMs = 30_000;
const shortestMs = 200;
const heelsShare = 0.4;
const heelsMs = 800;
/** Pauses last up to so many gaps between faults, most of them a fraction of it. */
const gapsMax = 8;

/** The faults of a run in the order of their times: the same for the same options. */
export function planFaults({ seed, count, seconds, hasBroker }: PlanOptions): readonly Fault[] {
  const chance = chanceOf(seed);
  const cards = deck.filter(([part]) => hasBroker || part !== 'broker');
  const gapMs = (seconds * 1_000) / count;
  let hand: readonly Card[] = [];
  let atMs = 0;
  return Array.from({ length: count }, (_, place) => {
    if (place % cards.length === 0) hand = shuffled(cards, chance);
    const [group, kind] = hand[place % cards.length] ?? ['documents', 'kill'];
    const part = group === 'worker' ? (chance() < 0.5 ? 'worker 1' : 'worker 2') : group;
    atMs += gapBefore(gapMs, chance);
    return { atMs: Math.round(atMs), part, kind, lastsMs: Math.round(lastsMs(kind, gapMs, chance)) };
  });
}

/** Two in five come on the heels of the one before, while its part is still down; together they keep the mean. */
function gapBefore(gapMs: number, chance: () => number): number {
  if (chance() < heelsShare) return heelsMs * chance();
  return ((gapMs - (heelsShare * heelsMs) / 2) / (1 - heelsShare)) * 2 * chance();
}

/** Most faults are short; a few are long enough for a connection or a lease to be given up. */
function lastsMs(kind: FaultKind, gapMs: number, chance: () => number): number {
  if (kind === 'cut') return 0;
  if (kind === 'kill' || kind === 'tear') return shortestMs + chance() ** 2 * downMaxMs;
  return shortestMs + chance() ** 3 * Math.min(gapsMax * gapMs, pauseMaxMs);
}
