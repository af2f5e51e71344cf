import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Measurement } from './measure.ts';
import { faultsOf, figureOf, ratioBetween, rateRatio, rotated, type SlotResult } from './rounds.ts';

function resultOf(name: string, rounds: readonly Partial<Measurement>[]): SlotResult {
  const base: Measurement = {
    requestsPerSecond: 1,
    p50Ms: 1,
    p99Ms: 1,
    completed: 1,
    applicationCpuUs: undefined,
    databaseCpuUs: undefined,
    walBytes: undefined,
    statements: undefined,
    rows: 1,
    restedAfterSeconds: 0,
    faults: [],
  };
  return { name, title: name, connections: 64, rounds: rounds.map((round) => ({ ...base, ...round })) };
}

describe('the order of a round', () => {
  it('begins with another one each time', () => {
    expect([0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round)[0])).toEqual(['a', 'b', 'c', 'a']);
  });

  it('has each of them once, in any round', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer()), fc.nat(1_000), (list, round) => {
        const turned = rotated(list, round);
        expect(turned).toHaveLength(list.length);
        expect(new Set(turned)).toEqual(new Set(list));
      }),
    );
  });
});

describe('the figures of several rounds', () => {
  const own = resultOf('mexa', [
    { requestsPerSecond: 20, p50Ms: 2, walBytes: 100 },
    { requestsPerSecond: 40, p50Ms: 3, walBytes: 300 },
  ]);
  const reference = resultOf('pgbench', [
    { requestsPerSecond: 10, p50Ms: 1 },
    { requestsPerSecond: 10, p50Ms: 1 },
  ]);

  it('are told as their middle, least and most', () => {
    expect(figureOf(own, 'walBytes')).toEqual({ median: 200, min: 100, max: 300 });
  });

  it('are missing where the system or the contestant tells none', () => {
    expect(figureOf(own, 'applicationCpuUs')).toBeUndefined();
    expect(figureOf(undefined, 'p99Ms')).toBeUndefined();
    expect(rateRatio(own, undefined)).toBeUndefined();
  });

  it('stand to those of another, round by round', () => {
    expect(rateRatio(own, reference)).toEqual({ median: 3, min: 2, max: 4 });
    expect(ratioBetween(own, reference, 'p50Ms')).toEqual({ median: 2.5, min: 2, max: 3 });
  });
});

it('gathers the faults of all rounds', () => {
  const results = [resultOf('a', [{ faults: ['one'] }, {}]), resultOf('b', [{ faults: ['two', 'three'] }])];
  expect(faultsOf(results)).toEqual(['one', 'two', 'three']);
});
