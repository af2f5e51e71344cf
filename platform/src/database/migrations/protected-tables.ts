import type { MigrationConnection, SchemaFact } from './connection.ts';
import { MigrationError } from './migration-error.ts';
import type { LoadedMigration } from './stream.ts';

/** The schema of each protected table that is there, as text, by its name. */
export type ProtectedShape = ReadonlyMap<string, string>;

const shapeTable = 'quinta_protected_tables';

export async function protectedShape(
  connection: MigrationConnection,
  tables: readonly string[],
): Promise<ProtectedShape> {
  if (tables.length === 0) return new Map();
  const facts = await connection.describe();
  const shapes = tables.map((table) => [table, shapeOf(facts, table)] as const);
  return new Map(shapes.filter(([, shape]) => shape !== ''));
}

function shapeOf(facts: readonly SchemaFact[], table: string): string {
  return facts
    .filter((fact) => fact.table?.toLowerCase() === table.toLowerCase())
    .map((fact) => fact.text)
    .join('\n');
}

/** Throws where a migration changed a protected table in spite of the guard (by a routine or a renaming, say). */
export function refuseChangedShape(migration: LoadedMigration, before: ProtectedShape, after: ProtectedShape): void {
  const differences = differencesOf(before, after);
  if (differences.length === 0) return;
  throw new MigrationError(
    'protected_table',
    `${migration.stream}/${migration.name} changed a table that belongs to another system: ${differences.join('; ')}`,
    { migration: migration.name, differences },
  );
}

/** One sentence for each line of a table's schema that is there on one side only. */
export function differencesOf(before: ProtectedShape, after: ProtectedShape): readonly string[] {
  const differences: string[] = [];
  for (const table of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(table)?.split('\n') ?? [];
    const is = after.get(table)?.split('\n') ?? [];
    differences.push(
      ...was.filter((line) => !is.includes(line)).map((line) => `gone: ${line}`),
      ...is.filter((line) => !was.includes(line)).map((line) => `new: ${line}`),
    );
  }
  return differences;
}

/** Notes the shape of protected tables that were not noted before; with `again`, of all that are there now. */
export async function recordProtected(
  connection: MigrationConnection,
  tables: readonly string[],
  now: Date,
  again = false,
): Promise<void> {
  if (tables.length === 0) return;
  await ensureShapeTable(connection);
  const recorded = await recordedProtected(connection, tables);
  const { placeholder } = connection.dialect;
  for (const [table, shape] of await protectedShape(connection, tables)) {
    if (recorded.has(table) && !again) continue;
    await connection.transaction(async () => {
      await connection.run(`delete from ${shapeTable} where table_name = ${placeholder(1)}`, [table]);
      await connection.run(
        `insert into ${shapeTable} (table_name, shape, recorded_at)
         values (${placeholder(1)}, ${placeholder(2)}, ${placeholder(3)})`,
        [table, shape, now],
      );
    });
  }
}

/** The shapes that were noted, of these tables. */
export async function recordedProtected(
  connection: MigrationConnection,
  tables: readonly string[],
): Promise<ProtectedShape> {
  if (!(await connection.hasTable(shapeTable))) return new Map();
  const rows = await connection.run(`select table_name as name, shape from ${shapeTable}`);
  const shapes = rows.map((row) => [String(row['name']), String(row['shape'])] as const);
  return new Map(shapes.filter(([table]) => tables.includes(table)));
}

async function ensureShapeTable(connection: MigrationConnection): Promise<void> {
  if (await connection.hasTable(shapeTable)) return;
  await connection.run(`create table if not exists ${shapeTable} (
    table_name varchar(128) not null,
    shape text not null,
    recorded_at ${connection.dialect.types.instant} not null,
    constraint quinta_protected_tables_pk primary key (table_name)
  )`);
}
