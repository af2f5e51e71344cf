import type { Metrics } from '../telemetry/index.ts';
import type { PutOutcome } from './contract.ts';

/** One call of a store, once it has settled. */
export interface CallObservation {
  /** `put`, `get`, `find`, `count`, `ensure` or `ping`. */
  readonly operation: string;
  /** `failed`: neither done nor a fault that passes. */
  readonly outcome: 'done' | 'unavailable' | 'failed';
  readonly durationMs: number;
}

/** Told of what a store does. Neither may throw. */
export interface DocumentObserver {
  onCall(call: CallObservation): void;
  /** What became of one document of a put. */
  onPut(outcome: Extract<PutOutcome, string> | 'refused'): void;
}

/** Counts calls and documents; its labels hold words of this module alone, so their series are few. */
export function documentMetrics(metrics: Metrics): DocumentObserver {
  const durations = metrics.histogram('quinta_documents_call_seconds', 'Time of one call of the document store.', {
    labelNames: ['operation', 'outcome'],
  });
  const puts = metrics.counter('quinta_documents_put_total', 'Documents given to the store.', ['outcome']);
  return {
    onCall: ({ operation, outcome, durationMs }) => durations.observe({ operation, outcome }, durationMs / 1000),
    onPut: (outcome) => puts.add({ outcome }),
  };
}
