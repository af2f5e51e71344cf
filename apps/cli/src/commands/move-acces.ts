import { giveRole, type MoveAcces, moveAcces } from '@quinta/move-acces';
import { silentLog } from '@quinta/platform/kernel';
import { migratorOf } from '@quinta/platform/service';
import type { Command } from 'commander';
import { CommandFailed } from '../explain.ts';
import { withOpenServices } from '../open-services.ts';
import { print, printJson, say, withPlacement } from '../surroundings.ts';

export function addMoveAccesCommands(program: Command): void {
  const group = program.command('move-acces').description("Move Acces's own commands").exitOverride();
  addLegacyCommands(group);
  group
    .command('staff')
    .description('makes a member staff, or takes that away; their sessions end')
    .requiredOption('--email <address>')
    .option('--remove', 'take it away')
    .option('--json', 'JSON')
    .exitOverride()
    .action(async (options: { email: string; remove?: boolean; json?: boolean }) => {
      const role = options.remove ? 'member' : 'staff';
      await withOpenServices([moveAcces], {
        work: async ([running]) => {
          if (!running) return;
          // Opened by the line above as Move Acces and nothing else; the host keeps such states without their types.
          const app = running.opened.app as MoveAcces;
          const isChanged = await giveRole(app, { email: options.email, role });
          if (options.json) printJson({ changed: isChanged, email: options.email, role });
          else print(isChanged ? `${options.email} is ${role} now` : `${options.email} was ${role} already`);
        },
      });
    });
}

/** The tables of the other system: whether they are as they were recorded, and that they may be otherwise. */
function addLegacyCommands(group: Command): void {
  const legacy = group.command('legacy').description('the tables of the other system').exitOverride();
  legacy
    .command('check')
    .description('compares the tables of the other system with what was recorded of them; changes nothing')
    .option('--json', 'JSON')
    .addHelpText('after', '\nExit status 0 where they are the same, 1 where they differ.')
    .exitOverride()
    .action(async (options: { json?: boolean }) => {
      const differences = await differencesFound();
      if (options.json) printJson({ same: differences.length === 0, differences });
      else for (const line of differences.length === 0 ? ['The tables are as recorded'] : differences) print(line);
      if (differences.length > 0) throw new CommandFailed('Tables of the other system differ from what was recorded');
    });
  legacy
    .command('accept')
    .description('records the tables of the other system as they are now')
    .exitOverride()
    .action(async () => {
      await withPlacement([moveAcces], async ({ placed }) => {
        for (const one of placed) await migratorOf(one, { log: silentLog, say }).acceptProtected();
      });
      print('The tables are recorded as they are now');
    });
}

async function differencesFound(): Promise<readonly string[]> {
  const differences: string[] = [];
  await withPlacement([moveAcces], async ({ placed }) => {
    for (const one of placed) {
      const { findings } = await migratorOf(one, { log: silentLog, say }).check();
      differences.push(...findings.filter(({ kind }) => kind === 'protected_table').map(({ text }) => text));
    }
  });
  return differences;
}
