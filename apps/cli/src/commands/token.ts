import type { Command } from 'commander';
import { CommandFailed } from '../explain.ts';
import { withOpenServices } from '../open-services.ts';
import { serviceNamed } from '../services.ts';
import { print } from '../surroundings.ts';

export function addTokenCommand(program: Command): void {
  program
    .command('token <service>')
    .description('prints a bearer token and nothing else, for trying the API. Refused in production')
    .option('--role <role>', 'of the first active user with this role')
    .option('--user <name>', 'of this user')
    .action(async (name: string, wanted: { role?: string; user?: string }) => {
      await withOpenServices([serviceNamed(name)], {
        isQuiet: true,
        before: (placement) =>
          placement.isProduction
            ? Promise.reject(new CommandFailed('Tokens are not handed out in production: sign in'))
            : Promise.resolve(),
        work: async ([running]) => {
          if (!running) return;
          try {
            print(await running.placed.service.issueToken(running.opened.app, wanted));
          } catch (error) {
            throw new CommandFailed(error instanceof Error ? error.message : String(error), { cause: error });
          }
        },
      });
    });
}
