import { describe, expect, it } from 'vitest';
import { type ReadResult, sectionOf, sizesUpTo } from './growth.ts';

describe('the sizes', () => {
  it.each([
    [1_000, false, [1_000]],
    [1_000_000, false, [1_000, 10_000, 100_000, 1_000_000]],
    [50_000, false, [1_000, 10_000, 50_000]],
    [10_000, true, [10_000]],
  ])('up to %d (quick: %s) are %j', (rowsMax, isQuick, sizes) => {
    expect(sizesUpTo(rowsMax, isQuick)).toEqual(sizes);
  });
});

const draws = {
  requestsPerSecond: 100,
  p50Ms: 1,
  p99Ms: 2,
  completed: 100,
  applicationCpuUs: undefined,
  databaseCpuUs: undefined,
  walBytes: undefined,
  statements: undefined,
  rows: 100,
  restedAfterSeconds: 0,
  faults: [],
};
const readOf = (kind: string, p99Ms: number, failed = 0): ReadResult => ({
  kind,
  p50Ms: 1,
  p99Ms,
  perSecond: 1,
  failed,
});
const sizeOf = (size: number, reads: readonly ReadResult[]) => ({
  size,
  counts: { vales: size, audits: size },
  reads,
  draws,
});

describe('the bar of reading', () => {
  it('is measured by the slowest way of reading at ten million vouchers', () => {
    const section = sectionOf([
      sizeOf(1_000, [readOf('list', 99), readOf('history', 1)]),
      sizeOf(10_000_000, [readOf('list', 12), readOf('history', 31)]),
    ]);
    expect(section.readings).toMatchObject([{ bar: 'reading', measured: { median: 31 } }]);
  });

  it('is not measured below, and says what was seen', () => {
    const [reading] = sectionOf([sizeOf(1_000, [readOf('list', 7)])]).readings;
    expect(reading).toMatchObject({ measured: undefined, remark: expect.stringContaining('"list": 7 ms') as string });
  });

  it('is missed by a search that fails, however fast it fails', () => {
    const [reading] = sectionOf([sizeOf(10_000_000, [readOf('list', 2), readOf('search', 1, 5)])]).readings;
    expect(reading?.measured?.median).toBeGreaterThanOrEqual(10_000);
  });
});

it('shows where reading failed instead of a figure', () => {
  const { tables } = sectionOf([sizeOf(1_000, [readOf('search', 1, 5)])]);
  expect(tables[1]?.rows).toEqual([['search', 'failed: 5']]);
});
