import type { Log } from '../kernel/index.ts';
import { startBackground, stopBackground } from './background.ts';
import { openService, openSharedParts, type RunningService } from './open.ts';
import type { Placement } from './place.ts';

export interface WorkOptions {
  readonly placement: Placement;
  readonly log: Log;
  readonly logDestination?: { write(line: string): void };
}

/** Services that work in this process and answer nobody. */
export interface Working {
  readonly services: readonly RunningService[];
  /** What runs may end, at most `timeoutMs`; then parts close. Idempotent. */
  stop(timeoutMs: number): Promise<void>;
}

/** Opens every placed service without a server: it relays, consumes, does jobs and seals. */
export async function work({ placement, log, logDestination }: WorkOptions): Promise<Working> {
  const alone = { processCount: 1, workerId: 0, isStopping: () => false, logDestination };
  const shared = openSharedParts(placement, log, alone);
  const services: RunningService[] = [];
  const closeParts = async (): Promise<void> => {
    for (const service of services) await service.close();
    await shared.close();
  };
  try {
    for (const placed of placement.placed) services.push(await openService(placement, placed, shared, ''));
  } catch (error) {
    await closeParts();
    throw error;
  }
  for (const service of services) startBackground(service, 'always');
  let stopped: Promise<void> | undefined;
  const stop = async (timeoutMs: number): Promise<void> => {
    for (const service of services) await stopBackground(service, timeoutMs);
    await closeParts();
  };
  return { services, stop: (timeoutMs) => (stopped ??= stop(timeoutMs)) };
}
