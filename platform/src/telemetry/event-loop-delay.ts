import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricStore } from './metric-store.ts';

const resolutionMs = 10;
const nanosecondsPerSecond = 1e9;

/**
 * How late the event loop runs its timers, since the last scrape. Of several processes the worst is shown: a mean over
 * workers would hide the one that hangs.
 */
export function watchEventLoop(store: MetricStore): { stop(): void } {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  // Node records the whole time between two ticks of its timer, of which the resolution is no delay.
  const seconds = (nanoseconds: number): number =>
    Math.max(0, nanoseconds / nanosecondsPerSecond - resolutionMs / 1000);
  store.addGauge(
    {
      name: 'quinta_event_loop_delay_seconds',
      help: 'How late the event loop runs, since the last scrape.',
      labelNames: ['quantile'],
      aggregator: 'max',
    },
    undefined,
    () => {
      const samples = [
        { labels: { quantile: '0.5' }, value: seconds(delays.percentile(50)) },
        { labels: { quantile: '0.99' }, value: seconds(delays.percentile(99)) },
        { labels: { quantile: '1' }, value: seconds(delays.max) },
      ];
      delays.reset();
      return samples;
    },
  );
  return {
    stop: () => {
      delays.disable();
    },
  };
}
