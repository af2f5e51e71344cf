import { describe, expect, it } from 'vitest';
import { parseLatencies, parsePgbench } from './pgbench.ts';

const said = `transaction type: transaction.sql
scaling factor: 1
query mode: prepared
number of clients: 16
number of threads: 2
maximum number of tries: 1
duration: 8 s
number of transactions actually processed: 80000
number of failed transactions: 5 (0.006%)
latency average = 1.599 ms
initial connection time = 41.112 ms
tps = 10000.500000 (without initial connection time)
`;

describe('what pgbench prints', () => {
  it('tells how much it did in what time', () => {
    const load = parsePgbench(said);
    expect(load).toMatchObject({ completed: 80_000, notOk: 5, broken: 0 });
    expect(load.durationSeconds).toBeCloseTo(8, 3);
  });

  it('of a fixed number of transactions is read as well', () => {
    const counted = said.replace('actually processed: 80000', 'actually processed: 1/1');
    expect(parsePgbench(counted).completed).toBe(1);
  });

  it('may lack failures, which older versions do not count', () => {
    expect(parsePgbench(said.replace(/^number of failed.*\n/m, '')).notOk).toBe(0);
  });

  it('must have figures', () => {
    expect(() => parsePgbench('pgbench: error: connection failed')).toThrow('has not told its figures');
  });
});

it('reads its latencies in milliseconds', () => {
  const log = '0 1 1500 0 1718000000 1\n7 2 250 0 1718000000 2\n\n';
  expect(parseLatencies(log)).toEqual([1.5, 0.25]);
});
