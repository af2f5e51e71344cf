import { shortNumber } from './numbers.ts';
import type { Spread } from './statistics.ts';

/** What MEXA has promised of itself, and how this run stands to it. */
export interface Bar {
  readonly name: BarName;
  readonly about: string;
  readonly sense: 'at least' | 'at most';
  readonly asked: number;
  readonly unit: string;
}

export type BarName =
  | 'voucher-rate'
  | 'fastapi-rate'
  | 'voucher-p99'
  | 'idle-request'
  | 'refused-and-repeated'
  | 'sealing'
  | 'verify'
  | 'reading';

/** What a part has measured of a bar: undefined, with the reason, where it could not. */
export interface BarReading {
  readonly bar: BarName;
  readonly measured: Spread | undefined;
  /** Why it was not measured, or what to know of how it was. */
  readonly remark?: string;
}

export const bars: readonly Bar[] = [
  {
    name: 'voucher-rate',
    about: "vouchers a second over HTTP, one process, 64 connections, to pgbench's transaction of four at 16 clients",
    sense: 'at least',
    asked: 1.3,
    unit: 'times',
  },
  {
    name: 'fastapi-rate',
    about: 'the same to the FastAPI peer with two evenly loaded processes',
    sense: 'at least',
    asked: 12,
    unit: 'times',
  },
  { name: 'voucher-p99', about: 'p99 of a voucher at 64 connections', sense: 'at most', asked: 20, unit: 'ms' },
  {
    name: 'idle-request',
    about: 'an idle single request to the same statement sent alone',
    sense: 'at most',
    asked: 1.2,
    unit: 'times',
  },
  {
    name: 'refused-and-repeated',
    about: 'throughput lost to 1 % refused and 5 % repeated requests',
    sense: 'at most',
    asked: 15,
    unit: '%',
  },
  { name: 'sealing', about: 'throughput lost to sealing the audit', sense: 'at most', asked: 15, unit: '%' },
  { name: 'verify', about: 'verifying 1,000,000 audit rows', sense: 'at most', asked: 10, unit: 's' },
  {
    name: 'reading',
    about: 'p99 of listing, history and audit search at 10,000,000 vouchers, the slowest of them',
    sense: 'at most',
    asked: 30,
    unit: 'ms',
  },
];

/** `met`, `NOT MET: 1.1 of 1.3`, or `not measured`. The median decides. */
export function verdictOf(bar: Bar, reading: BarReading | undefined): string {
  if (!reading?.measured) return 'not measured';
  const { median } = reading.measured;
  const isMet = bar.sense === 'at least' ? median >= bar.asked : median <= bar.asked;
  return isMet ? 'met' : `NOT MET: ${shortNumber(median)} of ${shortNumber(bar.asked)}`;
}
