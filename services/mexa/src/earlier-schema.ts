import type { MigrationRunner } from '@quinta/platform/database';

/** What a table that an earlier system made lacks of the columns that ours would have. */
export async function missingColumns(
  { run }: MigrationRunner,
  table: string,
  expected: Readonly<Record<string, string>>,
): Promise<string[]> {
  const found = await run(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
       from pg_attribute a
      where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped`,
    [table],
  );
  const types = new Map(found.map(({ name, type }) => [name, type]));
  if (types.size === 0) return [`the table ${table} is missing`];
  return Object.entries(expected).flatMap(([column, type]) => {
    if (!types.has(column)) return [`the column ${table}.${column} is missing`];
    const held = types.get(column);
    return held === type ? [] : [`the column ${table}.${column} is ${String(held)}, but should be ${type}`];
  });
}

/** A complaint where no unique index covers exactly this column. */
export async function missingUnique({ run }: MigrationRunner, table: string, column: string): Promise<string[]> {
  const found = await run(
    `select 1
       from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = to_regclass($1) and i.indisunique and i.indnkeyatts = 1 and i.indpred is null and a.attname = $2`,
    [table, column],
  );
  return found.length > 0 ? [] : [`the column ${table}.${column} is not unique`];
}
