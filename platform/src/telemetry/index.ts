export { createLog, type LogOptions, type ServiceLog } from './log.ts';
export { parseLogLevel, type LogThreshold } from './log-level.ts';
export { isSecretKey, maskText } from './secrets.ts';
export {
  type CounterMetric,
  createMetrics,
  type Exposition,
  type GaugeOptions,
  type GaugeReading,
  type HistogramMetric,
  type HistogramOptions,
  type Metrics,
  type MetricsOptions,
} from './metrics.ts';
export type { GaugeSample } from './metric-store.ts';
export type { RequestSample } from './http-metrics.ts';
export { type MetricsGathering, serveMetrics } from './cluster-gathering.ts';
export { metricsUnavailable } from './cluster-share.ts';
export { formatTraceparent, newSpanId, parseTraceparent, type TraceParent } from './trace-context.ts';
