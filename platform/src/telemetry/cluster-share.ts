import cluster from 'node:cluster';
import type { Registry } from 'prom-client';
import { defineProblem } from '../kernel/index.ts';
import { warnOnStderr } from './block-writer.ts';
import { currentGathering } from './cluster-gathering.ts';
import { type ClusterMessage, isClusterMessage, lastWordId, renderRegistry, valuesOf } from './cluster-messages.ts';
import type { Exposition } from './metrics.ts';

export const metricsUnavailable = defineProblem(
  'metrics_unavailable',
  503,
  'Metrics Unavailable',
  'Cannot show the metrics of all workers: the primary process did not answer within {timeout_ms} ms.',
);

/** A worker waits longer than the primary gathers, so that it hears the sum without the ones that hang. */
const askMs = 1500;

export interface ClusterShare {
  exposition(): Promise<Exposition>;
  close(): Promise<void>;
}

/** Joins a process's registry to those of its siblings; alone, it shows that registry as it is. */
export function startClusterShare(registry: Registry): ClusterShare {
  if (cluster.isWorker) return new WorkerShare(registry);
  return {
    exposition: () => currentGathering()?.exposition() ?? renderRegistry(registry),
    close: () => Promise.resolve(),
  };
}

class WorkerShare implements ClusterShare {
  readonly #registry: Registry;
  readonly #asked = new Map<number, (exposition: Exposition) => void>();
  #lastId = 0;

  constructor(registry: Registry) {
    this.#registry = registry;
    process.on('message', this.#onMessage);
  }

  async exposition(): Promise<Exposition> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Exposition>();
    const timer = setTimeout(() => reject(metricsUnavailable({ timeout_ms: askMs })), askMs);
    this.#asked.set(id, resolve);
    try {
      tellPrimary({ quintaMetrics: 'ask', id });
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  async close(): Promise<void> {
    process.off('message', this.#onMessage);
    await this.#tellValues(lastWordId);
  }

  readonly #onMessage = (message: unknown): void => {
    if (!isClusterMessage(message)) return;
    if (message.quintaMetrics === 'collect') void this.#tellValues(message.id);
    if (message.quintaMetrics === 'exposition') this.#asked.get(message.id)?.(message.exposition);
  };

  async #tellValues(id: number): Promise<void> {
    try {
      tellPrimary({ quintaMetrics: 'values', id, values: await valuesOf(this.#registry) });
    } catch (cause) {
      warnOnStderr(`cannot read the metrics of this worker: ${cause instanceof Error ? cause.message : 'unknown'}`);
    }
  }
}

/** A primary that has gone hears nothing, and whoever waits for its answer runs into the timeout. */
function tellPrimary(message: ClusterMessage): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
