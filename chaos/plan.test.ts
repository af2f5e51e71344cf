import { describe, expect, it } from 'vitest';
import { deckSize, type Fault, planFaults, type PlanOptions } from './plan.ts';

const planOf = (more: Partial<PlanOptions> = {}): readonly Fault[] =>
  planFaults({ seed: 1, count: 200, seconds: 800, hasBroker: true, ...more });
const kindOf = ({ part, kind }: Fault): string => `${part.replace(/ \d$/, '')} ${kind}`;

describe('a plan', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planOf()).toEqual(planOf());
    expect(planOf({ seed: 2 })).not.toEqual(planOf());
  });

  it('has as many faults as were asked for, in the order of their times, over about as long', () => {
    const plan = planOf();
    expect(plan).toHaveLength(200);
    expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(plan.at(-1)?.atMs).toBeGreaterThan(600_000);
    expect(plan.at(-1)?.atMs).toBeLessThan(1_000_000);
  });

  it.each([1, 2, 3])('shows every kind of fault in one deck (seed %d)', (seed) => {
    const kinds = new Set(planOf({ seed, count: deckSize, seconds: 40 }).map(kindOf));
    expect(kinds).toEqual(
      new Set([
        ...['kill', 'pause', 'cut', 'stall'].map((kind) => `broker ${kind}`),
        ...['kill', 'tear', 'pause', 'cut', 'stall'].map((kind) => `documents ${kind}`),
        'worker kill',
        'worker pause',
        'api kill',
        'api pause',
      ]),
    );
  });

  it('leaves the broker alone where there is none', () => {
    const parts = new Set(planOf({ hasBroker: false }).map(({ part }) => part));
    expect(parts).toEqual(new Set(['documents', 'worker 1', 'worker 2', 'api']));
  });

  it('pauses for long enough that a connection is given up, and never for ever', () => {
    const pauses = planOf().filter(({ kind }) => kind === 'pause' || kind === 'stall');
    const longest = Math.max(...pauses.map(({ lastsMs }) => lastsMs));
    expect(longest).toBeGreaterThan(20_000);
    expect(longest).toBeLessThanOrEqual(30_200);
  });
});
