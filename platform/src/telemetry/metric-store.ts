/**
 * The registry of a process: metrics by name. Counters and histograms are counted in `series.ts`, and the registry asks
 * for their values at a scrape; gauges are read then.
 */

import { collectDefaultMetrics, Counter, Gauge, type Metric, Registry } from 'prom-client';
import type { GaugeOptions } from './metrics.ts';
import { CounterSeries, HistogramSeries, seriesMax, type SeriesValue } from './series.ts';

export interface GaugeSample<Name extends string = string> {
  readonly labels: Readonly<Record<Name, string>>;
  readonly value: number;
}

type Reading = number | readonly GaugeSample[];
type Collect = () => Reading | Promise<Reading>;

export interface GaugeDefinition {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly aggregator: NonNullable<GaugeOptions<string>['aggregator']>;
}

/** A counter or a histogram whose number of series is bounded. */
export interface BoundedMetric {
  /** Adds to a counter, observes in a histogram. Values that are not finite or negative are left out. */
  add(service: string, labels: Readonly<Record<string, string>>, value: number): void;
}

export interface MetricStore {
  readonly registry: Registry;
  counter(name: string, help: string, labelNames: readonly string[]): BoundedMetric;
  histogram(name: string, help: string, labelNames: readonly string[], buckets?: readonly number[]): BoundedMetric;
  /** @param service undefined for what belongs to the process as a whole */
  addGauge(definition: GaugeDefinition, service: string | undefined, collect: Collect): void;
}

const readingMs = 500;
/** What Prometheus allows of names that have no colon, which is for its own rules. */
const metricWord = /^[a-zA-Z_]\w*$/;
/** Seconds: from one in memory to one that the client gave up. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetricStore(): MetricStore {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const made = new Map<string, BoundedMetric>();
  const gauges = new Map<string, CollectedGauge>();
  const failures = new Counter({
    name: 'quinta_metrics_readings_failed_total',
    help: 'Gauges that could not be read in time for a scrape.',
    labelNames: ['metric'],
    registers: [registry],
  });
  const once = (name: string, make: () => BoundedMetric): BoundedMetric => {
    const metric = made.get(name) ?? make();
    made.set(name, metric);
    return metric;
  };
  return {
    registry,
    counter: (name, help, labelNames) =>
      once(name, () =>
        registered(registry, 'counter', { name, help, labelNames }, new CounterSeries(name, labelNames)),
      ),
    histogram: (name, help, labelNames, buckets = durationBuckets) =>
      once(name, () =>
        registered(registry, 'histogram', { name, help, labelNames }, new HistogramSeries(name, labelNames, buckets)),
      ),
    addGauge: (definition, service, collect) => {
      const gauge =
        gauges.get(definition.name) ?? collectedGauge(registry, definition, (metric) => failures.inc({ metric }));
      gauges.set(definition.name, gauge);
      gauge.set(service, collect);
    },
  };
}

interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** A counter or a histogram: a name of its own, and series that are bounded. */
interface Series extends BoundedMetric {
  values(): SeriesValue[];
}

function registered(
  registry: Registry,
  type: 'counter' | 'histogram',
  { name, help, labelNames }: MetricDefinition,
  series: Series,
): BoundedMetric {
  for (const word of [name, ...labelNames]) {
    if (!metricWord.test(word)) throw new RangeError(`"${word}" is no name of a metric or a label`);
  }
  const metric = { name, help, type, aggregator: 'sum', get: async () => ({ ...metric, values: series.values() }) };
  // A registry asks its metrics for their name and for `get` alone: so it shows the sums over several workers, too.
  registry.registerMetric(metric as unknown as Metric);
  return {
    add: (service, labels, value) => {
      if (Number.isFinite(value) && value >= 0) series.add(service, labels, value);
    },
  };
}

/** The readers of one gauge by service; the last that a service named is the one that is asked. */
type CollectedGauge = Map<string | undefined, Collect>;

function collectedGauge(
  registry: Registry,
  { name, help, labelNames, aggregator }: GaugeDefinition,
  onFailure: (name: string) => void,
): CollectedGauge {
  const readers: CollectedGauge = new Map();
  const gauge = new Gauge({
    name,
    help,
    aggregator,
    labelNames: ['service', ...labelNames],
    registers: [registry],
    collect: async () => {
      const readings = await Promise.all([...readers].map(([service, collect]) => read(service, collect)));
      gauge.reset(); // A set of labels that is no longer read must not stand for ever.
      for (const samples of readings) {
        if (samples) for (const { labels, value } of samples) gauge.set(labels, value);
        else onFailure(name);
      }
    },
  });
  gauge.reset();
  return readers;
}

/** Undefined where it threw or took too long: one bad part must not take the scrape of all others with it. */
async function read(service: string | undefined, collect: Collect): Promise<readonly GaugeSample[] | undefined> {
  const own = service === undefined ? {} : { service };
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), readingMs);
  try {
    const reading = await Promise.race([collect(), late.promise]);
    if (reading === undefined) return undefined;
    const samples = typeof reading === 'number' ? [{ labels: {}, value: reading }] : reading;
    return samples
      .filter(({ value }) => Number.isFinite(value))
      .slice(0, seriesMax)
      .map(({ labels, value }) => ({ labels: { ...labels, ...own }, value }));
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
