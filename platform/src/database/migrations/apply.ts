import type { Clock } from '../../kernel/index.ts';
import { isConnectionLost } from '../faults.ts';
import { type MigrationConnection, withoutPassword } from './connection.ts';
import { guard, type Guard } from './guard.ts';
import { firstLineOf, MigrationError, messageOf } from './migration-error.ts';
import type { Step } from './plan.ts';
import { protectedShape, refuseChangedShape } from './protected-tables.ts';
import { deleteRecord, type Direction, type MigrationRecord, writeRecord } from './state-table.ts';
import { type VersionTable, writeRevision } from './version-table.ts';

/** What running a migration needs besides the migration. */
export interface ApplyContext {
  readonly connection: MigrationConnection;
  /** Only to keep its password out of messages. */
  readonly url: string;
  readonly service: string;
  readonly versionTable: VersionTable | undefined;
  readonly protectedTables: readonly string[];
  readonly clock: Clock;
  readonly appVersion: string;
}

/** A migration that has run. */
export interface AppliedStep {
  readonly stream: string;
  readonly name: string;
  readonly direction: Direction;
  readonly durationMs: number;
}

/**
 * Runs one migration one way and records it. Where DDL can be rolled back, both are one transaction. Where it cannot,
 * the record says `running` before the first statement and its outcome after the last, so that a crash between them
 * is seen by whoever comes next.
 * @param before the record it has now, where it has one
 */
export async function applyStep(
  context: ApplyContext,
  step: Step,
  before: MigrationRecord | undefined,
): Promise<AppliedStep> {
  const startedAt = context.clock.now();
  const watch = guard(context.connection, step, context.protectedTables);
  try {
    if (context.connection.dialect.hasTransactionalDdl) {
      await context.connection.transaction(async () => {
        await runWatched(context, step, watch);
        await recordOutcome(context, step, { before, startedAt });
      });
    } else {
      await writeRecord(context.connection, runningRecord(context, step, { before, startedAt }));
      await runWatched(context, step, watch);
      await context.connection.transaction(() => recordOutcome(context, step, { before, startedAt }));
    }
  } catch (error) {
    const isUndone = await undoRecord(context, step, { watch, before });
    throw failureOf(context, step, { error, watch, isUndone });
  }
  const durationMs = context.clock.now().getTime() - startedAt.getTime();
  return { stream: step.migration.stream, name: step.migration.name, direction: step.direction, durationMs };
}

interface Beginning {
  readonly before: MigrationRecord | undefined;
  readonly startedAt: Date;
}

async function runWatched({ connection, protectedTables }: ApplyContext, step: Step, watch: Guard): Promise<void> {
  const shape = await protectedShape(connection, protectedTables);
  await step.migration.migration[step.direction](watch.runner);
  watch.throwRefusal();
  refuseChangedShape(step.migration, shape, await protectedShape(connection, protectedTables));
}

function runningRecord(
  context: ApplyContext,
  { migration, direction }: Step,
  { before, startedAt }: Beginning,
): Omit<MigrationRecord, 'ordinal'> {
  return {
    stream: migration.stream,
    name: migration.name,
    hash: migration.hash,
    state: 'running',
    direction,
    adopted: before?.adopted ?? false,
    startedAt,
    finishedAt: undefined,
    durationMs: undefined,
    appVersion: context.appVersion,
  };
}

async function recordOutcome(context: ApplyContext, step: Step, beginning: Beginning): Promise<void> {
  const { connection, service, versionTable, clock } = context;
  if (step.direction === 'down') await deleteRecord(connection, step.migration);
  else {
    const finishedAt = clock.now();
    const durationMs = finishedAt.getTime() - beginning.startedAt.getTime();
    const running = runningRecord(context, step, beginning);
    await writeRecord(connection, { ...running, state: 'applied', finishedAt, durationMs });
  }
  if (versionTable && step.migration.stream === service) await writeRevision(connection, versionTable, service);
}

/**
 * Without a statement that changed anything there is nothing to resolve: the record becomes what it was.
 * @returns whether the record is what it was, as far as we know
 */
async function undoRecord(
  { connection }: ApplyContext,
  step: Step,
  { watch, before }: { readonly watch: Guard; readonly before: MigrationRecord | undefined },
): Promise<boolean> {
  if (connection.dialect.hasTransactionalDdl) return true;
  if (watch.hasChanged()) return false;
  try {
    await (before ? writeRecord(connection, before) : deleteRecord(connection, step.migration));
    return true;
  } catch {
    return false; // the record stays `running`, and the error on its way up says that it must be resolved
  }
}

interface Failure {
  readonly error: unknown;
  readonly watch: Guard;
  readonly isUndone: boolean;
}

function failureOf(context: ApplyContext, { migration, direction }: Step, failure: Failure): MigrationError {
  const { name, stream } = migration;
  const { error, watch } = failure;
  if (error instanceof MigrationError && !watch.hasChanged()) return error;
  const statement = watch.statementOf(error);
  const place = statement === undefined ? '' : ` at "${firstLineOf(statement)}"`;
  const isOurs = error instanceof MigrationError;
  const plain = isOurs ? error.message : `${stream}/${name} failed going ${direction}${place}: ${messageOf(error)}`;
  const sentence = withoutPassword(plain, context.url);
  return new MigrationError(isOurs ? error.kind : 'failed', `${sentence}. ${afterFailure(context, name, failure)}`, {
    migration: name,
    differences: isOurs ? error.differences : [],
    // An error that repeats the password must not travel on as the cause.
    cause: sentence === plain ? error : undefined,
  });
}

function afterFailure({ connection, service }: ApplyContext, name: string, { error, isUndone }: Failure): string {
  if (!isUndone) {
    return (
      'What it did before that stays, because this engine cannot roll it back: finish it or undo it by hand, then ' +
      `say which: quinta migrate resolve ${service} ${name} --applied, or --reverted`
    );
  }
  if (!connection.dialect.hasTransactionalDdl) return 'Nothing of it was done';
  return isConnectionLost(error)
    ? `The connection was lost, so whether it holds is not known: quinta migrate status ${service} says so`
    : 'Nothing of it was kept';
}
