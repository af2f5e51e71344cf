/**
 * Prometheus metrics of one process, on a registry of our own. All services of a process share it and differ in the
 * label `service`. In a cluster each worker counts for itself and any of them shows the sum of all
 * (`cluster-gathering.ts`).
 */

import type { Aggregator } from 'prom-client';
import { startClusterShare } from './cluster-share.ts';
import { watchEventLoop } from './event-loop-delay.ts';
import { createHttpMetrics, type RequestSample } from './http-metrics.ts';
import { createMetricStore, type GaugeSample, type MetricStore } from './metric-store.ts';

export type Labels<Name extends string> = Readonly<Record<Name, string>>;

export interface CounterMetric<Name extends string> {
  /** Adds one, or `by`; what is no positive number adds nothing, since a metric must not fail its caller. */
  add(labels: Labels<Name>, by?: number): void;
}

export interface HistogramMetric<Name extends string> {
  /** @param value in the metric's unit, seconds for durations */
  observe(labels: Labels<Name>, value: number): void;
}

export interface HistogramOptions<Name extends string> {
  readonly labelNames?: readonly Name[];
  /** Upper bounds, growing. Default: durations in seconds from 1 ms to 10 s. */
  readonly buckets?: readonly number[];
}

export interface GaugeOptions<Name extends string> {
  readonly labelNames?: readonly Name[];
  /** How the values of several processes become one. Default: sum. */
  readonly aggregator?: Extract<Aggregator, 'sum' | 'max' | 'min' | 'average' | 'first'>;
}

/** A gauge's value when it is asked for: one number, or one for each set of labels. */
export type GaugeReading<Name extends string> = number | readonly GaugeSample<Name>[];

/** What `/metrics` answers. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

export interface Metrics {
  readonly service: string;
  /** Counts an answered request and its duration. */
  observeRequest(sample: RequestSample): void;
  /** The counter of this name; the same one when asked again. Names and labels as Prometheus allows them. */
  counter<Name extends string = never>(name: string, help: string, labelNames?: readonly Name[]): CounterMetric<Name>;
  histogram<Name extends string = never>(
    name: string,
    help: string,
    options?: HistogramOptions<Name>,
  ): HistogramMetric<Name>;
  /** A value that is read when somebody scrapes. A reading that fails or lasts over half a second is left out. */
  gauge<Name extends string = never>(
    name: string,
    help: string,
    collect: () => GaugeReading<Name> | Promise<GaugeReading<Name>>,
    options?: GaugeOptions<Name>,
  ): void;
  /**
   * The metrics as text: of this process, or in a cluster the sum over all workers. Throws the problem
   * `metrics_unavailable` (503) in a worker whose primary does not answer, since a part would look like a restart.
   */
  exposition(): Promise<Exposition>;
  /** The same registry under another service's name. */
  forService(service: string): Metrics;
  /** Hands the last counts to the primary, where there is one, and stops measuring. */
  close(): Promise<void>;
}

export interface MetricsOptions {
  readonly service: string;
}

/**
 * Metrics with a registry of their own. Once a process: the other services in it share the registry by `forService`, and
 * a worker speaks for one registry alone.
 */
export function createMetrics({ service }: MetricsOptions): Metrics {
  const store = createMetricStore();
  const eventLoop = watchEventLoop(store);
  const share = startClusterShare(store.registry);
  return metricsOf(store, service, {
    exposition: () => share.exposition(),
    close: async () => {
      eventLoop.stop();
      await share.close();
    },
  });
}

type WholeProcess = Pick<Metrics, 'exposition' | 'close'>;

function metricsOf(store: MetricStore, service: string, whole: WholeProcess): Metrics {
  const http = createHttpMetrics(store, service);
  return {
    service,
    observeRequest: (sample) => http.observe(sample),
    counter: (name, help, labelNames = []) => {
      const series = store.counter(name, help, labelNames);
      return { add: (labels, by = 1) => series.add(service, labels, by) };
    },
    histogram: (name, help, { labelNames = [], buckets } = {}) => {
      const series = store.histogram(name, help, labelNames, buckets);
      return { observe: (labels, value) => series.add(service, labels, value) };
    },
    gauge: (name, help, collect, { labelNames = [], aggregator = 'sum' } = {}) => {
      store.addGauge({ name, help, labelNames, aggregator }, service, collect);
    },
    exposition: () => whole.exposition(),
    forService: (other) => metricsOf(store, other, whole),
    close: () => whole.close(),
  };
}
