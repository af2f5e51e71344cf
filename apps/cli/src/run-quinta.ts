import { Command, CommanderError } from 'commander';
import { addAuditCommands } from './commands/audit.ts';
import { addDatabaseCommands } from './commands/database.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addMessagesCommands } from './commands/messages.ts';
import { addMexaCommands } from './commands/mexa.ts';
import { addMigrateCommands } from './commands/migrate.ts';
import { addMoveAccesCommands } from './commands/move-acces.ts';
import { addOpenApiCommand } from './commands/openapi.ts';
import { addSeedCommand } from './commands/seed.ts';
import { addSofipoCommands } from './commands/sofipo.ts';
import { addStartCommand } from './commands/start.ts';
import { addTokenCommand } from './commands/token.ts';
import { addWorkerCommand } from './commands/worker.ts';
import { exitStatusOf, explain } from './explain.ts';
import { say } from './surroundings.ts';

/** Runs a command. Exit status 0 done, 1 failed, 2 wrong usage or configuration, 3 port taken. */
export async function runQuinta(words: readonly string[]): Promise<number> {
  const program = new Command('quinta')
    .description('Runs and looks after the services of Quinta')
    .version('0.1.0')
    .showHelpAfterError('(quinta --help says what there is)')
    .exitOverride();
  for (const add of [
    addStartCommand,
    addWorkerCommand,
    addMigrateCommands,
    addSeedCommand,
    addTokenCommand,
    addDatabaseCommands,
    addOpenApiCommand,
    addAuditCommands,
    (command: Command) => addMessagesCommands(command),
    addDoctorCommand,
    addMexaCommands,
    addMoveAccesCommands,
    addSofipoCommands,
  ]) {
    add(program);
  }
  for (const command of program.commands) command.exitOverride();
  try {
    await program.parseAsync([...words], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    for (const line of explain(error)) say(line);
    return exitStatusOf(error);
  }
}
