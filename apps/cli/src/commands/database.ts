import type { Command } from 'commander';
import { CommandFailed } from '../explain.ts';
import { serviceNamed } from '../services.ts';
import { print, withPlacement } from '../surroundings.ts';

export function addDatabaseCommands(program: Command): void {
  const database = program.command('database').description('Where the databases are').exitOverride();
  database
    .command('url <service>')
    .description('prints a connection string that psql or mariadb takes. Refused in production')
    .option('--admin', 'of the role that owns the tables')
    .exitOverride()
    .action(async (name: string, options: { admin?: boolean }) => {
      await withPlacement(
        [serviceNamed(name)],
        ({ placed: [placed], isProduction }) => {
          if (isProduction) throw new CommandFailed('Connection strings are not printed in production');
          if (placed) print(options.admin ? placed.ownerUrl : placed.applicationUrl);
          return Promise.resolve();
        },
        { isQuiet: true },
      );
    });
}
