import { silentLog } from '@quinta/platform/kernel';
import {
  type AnyService,
  openService,
  openSharedParts,
  type Placement,
  type RunningService,
} from '@quinta/platform/service';
import { withPlacement } from './surroundings.ts';

/** One process that serves nobody. Standard output is the command's own: a script reads it. */
const alone = {
  processCount: 1,
  workerId: 0,
  isStopping: () => false,
  logDestination: { write: (line: string) => void process.stderr.write(line) },
};

/** Opens services without a server, for a command that works on them. */
export async function withOpenServices(
  services: readonly AnyService[],
  steps: {
    readonly before?: (placement: Placement) => Promise<void>;
    readonly work: (running: readonly RunningService[], placement: Placement) => Promise<void>;
    readonly isQuiet?: boolean;
  },
): Promise<void> {
  await withPlacement(
    services,
    async (placement) => {
      await steps.before?.(placement);
      const shared = openSharedParts(placement, silentLog, alone);
      const running: RunningService[] = [];
      try {
        for (const placed of placement.placed) running.push(await openService(placement, placed, shared, ''));
        await steps.work(running, placement);
      } finally {
        for (const service of running) await service.close();
        await shared.close();
      }
    },
    { isQuiet: steps.isQuiet ?? false },
  );
}
