/**
 * One scrape reaches one worker, but must show all of them. The worker asks the primary, the primary asks every worker
 * and adds up. Whoever has not answered within the time is left out and counted in `quinta_metrics_workers_missing`:
 * its gauges are unknown, while its counters stand as it last told them, and so do those of workers that ended.
 * Prometheus takes a sum that falls for a restart and would then count everything again.
 */

import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, Gauge, type Registry } from 'prom-client';
import { warnOnStderr } from './block-writer.ts';
import {
  type ClusterMessage,
  isClusterMessage,
  lastWordId,
  type MetricValues,
  onlyCounts,
  renderRegistry,
} from './cluster-messages.ts';
import type { Exposition } from './metrics.ts';

const gatherMs = 1000;

/** The metrics of the primary's workers. */
export interface MetricsGathering {
  exposition(): Promise<Exposition>;
  close(): void;
}

let gathering: Gathering | undefined;

/** What `serveMetrics` began in this process, if it did. */
export function currentGathering(): MetricsGathering | undefined {
  return gathering;
}

/**
 * Answers the scrapes of workers. Called in the primary, before it forks.
 * @param timeoutMs how long workers may take to answer
 */
export function serveMetrics({ timeoutMs = gatherMs }: { readonly timeoutMs?: number } = {}): MetricsGathering {
  gathering ??= new Gathering(timeoutMs);
  return gathering;
}

interface Round {
  readonly id: number;
  readonly missing: Set<number>;
  readonly answered: Set<number>;
  readonly answers: (readonly MetricValues[])[];
  readonly complete: () => void;
}

class Gathering implements MetricsGathering {
  readonly #timeoutMs: number;
  /** What each living worker told last. */
  readonly #last = new Map<number, readonly MetricValues[]>();
  /** Workers that have said their last word and will not answer again. */
  readonly #closed = new Set<number>();
  /** The counts of workers that ended; each round adds them up to one. */
  #ended: readonly (readonly MetricValues[])[] = [];
  #round: Round | undefined;
  #running: Promise<Exposition> | undefined;
  #lastId = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    cluster.on('message', this.#onMessage);
    // Not `exit`, which may come before the last message of the worker has been read.
    cluster.on('disconnect', this.#onGone);
  }

  /** Scrapes at the same time share one round, so that many of them cost the workers no more than one. */
  exposition(): Promise<Exposition> {
    this.#running ??= this.#gather().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  close(): void {
    cluster.off('message', this.#onMessage);
    cluster.off('disconnect', this.#onGone);
    if (gathering === this) gathering = undefined;
  }

  async #gather(): Promise<Exposition> {
    const ended = await this.#endedAsOne();
    const { missing, answered, answers } = await this.#askAll();
    for (const [id, values] of this.#last) if (!answered.has(id)) answers.push(onlyCounts(values));
    const sum = aggregate([...answers, ended]);
    const gauge = new Gauge({
      name: 'quinta_metrics_workers_missing',
      help: 'Workers that did not answer this scrape in time.',
      registers: [sum],
    });
    gauge.set(missing.size);
    return renderRegistry(sum);
  }

  /** Workers that end from here on are in the round itself, so they are not in what this resolves to. */
  async #endedAsOne(): Promise<readonly MetricValues[]> {
    let lists: readonly (readonly MetricValues[])[] = [];
    let sum: readonly MetricValues[] = [];
    do {
      lists = this.#ended;
      sum = await aggregate(lists).getMetricsAsJSON();
    } while (lists !== this.#ended);
    this.#ended = [sum];
    return sum;
  }

  async #askAll(): Promise<Round> {
    const workers = Object.values(cluster.workers ?? {}).flatMap((worker) =>
      worker?.isConnected() && !this.#closed.has(worker.id) ? [worker] : [],
    );
    this.#lastId += 1;
    const done = Promise.withResolvers<void>();
    const missing = new Set(workers.map(({ id }) => id));
    const round: Round = { id: this.#lastId, missing, answered: new Set(), answers: [], complete: done.resolve };
    this.#round = round;
    const timer = setTimeout(done.resolve, this.#timeoutMs);
    for (const worker of workers) tell(worker, { quintaMetrics: 'collect', id: round.id });
    if (missing.size > 0) await done.promise;
    clearTimeout(timer);
    this.#round = undefined;
    return round;
  }

  readonly #onMessage = (worker: Worker, message: unknown): void => {
    if (!isClusterMessage(message)) return;
    if (message.quintaMetrics === 'ask') void this.#answer(worker, message.id);
    if (message.quintaMetrics === 'values') this.#hear(worker.id, message.id, message.values);
  };

  async #answer(worker: Worker, id: number): Promise<void> {
    try {
      tell(worker, { quintaMetrics: 'exposition', id, exposition: await this.exposition() });
    } catch (cause) {
      warnOnStderr(`cannot add up the metrics of the workers: ${cause instanceof Error ? cause.message : 'unknown'}`);
    }
  }

  #hear(workerId: number, roundId: number, values: readonly MetricValues[]): void {
    this.#last.set(workerId, values);
    if (roundId === lastWordId) this.#closed.add(workerId);
    if (this.#round && (roundId === this.#round.id || roundId === lastWordId)) settle(this.#round, workerId, values);
  }

  readonly #onGone = (worker: Worker): void => {
    const counts = onlyCounts(this.#last.get(worker.id) ?? []);
    this.#last.delete(worker.id);
    this.#closed.delete(worker.id);
    if (counts.length > 0) this.#ended = [...this.#ended, counts];
    if (this.#round) settle(this.#round, worker.id, counts);
  };
}

function settle(round: Round, workerId: number, values: readonly MetricValues[]): void {
  if (!round.missing.delete(workerId)) return;
  round.answered.add(workerId);
  round.answers.push(values);
  if (round.missing.size === 0) round.complete();
}

function aggregate(lists: readonly (readonly MetricValues[])[]): Registry {
  return AggregatorRegistry.aggregate(lists.map((values) => [...values]));
}

function tell(worker: Worker, message: ClusterMessage): void {
  if (worker.isConnected()) worker.send(message, undefined, () => undefined);
}
