import cluster from 'node:cluster';
import type { Command } from 'commander';
import { startPrimary } from '../primary.ts';
import { serviceNamed, services, UsageError } from '../services.ts';
import { runWorker } from '../worker.ts';

/** What `start` was asked for. */
export interface StartRequest {
  readonly names: readonly string[];
  /** All services under prefixes on one port, even where there is only one. */
  readonly isShared: boolean;
  /** How many processes; undefined: as WORKERS says. */
  readonly workers: number | undefined;
}

export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('Migrate, then serve: one service alone at the root of its port, or several under prefixes on one')
    .argument('[services...]', `of ${services.map(({ face }) => face.name).join(', ')}; default all`)
    .option('--all', 'all services under prefixes, with a page at /')
    .option('--workers <n>', 'processes that share the port (default: WORKERS, else 1)')
    .addHelpText(
      'after',
      '\nStops on SIGTERM or Ctrl-C after the requests in flight. Exit status 3: the port is taken.',
    )
    .action(async (names: string[], options: { all?: boolean; workers?: string }) => {
      const request: StartRequest = {
        names: names.map((name) => serviceNamed(name).face.name),
        isShared: options.all === true || names.length !== 1,
        workers: workersOf(options.workers),
      };
      await (cluster.isWorker ? runWorker(request) : startPrimary(request));
    });
}

function workersOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 64) {
    throw new UsageError(`--workers is "${text}", but should be a whole number from 1 to 64`);
  }
  return count;
}
