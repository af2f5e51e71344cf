import cluster from 'node:cluster';
import { readConfig } from '@quinta/platform/config';
import { hostSettings, placeServices, serve } from '@quinta/platform/service';
import { createLog } from '@quinta/platform/telemetry';
import type { StartRequest } from './commands/start.ts';
import { explain } from './explain.ts';
import { servicesNamed } from './services.ts';
import { untilToldToStop } from './signals.ts';
import { environment, root, say } from './surroundings.ts';

/** What a worker tells the primary once it listens, or cannot. */
export type WorkerMessage =
  | { readonly quinta: 'listening'; readonly address: string }
  | { readonly quinta: 'failed'; readonly lines: readonly string[] };

/** One of several processes on the port; the primary has prepared the databases. */
export async function runWorker(request: StartRequest): Promise<void> {
  const stopSignal = untilToldToStop();
  const workerId = cluster.worker?.id ?? 0;
  const { LOG_LEVEL: level } = readConfig('quinta', hostSettings, environment());
  const log = createLog({ service: 'quinta', level });
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
    const lines = explain(error);
    tellPrimary({ quinta: 'failed', lines });
    for (const line of lines) say(line);
    process.exitCode = 1;
  }
  // The channel to the primary would keep the process alive.
  process.disconnect();
}

function tellPrimary(message: WorkerMessage): void {
  process.send?.(message);
}
