import type { Mexa } from '@quinta/mexa';
import { createAdmin, mexa } from '@quinta/mexa';
import type { Command } from 'commander';
import { silentLog } from '@quinta/platform/kernel';
import { migratorOf } from '@quinta/platform/service';
import { withOpenServices } from '../open-services.ts';
import { readPassword } from '../read-password.ts';
import { UsageError } from '../services.ts';
import { print, printJson, say } from '../surroundings.ts';

export function addMexaCommands(program: Command): void {
  const group = program.command('mexa').description("MEXA's own commands").exitOverride();
  group
    .command('create-admin')
    .description('makes an admin; one of that name that is there already stays as it is')
    .requiredOption('--username <name>')
    .requiredOption('--email <address>')
    .option('--password-stdin', 'read the password from standard input instead of asking for it')
    .option('--json', 'JSON')
    .addHelpText(
      'after',
      '\nThe password is asked for, or read from standard input; it is never an argument, which others could see.',
    )
    .exitOverride()
    .action(async (options: { username: string; email: string; passwordStdin?: boolean; json?: boolean }) => {
      const password = await readPassword(options.passwordStdin === true);
      if (password === '') throw new UsageError('The password is empty');
      await withOpenServices([mexa], {
        before: async (placement) => {
          for (const placed of placement.placed) await migratorOf(placed, { log: silentLog, say }).up();
        },
        work: async ([running]) => {
          if (!running) return;
          // Opened by the line above as MEXA and nothing else; the host keeps such states without their types.
          const app = running.opened.app as Mexa;
          const { usuario, isNew } = await createAdmin(app, {
            username: options.username,
            email: options.email,
            password,
          });
          if (options.json) printJson({ created: isNew, user: usuario });
          else
            print(
              isNew
                ? `Admin ${usuario.username} was made`
                : `${usuario.username} was there already, with the role ${usuario.role}`,
            );
        },
      });
    });
}
