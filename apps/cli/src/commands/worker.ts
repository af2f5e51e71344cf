import type { Command } from 'commander';
import { placeServices, work } from '@quinta/platform/service';
import { createLog } from '@quinta/platform/telemetry';
import { servicesNamed } from '../services.ts';
import { untilToldToStop } from '../signals.ts';
import { environment, logLevel, root, say } from '../surroundings.ts';

export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('relays events, consumes messages and does jobs, and answers nobody; any number side by side')
    .argument('<services...>', 'whose work; their databases must be migrated')
    .addHelpText('after', '\nStops on SIGTERM or Ctrl-C after what runs.')
    .action((names: string[]) => runWork(names));
}

async function runWork(names: readonly string[]): Promise<void> {
  const stopSignal = untilToldToStop();
  const log = createLog({ service: 'quinta', level: logLevel() });
  const placement = await placeServices(servicesNamed(names), { environment: environment(), root, log, say });
  try {
    const working = await work({ placement, log });
    say(`Working for ${placement.placed.map(({ service }) => service.face.name).join(', ')}. Stop with Ctrl-C.`);
    const signal = await stopSignal;
    say(`Stopping (${signal}): what runs ends first`);
    await working.stop(placement.host.SHUTDOWN_TIMEOUT_MS);
  } finally {
    await placement.release();
    await log.close();
  }
}
