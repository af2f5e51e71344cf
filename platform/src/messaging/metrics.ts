import type { Database } from '../database/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import type { ConsumerOptions } from './consumer.ts';
import type { Broker } from './contract.ts';
import { countOpen } from './job-statements.ts';
import type { JobRunnerOptions } from './job-runner.ts';
import { outboxLag } from './lag.ts';
import type { RelayTurn } from './relay.ts';

/** What the parts of messaging tell; labels are names of the service's own table of contents and words of ours. */
export interface MessagingMetrics {
  turn(turn: RelayTurn): void;
  readonly delivery: NonNullable<ConsumerOptions['observe']>;
  readonly job: NonNullable<JobRunnerOptions['observe']>;
}

/** How long gauges of one scrape share what was read. */
const freshMs = 2_000;
const widest = { aggregator: 'max' } as const;

export function messagingMetrics(
  metrics: Metrics,
  database: Database,
  broker: Broker,
  hasJobs: boolean,
): MessagingMetrics {
  const lag = remembered(() => outboxLag(database));
  metrics.gauge(
    'quinta_outbox_pending',
    'Events that wait to be published.',
    async () => (await lag()).pending,
    widest,
  );
  metrics.gauge(
    'quinta_outbox_held_keys',
    'Order keys that wait after a refusal.',
    async () => (await lag()).held,
    widest,
  );
  metrics.gauge(
    'quinta_outbox_lag_seconds',
    'Age of the oldest event that is not published.',
    async () => (await lag()).seconds,
    widest,
  );
  metrics.gauge('quinta_message_broker_up', 'Whether the broker can be reached.', () => (broker.health.isUp ? 1 : 0), {
    aggregator: 'min',
  });
  if (hasJobs) addJobGauge(metrics, database);
  const published = metrics.counter('quinta_messages_published_total', 'Events sent to the broker.', ['result']);
  const turns = metrics.histogram('quinta_messages_publish_seconds', 'Time to read, publish and mark one batch.');
  const delivered = metrics.counter('quinta_messages_delivered_total', 'Messages by what became of them.', [
    'queue',
    'result',
  ]);
  const redelivered = metrics.counter('quinta_messages_redelivered_total', 'Messages that came again.', ['queue']);
  const runs = metrics.histogram('quinta_job_run_seconds', 'Time of one run of a job.', {
    labelNames: ['kind', 'result'],
    buckets: [0.01, 0.1, 1, 10, 60, 600, 3_600],
  });
  return {
    turn: ({ confirmed, refused, pending, durationMs }) => {
      published.add({ result: 'confirmed' }, confirmed);
      published.add({ result: 'refused' }, refused);
      published.add({ result: 'cut_off' }, pending);
      turns.observe({}, durationMs / 1_000);
    },
    delivery: ({ queue, result, count, redelivered: again }) => {
      delivered.add({ queue, result }, count);
      redelivered.add({ queue }, again);
    },
    job: ({ kind, result, durationMs }) => runs.observe({ kind, result }, durationMs / 1_000),
  };
}

function addJobGauge(metrics: Metrics, database: Database): void {
  const states = async (): Promise<{ labels: { state: string }; value: number }[]> => {
    const counts = new Map((await countOpen(database, {})).map(({ state, count }) => [state, Number(count)]));
    return ['waiting', 'running', 'dead'].map((state) => ({ labels: { state }, value: counts.get(state) ?? 0 }));
  };
  metrics.gauge('quinta_jobs', 'Jobs that wait, run or are dead.', states, {
    labelNames: ['state'],
    aggregator: 'max',
  });
}

function remembered<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { readonly value: Promise<T>; readonly atMs: number } | undefined;
  return () => {
    if (!last || performance.now() - last.atMs > freshMs) last = { value: read(), atMs: performance.now() };
    return last.value;
  };
}
