import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Database, type Migrator, openDatabase } from '@quinta/platform/database';
import { silentLog } from '@quinta/platform/kernel';
import { migratorOf, type Placement, placeServices } from '@quinta/platform/service';
import { openTestDatabase, type TestDatabase } from '@quinta/platform/testing';
import { mexa } from '../src/service.ts';
import { sql } from './sql.ts';

/** The names of MEXA's migrations, oldest first, as their files have them. */
export const migrationNames: readonly string[] = readdirSync(new URL('../migrations/', import.meta.url))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3))
  .toSorted();

/** The newest revision, as the version table has it: `007`. */
export const newestRevision = migrationNames.at(-1)?.slice(1, 4) ?? '';

type Urls = TestDatabase['urls'];

/** The migrator of MEXA on a database, as its commands would make it; no service runs. */
export interface Migrations {
  readonly migrator: Migrator;
  readonly placement: Placement;
  readonly owner: Database;
  close(): Promise<void>;
}

export async function openMigrations(urls: Urls): Promise<Migrations> {
  const root = await mkdtemp(path.join(tmpdir(), 'quinta-migrations-'));
  const environment = {
    APP_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    LOG_LEVEL: 'CRITICAL',
    QUINTA_DATA_DIR: root,
    DATABASE_URL: urls.application,
    MIGRATION_DATABASE_URL: urls.owner,
  };
  const tell = { log: silentLog, say: () => undefined };
  const placement = await placeServices([mexa], { environment, root, ...tell });
  const [placed] = placement.placed;
  if (!placed) throw new Error('MEXA was not placed');
  const owner = openDatabase({ url: urls.owner, connectionsMax: 2 });
  return {
    migrator: migratorOf(placed, tell),
    placement,
    owner,
    close: async () => {
      await owner.close();
      await placement.release();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The same on an empty database of its own. */
export async function openEmptyMigrations(): Promise<Migrations & { drop(): Promise<void> }> {
  const database = await openTestDatabase('mexa_moved');
  const migrations = await openMigrations(database.urls);
  let dropped: Promise<void> | undefined;
  const drop = (): Promise<void> => (dropped ??= database.drop());
  return {
    ...migrations,
    drop,
    close: async () => {
      await migrations.close();
      await drop();
    },
  };
}

export type Row = Readonly<Record<string, unknown>>;
export type Contents = Readonly<Record<'usuarios' | 'vales' | 'audit_logs', readonly Row[]>>;

/** All rows of the promised tables, as text, so that nothing is rounded; a table that is not there has none. */
export async function contentsOf(owner: Database): Promise<Contents> {
  const rowsOf = async (table: string): Promise<readonly Row[]> => {
    const [found] = await sql(owner, 'select to_regclass($1) as place', [table]);
    if (found?.['place'] === null) return [];
    const rows = await sql<{ row: string }>(owner, `select to_jsonb(t)::text as row from ${table} t order by t.id`);
    return rows.map(({ row }) => JSON.parse(row.replaceAll(/: (-?\d+\.\d+)/g, ': "$1"')) as Row);
  };
  return { usuarios: await rowsOf('usuarios'), vales: await rowsOf('vales'), audit_logs: await rowsOf('audit_logs') };
}

/** Rows with these columns alone. */
export function only(rows: readonly Row[], columns: readonly string[]): readonly Row[] {
  return rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])));
}

/** The revision that the earlier system's own tool would read. */
export async function revisionOf(owner: Database): Promise<string | undefined> {
  const rows = await sql<{ revision: string }>(owner, 'select version_num as revision from alembic_version');
  return rows[0]?.revision;
}

/** The shape of the database in lines: columns, constraints, indexes and triggers of everything in it. */
export async function shapeOf(owner: Database): Promise<readonly string[]> {
  const rows = await sql<{ line: string }>(
    owner,
    `select format('%s.%s %s%s %s', table_name, column_name, udt_name,
              coalesce('(' || coalesce(character_maximum_length::text, numeric_precision || ',' || numeric_scale) || ')', ''),
              is_nullable || coalesce(' ' || column_default, '')) as line
       from information_schema.columns where table_schema = 'public'
     union all select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
       from pg_constraint where connamespace = 'public'::regnamespace
     union all select indexdef from pg_indexes where schemaname = 'public'
     union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
     order by 1`,
  );
  return rows.map(({ line }) => line);
}
