import type { SetObservation } from '../database/index.ts';
import type { Metrics } from '../telemetry/index.ts';

const labelNames = ['operation'] as const;
const sizeBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Tells the metrics of each set that a coalescer sent: how large it was, how long it waited, whether it was split. */
export function setObserver(metrics: Metrics): (observed: SetObservation) => void {
  const sizes = metrics.histogram('quinta_set_commands', 'Commands of one set.', { labelNames, buckets: sizeBuckets });
  const waits = metrics.histogram('quinta_set_wait_seconds', 'Wait of the first command of a set.', { labelNames });
  const splits = metrics.counter(
    'quinta_set_bisected_total',
    'Sets that failed as a whole and were split.',
    labelNames,
  );
  return ({ operation, size, waitMs, wasBisected }) => {
    sizes.observe({ operation }, size);
    waits.observe({ operation }, waitMs / 1000);
    if (wasBisected) splits.add({ operation });
  };
}
