import { Command, CommanderError } from 'commander';
import { addAuditCommands } from './commands/audit.ts';
import { addDatabaseCommands } from './commands/database.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addMexaCommands } from './commands/mexa.ts';
import { addMigrateCommands } from './commands/migrate.ts';
import { addMoveAccesCommands } from './commands/move-acces.ts';
import { addOpenApiCommand } from './commands/openapi.ts';
import { addSeedCommand } from './commands/seed.ts';
import { addStartCommand } from './commands/start.ts';
import { addTokenCommand } from './commands/token.ts';
import { exitStatusOf, explain } from './explain.ts';
import { say } from './surroundings.ts';

/** The `quinta` command: wiring only. Exit status 0 done, 1 failed, 2 wrong usage or configuration, 3 port taken. */
async function main(words: readonly string[]): Promise<number> {
  const program = new Command('quinta')
    .description('Runs and looks after the services of Quinta')
    .version('0.1.0')
    .showHelpAfterError('(quinta --help says what there is)')
    .exitOverride();
  for (const add of [
    addStartCommand,
    addMigrateCommands,
    addSeedCommand,
    addTokenCommand,
    addDatabaseCommands,
    addOpenApiCommand,
    addAuditCommands,
    addDoctorCommand,
    addMexaCommands,
    addMoveAccesCommands,
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

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: Error & { code?: string }) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = (await main(process.argv.slice(2))) || Number(process.exitCode ?? 0);
