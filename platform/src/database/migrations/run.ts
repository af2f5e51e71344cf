import type { MigrationRunner } from '../migration.ts';
import { adopt, type AdoptOutcome } from './adopt.ts';
import { type AppliedStep, applyStep } from './apply.ts';
import { rehearse } from './guard.ts';
import { checkProtected } from './check.ts';
import { withoutPassword } from './connection.ts';
import { MigrationError, messageOf } from './migration-error.ts';
import {
  type DownTarget,
  findMigration,
  planDown,
  planTo,
  planUp,
  recordOf,
  refuseInterrupted,
  type Situation,
  type Step,
} from './plan.ts';
import { recordProtected } from './protected-tables.ts';
import { type MigratorOptions, refreshed, type Session } from './session.ts';
import { deleteRecord, ensureStateTable, type RecordKey, writeRecord } from './state-table.ts';
import { ensureVersionTable, writeRevision } from './version-table.ts';

/** What an operation that changes the schema did. */
export interface MigrateOutcome {
  /** Migrations of an earlier system that were recorded without running. */
  readonly adopted: readonly string[];
  /** What ran, in order. */
  readonly steps: readonly AppliedStep[];
}

export async function runUp(session: Session, to: string | undefined): Promise<MigrateOutcome> {
  return runPlan(session, (situation) => planUp(situation, to));
}

export async function runTo(session: Session, name: string): Promise<MigrateOutcome> {
  return runPlan(session, (situation) => planTo(situation, name));
}

export async function runDown(session: Session, target: DownTarget): Promise<MigrateOutcome> {
  refuseInterrupted(session.situation);
  return { adopted: [], steps: await runSteps(session, planDown(session.situation, target)) };
}

export async function runAdopt(session: Session): Promise<AdoptOutcome> {
  refuseInterrupted(session.situation);
  const outcome = await adoptIfAsked(session);
  if (outcome) return outcome;
  const { options, connection } = session;
  const reason = options.versionTable
    ? `${options.versionTable.name} is missing or empty`
    : `${options.service} has no version table of an earlier system`;
  throw new MigrationError('nothing_to_adopt', `There is nothing to adopt in ${connection.place}: ${reason}`);
}

/** Says for a migration that stands half done what a person has made of it. */
export async function runResolve(
  { connection, context, situation }: Session,
  name: string,
  outcome: 'applied' | 'reverted',
): Promise<RecordKey> {
  const migration = findMigration(situation, name);
  const record = recordOf(situation, migration);
  if (record?.state !== 'running') {
    const state = record ? 'applied' : 'not applied';
    throw new MigrationError('bad_request', `${migration.name} is not half done but ${state}: nothing to resolve`);
  }
  const { versionTable, service, clock } = context;
  const isOwn = migration.stream === service;
  if (versionTable && isOwn) await ensureVersionTable(connection, versionTable);
  await connection.transaction(async () => {
    if (outcome === 'reverted') await deleteRecord(connection, migration);
    else {
      const finishedAt = clock.now();
      const durationMs = Math.max(0, finishedAt.getTime() - record.startedAt.getTime());
      const { hash } = migration;
      await writeRecord(connection, { ...record, hash, state: 'applied', direction: 'up', finishedAt, durationMs });
    }
    if (versionTable && isOwn) await writeRevision(connection, versionTable, service);
  });
  return { stream: migration.stream, name: migration.name };
}

async function runPlan(session: Session, plan: (situation: Situation) => readonly Step[]): Promise<MigrateOutcome> {
  refuseInterrupted(session.situation);
  await refuseChangedTables(session);
  const outcome = await adoptIfAsked(session);
  const adopted = outcome?.adopted ?? [];
  const current = adopted.length > 0 ? await refreshed(session) : session;
  const steps = plan(current.situation);
  const done = await runSteps(current, steps);
  const { connection, options, context } = current;
  await runHook(current, options.beforeRecord);
  if (options.protectedTables) await recordProtected(connection, options.protectedTables, context.clock.now());
  await runHook(current, options.afterUp);
  return { adopted, steps: done };
}

async function adoptIfAsked({ options, connection, situation, context }: Session): Promise<AdoptOutcome | undefined> {
  const { versionTable, service, log, say } = options;
  if (!versionTable) return undefined;
  const { loaded, records } = situation;
  const { clock, appVersion } = context;
  const outcome = await adopt({ connection, service, versionTable, loaded, records, clock, appVersion });
  if (outcome && outcome.adopted.length > 0) {
    log.info({ operation: 'migrate.adopt', service, revision: outcome.revision }, 'Database adopted');
    say?.(`Adopted from revision ${outcome.revision}: ${outcome.adopted.join(', ')}`);
  }
  return outcome;
}

async function runSteps(session: Session, steps: readonly Step[]): Promise<readonly AppliedStep[]> {
  if (steps.length === 0) return [];
  const { connection, context, situation, options } = session;
  for (const step of steps) await rehearse(step, connection.dialect, context.protectedTables);
  await ensureStateTable(connection);
  const isOwn = steps.some((step) => step.migration.stream === context.service);
  if (context.versionTable && isOwn) await ensureVersionTable(connection, context.versionTable);
  const done: AppliedStep[] = [];
  for (const step of steps) {
    const applied = await applyStep(context, step, recordOf(situation, step.migration));
    const { stream, name, direction, durationMs } = applied;
    options.log.info(
      { operation: `migrate.${direction}`, stream, migration: name, duration_ms: durationMs },
      'Migrated',
    );
    options.say?.(`${stream}/${name}: ${direction}, ${durationMs} ms`);
    done.push(applied);
  }
  return done;
}

/** Another system has changed its tables: what this service believes of them may be wrong, so a person decides. */
async function refuseChangedTables({ connection, context }: Session): Promise<void> {
  const findings = await checkProtected(connection, context.protectedTables);
  if (findings.length === 0) return;
  const differences = findings.map(({ text }) => text);
  throw new MigrationError(
    'protected_table',
    `Tables that belong to another system are not as they were recorded: ${differences.join('; ')}. ` +
      `Where that is right: quinta ${context.service} legacy accept`,
    { differences },
  );
}

/** Runs a step of the caller's own, in a transaction where that can undo all of it. */
export async function runHook({ options, connection }: Session, hook: MigratorOptions['afterUp']): Promise<void> {
  if (!hook) return;
  const runner: MigrationRunner = connection;
  try {
    await (connection.dialect.hasTransactionalDdl ? connection.transaction(() => hook(runner)) : hook(runner));
  } catch (error) {
    const reason = withoutPassword(messageOf(error), options.url);
    throw new MigrationError('failed', `The migrations are applied, but what follows them failed: ${reason}`);
  }
}
