import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import {
  createMigrationFile,
  type EmbeddedServer,
  lockMigrations,
  type MigrateOutcome,
  type Migrator,
} from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { migratorOf, platformMigrations } from '@quinta/platform/service';
import { CommandFailed } from '../explain.ts';
import { serviceNamed, services, servicesNamed, UsageError } from '../services.ts';
import { print, printJson, say, withPlacement } from '../surroundings.ts';

interface JsonOption {
  readonly json?: boolean;
}

/** `quinta migrate …`: every subcommand takes services (default all) and `--json`. */
export function addMigrateCommands(program: Command): void {
  const migrate = program.command('migrate').description('Moves databases along their migrations').exitOverride();
  const add = (name: string, about: string, run: (migrator: Migrator) => Promise<unknown>): void => {
    migrate
      .command(`${name} [services...]`)
      .description(about)
      .option('--json', 'one JSON line a service')
      .exitOverride()
      .action((names: string[], options: JsonOption) => forEach(names, options, run));
  };
  add('up', 'runs what is pending; adopts the database of an earlier system first', (migrator) => migrator.up());
  add('adopt', 'records what an earlier system applied, if the schema agrees', (migrator) => migrator.adopt());
  add('current', 'the newest migration of each stream', (migrator) => migrator.current());
  add('history', 'what was applied, and when', (migrator) => migrator.history());
  add('status', 'what is applied and what is pending', (migrator) => migrator.status());
  addDown(migrate);
  addTo(migrate);
  addResolve(migrate);
  addCheck(migrate);
  addNew(migrate);
}

function addDown(migrate: Command): void {
  migrate
    .command('down <service>')
    .description('undoes the newest migrations of one service')
    .option('--steps <n>', 'how many', '1')
    .option('--json', 'JSON')
    .exitOverride()
    .action((name: string, options: JsonOption & { steps: string }) => {
      const steps = Number(options.steps);
      if (!Number.isInteger(steps) || steps < 1)
        throw new UsageError(`--steps is "${options.steps}", but should be 1 or more`);
      return forEach([serviceNamed(name).face.name], options, (migrator) => migrator.down({ steps }));
    });
}

function addTo(migrate: Command): void {
  migrate
    .command('to <service> <migration>')
    .description('up or down, until this migration is the newest; "base" is none at all')
    .option('--json', 'JSON')
    .exitOverride()
    .action((name: string, target: string, options: JsonOption) =>
      forEach([serviceNamed(name).face.name], options, (migrator) => migrator.to(target)),
    );
}

function addResolve(migrate: Command): void {
  migrate
    .command('resolve <service> <migration>')
    .description('says what became of a migration that a crash left half done')
    .option('--applied', 'it is complete now')
    .option('--reverted', 'nothing of it is left')
    .option('--json', 'JSON')
    .exitOverride()
    .action((name: string, target: string, options: JsonOption & { applied?: boolean; reverted?: boolean }) => {
      if (options.applied === options.reverted) throw new UsageError('Say either --applied or --reverted');
      const outcome = options.applied ? 'applied' : 'reverted';
      return forEach([serviceNamed(name).face.name], options, (migrator) => migrator.resolve(target, outcome));
    });
}

function addCheck(migrate: Command): void {
  migrate
    .command('check [services...]')
    .description('locked files unchanged, fresh = migrated; exit status 1 where not')
    .option('--json', 'one JSON line a service')
    .exitOverride()
    .action(async (names: string[], options: JsonOption) => {
      let isOk = true;
      await withPlacement(servicesNamed(names), async (placement) => {
        for (const placed of placement.placed) {
          const { name } = placed.service.face;
          const { embedded } = placement;
          const outcome = await migratorOf(placed, { log: silentLog, say }).check(
            placed.isEmbedded && embedded ? { scratch: () => scratchOf(embedded, name) } : {},
          );
          isOk &&= outcome.isOk;
          if (options.json) printJson({ service: name, ...outcome });
          else for (const line of checkLines(name, outcome)) print(line);
        }
      });
      if (!isOk) throw new CommandFailed('The check found differences');
    });
}

/** An empty database of the embedded server, to compare with. */
async function scratchOf(embedded: EmbeddedServer, service: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `${service.replaceAll('-', '_')}_check_${process.pid}`;
  const { ownerUrl } = await embedded.ensureDatabase(name);
  return { url: ownerUrl, drop: () => embedded.dropDatabase(name) };
}

function checkLines(name: string, outcome: Awaited<ReturnType<Migrator['check']>>): string[] {
  const compared = outcome.isCompared
    ? 'a fresh database has the same schema'
    : 'the schema was not compared: no scratch database';
  if (outcome.isOk) return [`${name}: locked files are unchanged; ${compared}`];
  return outcome.findings.map((finding) => `${name}: ${JSON.stringify(finding)}`);
}

function addNew(migrate: Command): void {
  migrate
    .command('new <service> <name>')
    .description('makes the file of the next migration, such as add_vale_photos')
    .exitOverride()
    .action(async (service: string, name: string) => {
      const made = await createMigrationFile(serviceNamed(service).migrations.folder, name);
      print(fileURLToPath(made.url));
    });
  migrate
    .command('lock')
    .description('writes the hashes of new migrations, which are frozen from then on')
    .exitOverride()
    .action(async () => {
      for (const folder of [platformMigrations, ...services.map(({ migrations }) => migrations.folder)]) {
        printJson(await lockMigrations(folder));
      }
    });
}

async function forEach(
  names: readonly string[],
  options: JsonOption,
  run: (migrator: Migrator) => Promise<unknown>,
): Promise<void> {
  await withPlacement(servicesNamed(names), async (placement) => {
    for (const placed of placement.placed) {
      const { name } = placed.service.face;
      const outcome = await run(migratorOf(placed, { log: silentLog, say }));
      if (options.json) printJson({ service: name, outcome });
      else for (const line of outcomeLines(name, outcome)) print(line);
    }
  });
}

function outcomeLines(name: string, outcome: unknown): string[] {
  if (isMigrateOutcome(outcome)) {
    const done = outcome.steps.map(
      (step) => `${name}: ${step.direction} ${step.stream}/${step.name} (${step.durationMs} ms)`,
    );
    return done.length > 0 ? done : [`${name}: nothing to do`];
  }
  const rows = Array.isArray(outcome) ? outcome : [outcome];
  return rows.map((row: unknown) => `${name}: ${describe(row)}`);
}

function isMigrateOutcome(outcome: unknown): outcome is MigrateOutcome {
  return typeof outcome === 'object' && outcome !== null && 'steps' in outcome;
}

function describe(row: unknown): string {
  if (typeof row !== 'object' || row === null) return String(row);
  return Object.entries(row)
    .map(([field, value]) => `${field} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ');
}
