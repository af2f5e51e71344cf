import cluster from 'node:cluster';
import { placeServices, serve } from '@quinta/platform/service';
import { createLog } from '@quinta/platform/telemetry';
import type { StartRequest } from './commands/start.ts';
import { exitStatusOf, explain } from './explain.ts';
import { servicesNamed } from './services.ts';
import { untilToldToStop } from './signals.ts';
import { environment, logLevel, root } from './surroundings.ts';

/** What a worker tells the primary once it listens, or cannot. */
export type WorkerMessage =
  | { readonly quinta: 'listening'; readonly address: string }
  | { readonly quinta: 'failed'; readonly lines: readonly string[]; readonly exitStatus: number };

/** One of several processes on the port; the primary has prepared the databases. */
export async function runWorker(request: StartRequest): Promise<void> {
  const stopSignal = untilToldToStop();
  const workerId = cluster.worker?.id ?? 0;
  const log = createLog({ service: 'quinta', level: logLevel() });
  try {
    const placement = await placeServices(servicesNamed(request.names), {
      environment: environment(),
      root,
      log,
      say: () => undefined,
    });
    try {
      const { isShared, workers: processCount = 1 } = request;
      const serving = await serve({ placement, log, isShared, processCount, workerId });
      tellPrimary({ quinta: 'listening', address: serving.address });
      await stopSignal;
      await serving.stop(placement.host.SHUTDOWN_TIMEOUT_MS);
    } finally {
      await placement.release();
      await log.close();
    }
  } catch (error) {
    // The primary says it, once for all workers.
    tellPrimary({ quinta: 'failed', lines: explain(error), exitStatus: exitStatusOf(error) });
    process.exitCode = 1;
  }
  // The channel to the primary would keep the process alive.
  process.disconnect();
}

function tellPrimary(message: WorkerMessage): void {
  process.send?.(message);
}
