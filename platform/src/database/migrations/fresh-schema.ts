import { applyStep } from './apply.ts';
import { connect, type MigrationConnection, type SchemaFact } from './connection.ts';
import { recordOf } from './plan.ts';
import { recordProtected } from './protected-tables.ts';
import { runHook } from './run.ts';
import { contextOf, type Session } from './session.ts';
import { ensureStateTable } from './state-table.ts';
import { ensureVersionTable } from './version-table.ts';

/** An empty database on the same kind of server, which the caller makes and which is dropped after use. */
export interface ScratchDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/**
 * The schema that the migrations make on an empty database: those that the live one has applied, in the order of the
 * files, whatever path the live one took.
 */
export async function freshSchema(
  session: Session,
  scratch: () => Promise<ScratchDatabase>,
): Promise<readonly SchemaFact[]> {
  const database = await scratch();
  try {
    const { dialect } = session.options;
    const connection = await connect({ url: database.url, ...(dialect ? { dialect } : {}) });
    try {
      return await migrateFresh(session, database.url, connection);
    } finally {
      await connection.close();
    }
  } finally {
    await database.drop();
  }
}

async function migrateFresh(
  session: Session,
  url: string,
  connection: MigrationConnection,
): Promise<readonly SchemaFact[]> {
  const options = { ...session.options, url };
  const context = contextOf(options, connection);
  const defaults = await session.connection.defaultsStatement();
  if (defaults !== undefined) await connection.run(defaults);
  await ensureStateTable(connection);
  if (context.versionTable) await ensureVersionTable(connection, context.versionTable);
  for (const migration of session.situation.loaded) {
    if (recordOf(session.situation, migration)?.state !== 'applied') continue;
    await applyStep(context, { direction: 'up', migration }, undefined);
  }
  const fresh = { ...session, options, connection, context };
  await runHook(fresh, options.beforeRecord);
  await recordProtected(connection, context.protectedTables, context.clock.now());
  await runHook(fresh, options.afterUp);
  return connection.describe();
}
