import { describe, expect, it } from 'vitest';
import { type BarName, bars, verdictOf } from './bars.ts';

function verdictAt(name: BarName, median: number): string {
  const bar = bars.find((one) => one.name === name);
  if (!bar) throw new Error(`There is no bar ${name}`);
  return verdictOf(bar, { bar: name, measured: { median, min: 0, max: 1e9 } });
}

describe('the verdict', () => {
  it.each<[BarName, number, string]>([
    ['voucher-rate', 1.3, 'met'],
    ['voucher-rate', 1.87, 'met'],
    ['voucher-rate', 1.1, 'NOT MET: 1.1 of 1.3'],
    ['voucher-p99', 20, 'met'],
    ['voucher-p99', 20.1, 'NOT MET: 20.1 of 20'],
    ['sealing', -3, 'met'],
    ['sealing', 15.2, 'NOT MET: 15.2 of 15'],
  ])('on %s at %d is "%s"', (name, median, verdict) => {
    expect(verdictAt(name, median)).toBe(verdict);
  });

  it('never calls a bar met that was not measured', () => {
    for (const bar of bars) {
      expect(verdictOf(bar, undefined)).toBe('not measured');
      expect(verdictOf(bar, { bar: bar.name, measured: undefined, remark: 'why' })).toBe('not measured');
      expect(verdictAt(bar.name, NaN)).not.toBe('met');
    }
  });
});
