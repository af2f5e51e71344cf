import { describe, expect, it } from 'vitest';
import type { Measurement } from '../rounds/measure.ts';
import type { SlotResult } from '../rounds/rounds.ts';
import { percentLost } from './percent-lost.ts';
import { sectionOf } from './throughput.ts';

function resultOf(name: string, rates: readonly number[], p99Ms = 5): SlotResult {
  const rounds = rates.map((requestsPerSecond): Measurement => ({
    requestsPerSecond,
    p50Ms: 1,
    p99Ms,
    completed: 100,
    applicationCpuUs: 32,
    databaseCpuUs: undefined,
    walBytes: 1_234,
    statements: 0.03,
    rows: 100,
    restedAfterSeconds: 0,
    faults: [],
  }));
  return { name, title: name.toUpperCase(), connections: 64, rounds };
}

const nothingFound = { leftOut: [], faults: [], furtherColumns: [] };

describe('the chapter of throughput', () => {
  const section = sectionOf(
    [resultOf('mexa', [200, 150], 12), resultOf('pgbench', [100, 100]), resultOf('fastapi', [10, 10])],
    nothingFound,
  );

  it('sets MEXA beside pgbench and FastAPI, round by round', () => {
    expect(section.readings).toEqual([
      { bar: 'voucher-rate', measured: { median: 1.75, min: 1.5, max: 2 } },
      { bar: 'fastapi-rate', measured: { median: 17.5, min: 15, max: 20 } },
      { bar: 'voucher-p99', measured: { median: 12, min: 12, max: 12 } },
    ]);
  });

  it('tells what each has cost, and nothing where nothing is known', () => {
    expect(section.tables[0]?.rows[0]).toEqual(['MEXA', '64', '175 (150 to 200)', '1.75 (1.5 to 2)', '1', '12']);
    expect(section.tables[1]?.rows[0]).toEqual(['MEXA', '64', '32', '–', '1,234', '0.03', '0', '200']);
  });

  it('has no reading of a bar whose reference did not run', () => {
    const { readings } = sectionOf([resultOf('mexa', [200])], nothingFound);
    expect(readings.map(({ bar, measured }) => [bar, measured === undefined])).toEqual([
      ['voucher-rate', true],
      ['fastapi-rate', true],
      ['voucher-p99', false],
    ]);
  });

  it('has no reading at all without MEXA', () => {
    expect(sectionOf([resultOf('pgbench', [100])], nothingFound).readings).toEqual([]);
  });

  it('says what MEXA writes that the others do not', () => {
    const { text } = sectionOf([], { ...nothingFound, furtherColumns: ['salt'] });
    expect(text.join(' ')).toContain('salt');
  });
});

describe('throughput that is lost', () => {
  it.each([
    [[90], [100], 10],
    [[110], [100], -10],
    [[100], [100], 0],
  ])('%j of %j is %d percent', (own, reference, percent) => {
    expect(percentLost(resultOf('own', own), resultOf('reference', reference))?.median).toBeCloseTo(percent, 9);
  });

  it('is least where the ratio is greatest', () => {
    const lost = percentLost(resultOf('own', [90, 50]), resultOf('reference', [100, 100]));
    expect(lost?.min).toBeCloseTo(10, 9);
    expect(lost?.max).toBeCloseTo(50, 9);
  });

  it('is unknown where one of them did not run', () => {
    expect(percentLost(resultOf('own', [90]), undefined)).toBeUndefined();
  });
});
