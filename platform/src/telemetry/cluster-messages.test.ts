import { Gauge, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { valuesOf } from './cluster-messages.ts';

test('values that JSON cannot say do not go to the primary, where they would be null', async () => {
  const registry = new Registry();
  const gauge = new Gauge({ name: 'test_gauge', help: 'A gauge.', labelNames: ['of'], registers: [registry] });
  gauge.set({ of: 'number' }, 1);
  gauge.set({ of: 'nothing' }, Number.NaN);
  gauge.set({ of: 'all' }, Number.POSITIVE_INFINITY);
  const values = await valuesOf(registry);
  expect(values.map((metric) => metric.values)).toEqual([[{ labels: { of: 'number' }, value: 1 }]]);
});
