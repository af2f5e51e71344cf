/** What workers and the primary say to each other about metrics, over the channel that node:cluster gives them. */

import type { Registry } from 'prom-client';
import type { Exposition } from './metrics.ts';

/** A metric with its values, as `Registry.getMetricsAsJSON` gives it. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];

export type ClusterMessage =
  /** Worker to primary: what are the metrics of all of us? */
  | { readonly quintaMetrics: 'ask'; readonly id: number }
  /** Primary to worker: these. */
  | { readonly quintaMetrics: 'exposition'; readonly id: number; readonly exposition: Exposition }
  /** Primary to worker: what have you counted? */
  | { readonly quintaMetrics: 'collect'; readonly id: number }
  /** Worker to primary: this. */
  | { readonly quintaMetrics: 'values'; readonly id: number; readonly values: readonly MetricValues[] };

/** In place of a round's id: the last word of a worker that closes. */
export const lastWordId = 0;

/** Others use the channel too; a message of ours is known by its mark. Both ends run this same code. */
export function isClusterMessage(message: unknown): message is ClusterMessage {
  return typeof message === 'object' && message !== null && 'quintaMetrics' in message;
}

/** The values of a registry as they survive JSON: NaN and the infinities would arrive as null. */
export async function valuesOf(registry: Registry): Promise<readonly MetricValues[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map((metric) => ({ ...metric, values: metric.values.filter(({ value }) => Number.isFinite(value)) }));
}

/** Counters and histograms, whose sum must never fall, also when the worker that counted has gone. */
export function onlyCounts(values: readonly MetricValues[]): readonly MetricValues[] {
  // getMetricsAsJSON says the type as its word; the numbers are what prom-client's declarations believe.
  return values.filter(({ type }) => ['counter', 'histogram'].includes(String(type)));
}

/** A registry as the text that Prometheus reads. */
export async function renderRegistry(registry: Registry): Promise<Exposition> {
  return { contentType: registry.contentType, text: await registry.metrics() };
}
