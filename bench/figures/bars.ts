import type { Suite } from '../parts/part.ts';
import { shortNumber } from './numbers.ts';
import type { Spread } from './statistics.ts';

/** What a service has promised of itself, and how this run stands to it. */
export interface Bar {
  readonly name: BarName;
  readonly suite: Suite;
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
  | 'reading'
  | 'sign-in'
  | 'refresh'
  | 'token-check'
  | 'flood'
  | 'idle-sockets'
  | 'revocation'
  | 'timing-auc'
  | 'timing-median'
  | 'payments'
  | 'hot-loan'
  | 'client-read'
  | 'schedules'
  | 'day-close';

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
    suite: 'mexa',
    about: "vouchers a second over HTTP, one process, 64 connections, to pgbench's transaction of four at 16 clients",
    sense: 'at least',
    asked: 1.3,
    unit: 'times',
  },
  {
    name: 'fastapi-rate',
    suite: 'mexa',
    about: 'the same to the FastAPI peer with two evenly loaded processes',
    sense: 'at least',
    asked: 12,
    unit: 'times',
  },
  {
    name: 'voucher-p99',
    suite: 'mexa',
    about: 'p99 of a voucher at 64 connections',
    sense: 'at most',
    asked: 20,
    unit: 'ms',
  },
  {
    name: 'idle-request',
    suite: 'mexa',
    about: 'an idle single request to the same statement sent alone',
    sense: 'at most',
    asked: 1.2,
    unit: 'times',
  },
  {
    name: 'refused-and-repeated',
    suite: 'mexa',
    about: 'throughput lost to 1 % refused and 5 % repeated requests',
    sense: 'at most',
    asked: 15,
    unit: '%',
  },
  {
    name: 'sealing',
    suite: 'mexa',
    about: 'throughput lost to sealing the audit',
    sense: 'at most',
    asked: 15,
    unit: '%',
  },
  { name: 'verify', suite: 'mexa', about: 'verifying 1,000,000 audit rows', sense: 'at most', asked: 10, unit: 's' },
  {
    name: 'reading',
    suite: 'mexa',
    about: 'p99 of listing, history and audit search at 10,000,000 vouchers, the slowest of them',
    sense: 'at most',
    asked: 30,
    unit: 'ms',
  },
  {
    name: 'sign-in',
    suite: 'move-acces',
    about: 'sign-ins a second to hashing alone, at the same parameters',
    sense: 'at least',
    asked: 0.85,
    unit: 'times',
  },
  {
    name: 'refresh',
    suite: 'move-acces',
    about: 'durable refreshes a second and core',
    sense: 'at least',
    asked: 1_000,
    unit: 'a second',
  },
  {
    name: 'token-check',
    suite: 'move-acces',
    about: 'token checks with revocation a second and core',
    sense: 'at least',
    asked: 50_000,
    unit: 'a second',
  },
  {
    name: 'flood',
    suite: 'move-acces',
    about: 'p99 of /users/me during a flood of sign-ins',
    sense: 'at most',
    asked: 20,
    unit: 'ms',
  },
  {
    name: 'idle-sockets',
    suite: 'move-acces',
    about: 'memory of each of 20,000 idle sockets in one process',
    sense: 'at most',
    asked: 12,
    unit: 'KB',
  },
  {
    name: 'revocation',
    suite: 'move-acces',
    about: 'p99 from revocation to closed socket, across processes',
    sense: 'at most',
    asked: 250,
    unit: 'ms',
  },
  {
    name: 'timing-auc',
    suite: 'move-acces',
    about: 'rank-AUC of the time of a failed sign-in, the worst of seven kinds of account',
    sense: 'at most',
    asked: 0.55,
    unit: '',
  },
  {
    name: 'timing-median',
    suite: 'move-acces',
    about: 'how far apart the medians of these seven lie',
    sense: 'at most',
    asked: 1,
    unit: 'ms',
  },
  {
    name: 'payments',
    suite: 'sofipo',
    about:
      'payments a second over HTTP, one process, 16 connections, to pgbench doing the same statements at 16 clients',
    sense: 'at least',
    asked: 0.7,
    unit: 'times',
  },
  {
    name: 'hot-loan',
    suite: 'sofipo',
    about: 'payments a second over HTTP on one loan',
    sense: 'at least',
    asked: 1_000,
    unit: 'a second',
  },
  {
    name: 'client-read',
    suite: 'sofipo',
    about: 'cached reads of a client a second to those of a bare node:http server',
    sense: 'at least',
    asked: 0.6,
    unit: 'times',
  },
  {
    name: 'schedules',
    suite: 'sofipo',
    about: 'schedules of 24 instalments a second and core',
    sense: 'at least',
    asked: 50_000,
    unit: 'a second',
  },
  {
    name: 'day-close',
    suite: 'sofipo',
    about: 'loans a second whose day is closed',
    sense: 'at least',
    asked: 2_000,
    unit: 'a second',
  },
];

/** `met`, `NOT MET: 1.1 of 1.3`, or `not measured`. The median decides. */
export function verdictOf(bar: Bar, reading: BarReading | undefined): string {
  if (!reading?.measured) return 'not measured';
  const { median } = reading.measured;
  const isMet = bar.sense === 'at least' ? median >= bar.asked : median <= bar.asked;
  return isMet ? 'met' : `NOT MET: ${shortNumber(median)} of ${shortNumber(bar.asked)}`;
}
