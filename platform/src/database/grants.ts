import type { MigrationRunner } from './migration.ts';

/** Tables that tell of the migrations: the application may look at them. */
const readOnly = ['quinta_migrations', 'alembic_version'];

/**
 * Gives the role that a service works as its rights on the tables that the owner's role has made: rows, not shapes; and
 * of append-only tables only reading and adding. PostgreSQL only: elsewhere triggers alone guard such tables.
 */
export async function grantApplicationRole(
  { dialect, run }: MigrationRunner,
  role: string,
  appendOnly: readonly string[],
): Promise<void> {
  if (dialect.name !== 'postgresql') return;
  const to = dialect.quote(role.replaceAll('"', '""'));
  const existing = new Set(
    (await run("select tablename from pg_tables where schemaname = 'public'")).map((row) => row['tablename']),
  );
  await run(`grant usage on schema public to ${to}`);
  await run(`grant select, insert, update, delete on all tables in schema public to ${to}`);
  await run(`grant usage, select on all sequences in schema public to ${to}`);
  for (const table of appendOnly.filter((name) => existing.has(name))) {
    await run(`revoke update, delete, truncate on ${dialect.quote(table)} from ${to}`);
  }
  for (const table of readOnly.filter((name) => existing.has(name))) {
    await run(`revoke insert, update, delete, truncate on ${dialect.quote(table)} from ${to}`);
  }
}
