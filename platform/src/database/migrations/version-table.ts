import type { MigrationRunner } from '../migration.ts';
import type { MigrationConnection } from './connection.ts';
import { MigrationError } from './migration-error.ts';
import { stateTable } from './state-table.ts';

/** The table in which an earlier system's tool (Alembic) notes the newest revision, kept up for its readers. */
export interface VersionTable {
  readonly name: 'alembic_version';
  readonly column: 'version_num';
}

/** The one revision in the table; undefined where the table is missing or empty. */
export async function readRevision(connection: MigrationConnection, table: VersionTable): Promise<string | undefined> {
  if (!(await connection.hasTable(table.name))) return undefined;
  const rows = await connection.run(`select ${table.column} as revision from ${table.name} limit 2`);
  if (rows.length > 1) {
    throw new MigrationError(
      'adoption_mismatch',
      `${table.name} of ${connection.place} holds several revisions: merge them with the earlier system first`,
    );
  }
  return rows[0] === undefined ? undefined : String(rows[0]['revision']);
}

/** Makes the table as Alembic does, so that either tool finds what it expects. */
export async function ensureVersionTable(connection: MigrationConnection, table: VersionTable): Promise<void> {
  if (await connection.hasTable(table.name)) return;
  await connection.run(
    `create table ${table.name} (
      ${table.column} varchar(32) not null, constraint ${table.name}_pkc primary key (${table.column}))`,
  );
}

/** Sets the one row to the number of the stream's newest applied migration; no row where none is applied. */
export async function writeRevision(runner: MigrationRunner, table: VersionTable, stream: string): Promise<void> {
  const { placeholder } = runner.dialect;
  const [newest] = await runner.run(
    `select name from ${stateTable} where stream = ${placeholder(1)} and state = 'applied' order by name desc limit 1`,
    [stream],
  );
  await runner.run(`delete from ${table.name}`);
  if (newest === undefined) return;
  await runner.run(`insert into ${table.name} (${table.column}) values (${placeholder(1)})`, [
    revisionOf(String(newest['name'])),
  ]);
}

/** `004` for `v004_create_audit_logs_table`. */
export function revisionOf(name: string): string {
  return name.slice(1, 4);
}
