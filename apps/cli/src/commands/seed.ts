import type { Command } from 'commander';
import { silentLog } from '@quinta/platform/kernel';
import { developmentSecret, migratorOf } from '@quinta/platform/service';
import { CommandFailed } from '../explain.ts';
import { withOpenServices } from '../open-services.ts';
import { servicesNamed } from '../services.ts';
import { print, printJson, say } from '../surroundings.ts';

export function addSeedCommand(program: Command): void {
  program
    .command('seed [services...]')
    .description('migrates and loads demo data; a second time changes nothing. Refused in production')
    .option('--json', 'one JSON line a service')
    .action(async (names: string[], options: { json?: boolean }) => {
      await withOpenServices(servicesNamed(names), {
        before: async (placement) => {
          if (placement.isProduction) throw new CommandFailed('Demo data is not loaded in production');
          for (const placed of placement.placed) await migratorOf(placed, { log: silentLog, say }).up();
        },
        work: async (running, placement) => {
          for (const { placed, opened } of running) {
            const password = developmentSecret(placement.dataDirectory, 'demo-password');
            const report = await placed.service.seed(opened.app, password);
            if (options.json) printJson({ service: placed.service.face.name, ...report });
            else print(`${placed.service.face.name}: ${report.summary}`);
          }
        },
      });
    });
}
