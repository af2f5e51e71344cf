/**
 * The registry of a process: metrics by name, each kept from growing without end. A label that bad input could fill
 * would make a series for each value and in the end exhaust Prometheus, so that past `seriesMax` all further values
 * share one series.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GaugeOptions } from './metrics.ts';

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

/** What a value becomes that is not on a list, or comes after too many others. */
export const otherLabel = 'OTHER';

const seriesMax = 2000;
const readingMs = 500;
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
    counter: (name, help, labelNames) => once(name, () => boundedCounter(registry, { name, help, labelNames })),
    histogram: (name, help, labelNames, buckets = durationBuckets) =>
      once(name, () => boundedHistogram(registry, { name, help, labelNames, buckets })),
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

function boundedCounter(registry: Registry, { name, help, labelNames }: MetricDefinition): BoundedMetric {
  const counter = new Counter({ name, help, labelNames: ['service', ...labelNames], registers: [registry] });
  return bounded(labelNames, (labels, value) => counter.inc(labels, value));
}

function boundedHistogram(
  registry: Registry,
  { name, help, labelNames, buckets }: MetricDefinition & { readonly buckets: readonly number[] },
): BoundedMetric {
  const histogram = new Histogram({
    name,
    help,
    labelNames: ['service', ...labelNames],
    buckets: [...buckets],
    registers: [registry],
  });
  return bounded(labelNames, (labels, value) => histogram.observe(labels, value));
}

type AllLabels = Record<string, string>;

function bounded(labelNames: readonly string[], add: (labels: AllLabels, value: number) => void): BoundedMetric {
  const known = new Map<string, AllLabels>();
  const labelsOf = (service: string, labels: Readonly<Record<string, string>>): AllLabels => {
    const key = labelNames.reduce((text, name) => `${text}\n${labels[name]}`, service);
    const found = known.get(key);
    if (found) return found;
    const isFull = known.size >= seriesMax;
    const all: AllLabels = { service };
    for (const name of labelNames) all[name] = isFull ? otherLabel : (labels[name] ?? '');
    if (!isFull) known.set(key, all);
    return all;
  };
  return {
    add: (service, labels, value) => {
      if (Number.isFinite(value) && value >= 0) add(labelsOf(service, labels), value);
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
