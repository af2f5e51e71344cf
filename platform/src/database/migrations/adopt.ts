import type { Clock } from '../../kernel/index.ts';
import type { MigrationConnection } from './connection.ts';
import { MigrationError, messageOf } from './migration-error.ts';
import { ensureStateTable, type MigrationRecord, writeRecord } from './state-table.ts';
import type { LoadedMigration } from './stream.ts';
import { readRevision, revisionOf, type VersionTable } from './version-table.ts';

/** What adopting did. */
export interface AdoptOutcome {
  /** What the earlier system's version table says. */
  readonly revision: string;
  /** The migrations that are now recorded as applied; none where that was so before. */
  readonly adopted: readonly string[];
}

export interface AdoptContext {
  readonly connection: MigrationConnection;
  readonly service: string;
  readonly versionTable: VersionTable;
  readonly loaded: readonly LoadedMigration[];
  readonly records: readonly MigrationRecord[];
  readonly clock: Clock;
  readonly appVersion: string;
}

/**
 * Takes over a database that an earlier system made: where the service has no record, each of its migrations up to
 * the version table's revision says whether the live schema is what it would have made, and if all agree they are
 * recorded as applied. Reads only until then.
 * @returns undefined where the version table is missing or empty: there is nothing to adopt
 */
export async function adopt(context: AdoptContext): Promise<AdoptOutcome | undefined> {
  const { connection, service, versionTable } = context;
  const revision = await readRevision(connection, versionTable);
  if (revision === undefined) return undefined;
  if (context.records.some((record) => record.stream === service)) return { revision, adopted: [] };
  const migrations = migrationsUpTo(context, revision);
  const differences = await connection.readOnly(() => differencesOf(connection, migrations));
  if (differences.length > 0) {
    throw new MigrationError(
      'adoption_mismatch',
      `${connection.place} says that it is at revision ${revision}, but its schema is another, so it was left as it is:\n` +
        differences.map((line) => `  ${line}`).join('\n'),
      { differences },
    );
  }
  await recordAdopted(context, migrations);
  return { revision, adopted: migrations.map((migration) => migration.name) };
}

function migrationsUpTo(
  { connection, service, versionTable, loaded }: AdoptContext,
  revision: string,
): readonly LoadedMigration[] {
  const own = loaded.filter((migration) => migration.stream === service);
  const last = own.findIndex((migration) => revisionOf(migration.name) === revision);
  if (last >= 0) return own.slice(0, last + 1);
  throw new MigrationError(
    'adoption_mismatch',
    `${versionTable.name} of ${connection.place} holds the revision "${revision}", and ${service} has no migration of that number`,
  );
}

async function differencesOf(
  connection: MigrationConnection,
  migrations: readonly LoadedMigration[],
): Promise<readonly string[]> {
  const differences: string[] = [];
  for (const { name, migration } of migrations) {
    if (!migration.verify) {
      differences.push(`${name}: it has no way to verify what an earlier system made`);
      continue;
    }
    const found = await verified(name, () => migration.verify?.(connection) ?? Promise.resolve([]));
    differences.push(...found.map((line) => `${name}: ${line}`));
  }
  return differences;
}

async function verified(name: string, verify: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await verify();
  } catch (error) {
    throw new MigrationError('failed', `${name} could not verify the schema: ${messageOf(error)}`, {
      migration: name,
      cause: error,
    });
  }
}

async function recordAdopted(
  { connection, clock, appVersion }: AdoptContext,
  migrations: readonly LoadedMigration[],
): Promise<void> {
  await ensureStateTable(connection);
  await connection.transaction(async () => {
    for (const { stream, name, hash } of migrations) {
      const now = clock.now();
      await writeRecord(connection, {
        stream,
        name,
        hash,
        state: 'applied',
        direction: 'up',
        adopted: true,
        startedAt: now,
        finishedAt: now,
        durationMs: 0,
        appVersion,
      });
    }
  });
}
